//! Distinguishes the errors of a socket: a reset, a timeout, invalid bytes.

use std::io::{self, ErrorKind};

/// Whether the other side reset the connection.
pub fn is_reset(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// Returns the same error, except for a timeout: the system reports it as "temporarily unavailable".
pub fn explain_timeout(error: io::Error) -> io::Error {
    match error.kind() {
        // Windows reports `TimedOut` where other systems report `WouldBlock`.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            io::Error::new(ErrorKind::TimedOut, "the other side did nothing for too long")
        }
        _ => error,
    }
}

/// An error that quotes the invalid bytes.
pub fn invalid(what: &str, bytes: &[u8]) -> io::Error {
    let quoted = &bytes[..bytes.len().min(500)];
    io::Error::new(ErrorKind::InvalidData, format!("not valid: {what}: \"{}\"", quoted.escape_ascii()))
}
