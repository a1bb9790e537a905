//! The versions of HTTP/1.

use crate::Refusal;

/// A version HTTP/1.x, by its minor number (RFC 9110 section 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u8);

impl Version {
    /// HTTP/1.0: no chunked, no interim responses, and a connection persists only if both sides say so.
    pub const HTTP_1_0: Version = Version(0);
    /// HTTP/1.1. A higher minor version is treated as this one.
    pub const HTTP_1_1: Version = Version(1);

    /// The version as `Via` has it: `1.1`.
    pub fn number(self) -> &'static str {
        if self == Version::HTTP_1_0 { "1.0" } else { "1.1" }
    }

    /// Reads the version of a start line.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Version, Refusal> {
        // RFC 9112 section 2.3: HTTP-name is case-sensitive, and each number is one digit.
        match bytes {
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                match (major, minor) {
                    (b'1', b'0') => Ok(Version::HTTP_1_0),
                    // RFC 9110 section 2.5: a higher minor version is handled as the highest one known.
                    (b'1', _) => Ok(Version::HTTP_1_1),
                    _ => Err(Refusal::UnsupportedVersion),
                }
            }
            _ => Err(Refusal::InvalidVersion),
        }
    }
}
