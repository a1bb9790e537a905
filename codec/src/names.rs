//! The field names that this codec acts on. Each name is recognized once, when a head is parsed.
//!
//! Invariant: names are compared without case (RFC 9110 section 5.1). A field with any other name is
//! forwarded unchanged.

/// A field name, as far as this codec distinguishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Name {
    Other,
    Connection,
    ContentLength,
    Date,
    Expect,
    Forwarded,
    Host,
    KeepAlive,
    MaxForwards,
    ProxyAuthenticate,
    ProxyAuthenticationInfo,
    ProxyAuthorization,
    ProxyConnection,
    Te,
    TransferEncoding,
    Upgrade,
    Via,
    /// Any field whose name begins with `X-Forwarded-`.
    XForwarded,
    /// A hop-by-hop or protected field with `_` in place of `-`. Backends that pass fields as variables (CGI
    /// and its successors) cannot distinguish the two.
    Disguised,
}

impl Name {
    /// Compares the length first, so most names are compared with no known name.
    pub(crate) fn from_bytes(name: &[u8]) -> Name {
        let named = |expected, known| known_if_named(name, expected, known);
        match (name.len(), name.first().map(u8::to_ascii_lowercase)) {
            (2, Some(b't')) => named("TE", Name::Te),
            (3, Some(b'v')) => named("Via", Name::Via),
            (4, Some(b'h')) => named("Host", Name::Host),
            (4, Some(b'd')) => named("Date", Name::Date),
            (6, Some(b'e')) => named("Expect", Name::Expect),
            (7, Some(b'u')) => named("Upgrade", Name::Upgrade),
            (9, Some(b'f')) => named("Forwarded", Name::Forwarded),
            (10, Some(b'c')) => named("Connection", Name::Connection),
            (10, Some(b'k')) => named("Keep-Alive", Name::KeepAlive),
            (12, Some(b'm')) => named("Max-Forwards", Name::MaxForwards),
            (14, Some(b'c')) => named("Content-Length", Name::ContentLength),
            (16, Some(b'p')) => named("Proxy-Connection", Name::ProxyConnection),
            (17, Some(b't')) => named("Transfer-Encoding", Name::TransferEncoding),
            (18, Some(b'p')) => named("Proxy-Authenticate", Name::ProxyAuthenticate),
            (19, Some(b'p')) => named("Proxy-Authorization", Name::ProxyAuthorization),
            (25, Some(b'p')) => named("Proxy-Authentication-Info", Name::ProxyAuthenticationInfo),
            (12.., Some(b'x')) => {
                const PREFIX: &str = "X-Forwarded-";
                known_if_named(&name[..PREFIX.len()], PREFIX, Name::XForwarded)
            }
            _ => Name::Other,
        }
    }
}

/// Classifies a name that is as long as `expected`, the spelling of `known`.
fn known_if_named(name: &[u8], expected: &str, known: Name) -> Name {
    // Most senders use the spelling of the RFC, so the exact comparison comes first.
    if name == expected.as_bytes() || name.eq_ignore_ascii_case(expected.as_bytes()) {
        return known;
    }
    let meant = |&byte: &u8| if byte == b'_' { b'-' } else { byte };
    let is_disguised = Names::HOP_BY_HOP.union(Names::PROTECTED).contains(known)
        && name
            .iter()
            .map(meant)
            .zip(expected.bytes())
            .all(|(byte, other)| byte.eq_ignore_ascii_case(&other));
    if is_disguised { Name::Disguised } else { Name::Other }
}

/// A set of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names(u32);

impl Names {
    /// RFC 9110 section 7.6.1, and section 11.7 for the fields about a proxy. The encoder handles Transfer-Encoding.
    pub(crate) const HOP_BY_HOP: Names = Names::new(&[
        Name::Te,
        Name::Upgrade,
        Name::Connection,
        Name::KeepAlive,
        Name::ProxyConnection,
        Name::ProxyAuthenticate,
        Name::ProxyAuthorization,
        Name::ProxyAuthenticationInfo,
    ]);

    /// Names that `Connection` must not list: without these fields a message would be routed differently, end
    /// elsewhere, or hide its origin.
    pub(crate) const PROTECTED: Names =
        Names::new(&[Name::Host, Name::ContentLength, Name::TransferEncoding, Name::Via, Name::XForwarded]);

    pub(crate) const fn new(names: &[Name]) -> Names {
        let mut set = Names(0);
        let mut place = 0;
        while place < names.len() {
            set = set.union(Names(1 << names[place] as u32));
            place += 1;
        }
        set
    }

    pub(crate) const fn union(self, others: Names) -> Names {
        Names(self.0 | others.0)
    }

    pub(crate) fn add(&mut self, name: Name) {
        self.0 |= 1 << name as u32;
    }

    pub(crate) fn remove(&mut self, others: Names) {
        self.0 &= !others.0;
    }

    pub(crate) const fn contains(self, name: Name) -> bool {
        self.0 & (1 << name as u32) != 0
    }

    /// Whether the two have a name in common.
    pub(crate) const fn intersects(self, others: Names) -> bool {
        self.0 & others.0 != 0
    }
}
