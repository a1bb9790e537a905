//! The versions of HTTP/1.

use std::fmt;

use crate::Refusal;

/// A version HTTP/1.x, by its minor number (RFC 9110 section 2.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u8);

impl Version {
    /// HTTP/1.0: no chunked, no interim responses, and a connection persists only if both sides say so.
    pub const HTTP_1_0: Version = Version(0);
    /// HTTP/1.1. A higher minor version is handled as 1.1, so compare with `>=`.
    pub const HTTP_1_1: Version = Version(1);

    /// The version number as in `Via`: `1.1`.
    pub fn number(self) -> &'static str {
        const NUMBERS: [&str; 10] = ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9"];
        NUMBERS.get(usize::from(self.0)).copied().unwrap_or("1.1")
    }

    /// Parses the version of a start line.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Version, Refusal> {
        // RFC 9112 section 2.3: HTTP-name is case-sensitive, and each number is one digit.
        match bytes {
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                // RFC 9110 section 2.5: a higher minor version is handled as the highest one known.
                // HTTP/2 is not supported: docs/src/limits.md.
                if *major == b'1' { Ok(Version(minor - b'0')) } else { Err(Refusal::UnsupportedVersion) }
            }
            _ => Err(Refusal::InvalidVersion),
        }
    }
}

/// As in a start line: `HTTP/1.1`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP/{}", self.number())
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
