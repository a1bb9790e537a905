//! Request targets in their four forms (RFC 9112 section 3.2), and the syntax of a host.

use std::fmt;
use std::ops::Range;

use memchr::memchr;

use crate::Refusal;
use crate::framing::decimal;
use crate::span::Span;
use crate::token::table;

/// The form of a request target (RFC 9112 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetForm {
    /// `/path?query`: the form that a server receives.
    Origin,
    /// `http://host/path?query`: the form that a proxy receives.
    Absolute,
    /// `host:port`: only with CONNECT.
    Authority,
    /// `*`: only with OPTIONS.
    Asterisk,
}

/// The value of a `Host` field (RFC 9110 section 7.2): `host` or `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(String);

impl Host {
    /// Checks the text.
    ///
    /// # Errors
    /// [`Refusal::InvalidHost`] if it is not `host` or `host:port`.
    pub fn new(text: impl Into<String>) -> Result<Host, Refusal> {
        let text = text.into();
        if is_host_and_port(text.as_bytes()) { Ok(Host(text)) } else { Err(Refusal::InvalidHost) }
    }

    /// The host as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A parsed request target. The spans point into the block of the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) form: TargetForm,
    pub(crate) whole: Span,
    /// The host and port of an absolute-form target.
    pub(crate) authority: Span,
    /// From the path on, query included; may be empty in absolute-form.
    pub(crate) path_and_query: Span,
    /// The path alone.
    pub(crate) path: Span,
}

impl Target {
    /// Parses the target at `range` in `block`.
    pub(crate) fn parse(method: &[u8], block: &[u8], range: Range<usize>) -> Result<Target, Refusal> {
        let target = &block[range.clone()];
        // RFC 9112 section 3.2: visible ASCII only; a fragment is never sent (RFC 9110 section 7.1).
        const VISIBLE: [bool; 256] = table(b"!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
        if target.is_empty() || !target.iter().all(|&byte| VISIBLE[usize::from(byte)]) {
            return Err(Refusal::InvalidTarget);
        }
        let whole = Span::new(range.clone());
        let parsed = |form, authority: Range<usize>, path_and_query: Range<usize>| {
            let length = memchr(b'?', &block[path_and_query.clone()]).unwrap_or(path_and_query.len());
            let path = Span::new(path_and_query.start..path_and_query.start + length);
            let path_and_query = Span::new(path_and_query);
            Ok(Target { form, whole, authority: Span::new(authority), path_and_query, path })
        };
        if method == b"CONNECT" {
            // RFC 9112 section 3.2.3: CONNECT has authority-form, with a port. No other method has it.
            let port = target.iter().rposition(|&byte| byte == b':').map(|colon| &target[colon + 1..]);
            let valid =
                is_host_and_port(target) && port.is_some_and(|port| is_port(port) && !port.is_empty());
            return if valid {
                parsed(TargetForm::Authority, range.clone(), range)
            } else {
                Err(Refusal::InvalidTarget)
            };
        }
        if target == b"*" {
            // RFC 9112 section 3.2.4: asterisk-form is for a server-wide OPTIONS.
            return if method == b"OPTIONS" {
                parsed(TargetForm::Asterisk, range.start..range.start, range)
            } else {
                Err(Refusal::InvalidTarget)
            };
        }
        if target[0] == b'/' {
            return parsed(TargetForm::Origin, range.start..range.start, range);
        }
        // RFC 9112 section 3.2.2: a server must accept absolute-form. The scheme is compared without case.
        const SCHEME: &[u8] = b"http://";
        if !target.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)) {
            return Err(Refusal::InvalidTarget);
        }
        let rest = &target[SCHEME.len()..];
        let length = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
        if !is_host_and_port(&rest[..length]) {
            return Err(Refusal::InvalidTarget);
        }
        let host = range.start + SCHEME.len();
        parsed(TargetForm::Absolute, host..host + length, host + length..range.end)
    }
}

/// Whether this is a non-empty `uri-host [ ":" port ]` (RFC 9110 section 7.2).
///
/// Stricter than the grammar in one respect: a comma is rejected, because a recipient that joins fields with
/// commas would see two hosts.
pub(crate) fn is_host_and_port(bytes: &[u8]) -> bool {
    let after_host = if bytes.first() == Some(&b'[') {
        let end = bytes.iter().position(|&byte| byte == b']');
        end.filter(|&end| is_ip_literal(&bytes[1..end])).map(|end| &bytes[end + 1..])
    } else {
        after_registered_name(bytes)
    };
    match after_host {
        Some([]) => true,
        Some([b':', port @ ..]) => is_port(port),
        _ => false,
    }
}

/// Whether this is an IPv6 address (RFC 3986 section 3.2.2). Zones and addresses of future versions are rejected.
fn is_ip_literal(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

/// The bytes after the name that `bytes` begin with (RFC 3986 section 3.2.2: unreserved, percent-encoded, or
/// a sub-delimiter); `None` if there is no name.
fn after_registered_name(bytes: &[u8]) -> Option<&[u8]> {
    const PLAIN: [bool; 256] = table(b"-._~!$&'()*+;=");
    let mut rest = bytes;
    loop {
        rest = match rest {
            [byte, tail @ ..] if PLAIN[usize::from(*byte)] => tail,
            [b'%', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => tail,
            _ => break,
        };
    }
    (rest.len() < bytes.len()).then_some(rest)
}

/// RFC 3986 section 3.2.3: a port is digits, possibly none. The number must be at most 65535.
fn is_port(bytes: &[u8]) -> bool {
    bytes.is_empty() || decimal(bytes).is_some_and(|port| port <= u64::from(u16::MAX))
}
