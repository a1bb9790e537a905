//! The addresses in the ready line of a program: `NAME listening on http://ADDRESS, stats RPC on http://ADDRESS/rpc`.

use std::net::SocketAddr;

/// The address that it listens on.
pub(crate) fn listening_address(line: &str) -> Option<SocketAddr> {
    address_behind(line, " listening on http://")
}

/// The address of its stats RPC.
pub(crate) fn rpc_address(line: &str) -> Option<SocketAddr> {
    address_behind(line, "stats RPC on http://")
}

/// The address behind `words`. It ends with a comma, a space or the path of a URL.
fn address_behind(line: &str, words: &str) -> Option<SocketAddr> {
    let (_, address) = line.split_once(words)?;
    address.split([',', ' ', '/']).next()?.parse().ok()
}
