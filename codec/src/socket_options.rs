//! Options of a socket. Setting one never waits, so both adapters set them here.

use std::net::Shutdown;
use std::time::Duration;

use socket2::SockRef;

/// Sets whether closing the connection resets it.
///
/// A body that ends with the connection looks complete however the connection ends. While such a body is
/// being sent, closing the connection must therefore reset it (RFC 9112 section 8). This costs a system call,
/// so it is done only for such a body.
pub(crate) fn reset_on_close(socket: &SockRef<'_>, reset: bool) {
    // If this fails, the client sees an ordinary end.
    let _ = socket.set_linger(reset.then_some(Duration::ZERO));
}

/// Closes the write side: the peer reads an end of file.
pub(crate) fn end(socket: &SockRef<'_>) {
    // Fails only if the connection is already gone.
    let _ = socket.shutdown(Shutdown::Write);
}
