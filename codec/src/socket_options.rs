//! Options of a socket, and its peer. None of these calls waits, so they serve both adapters.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown};
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

/// The address of the peer. An IPv4 address is mapped into IPv6, which is 8 bytes smaller than an `IpAddr` beside
/// other fields.
pub(crate) fn peer_address(socket: &SockRef<'_>) -> Ipv6Addr {
    // Fails only if the connection is already gone, which the first read reports.
    let address = socket.peer_addr().ok().and_then(|address| address.as_socket());
    match address.map_or(Ipv4Addr::UNSPECIFIED.into(), |address| address.ip()) {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}
