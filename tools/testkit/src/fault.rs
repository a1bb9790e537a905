//! What goes wrong on a socket, told apart: a reset, a wait that was too long, bytes that are not valid.

use std::io::{self, ErrorKind};

/// Whether the other side has reset the connection.
pub fn is_reset(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// The same error, but for a wait that was too long: the system calls it "temporarily unavailable".
pub fn explain_timeout(error: io::Error) -> io::Error {
    match error.kind() {
        // Windows says `TimedOut` where others say `WouldBlock`.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            io::Error::new(ErrorKind::TimedOut, "the other side did nothing for too long")
        }
        _ => error,
    }
}

/// An error that quotes what was not valid.
pub fn invalid(what: &str, bytes: &[u8]) -> io::Error {
    let quoted = &bytes[..bytes.len().min(500)];
    io::Error::new(ErrorKind::InvalidData, format!("not valid: {what}: \"{}\"", quoted.escape_ascii()))
}
