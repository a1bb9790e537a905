//! The hosts for which an administration port answers.
//!
//! A web page may use a name of its own that resolves to 127.0.0.1, and a browser then treats the port as a
//! part of that page (DNS rebinding). Such a request carries the name in `Host`, so unknown names are
//! rejected.

use std::net::{Ipv4Addr, Ipv6Addr};

use codec::RequestHead;

/// Whether a request is for a host that is an IP address, `localhost` or one of `names`, or for no host,
/// which only HTTP/1.0 allows. Case and port are ignored.
pub fn is_known_host(request: &RequestHead, names: &[String]) -> bool {
    let Some(authority) = request.authority() else {
        return true;
    };
    // The codec has checked that the host is ASCII, and that an address in brackets is valid.
    let authority = str::from_utf8(authority).unwrap_or_default();
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => return address.parse::<Ipv6Addr>().is_ok(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is = |name: &str| name.eq_ignore_ascii_case(host);
    host.parse::<Ipv4Addr>().is_ok() || is("localhost") || names.iter().any(|name| is(name))
}

/// Parses the name of a host, for a flag.
pub fn parse_host_name(text: &str) -> Result<String, String> {
    let is_part_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_part_of_a_name) {
        true => Ok(text.to_owned()),
        false => Err("it is not the name of a host such as stats.example, without a port".to_owned()),
    }
}
