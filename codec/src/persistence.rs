//! Whether a connection goes on after a message: RFC 9112 section 9.3.

use crate::Version;
use crate::connection::ConnectionOptions;

/// Whether a connection goes on after the current exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Another exchange may follow.
    KeepAlive,
    /// The connection is closed after this one.
    Close,
}

impl Persistence {
    /// What a message's version and `Connection` field say (RFC 9112 section 9.3, in its order).
    pub(crate) fn of(version: Version, options: ConnectionOptions) -> Persistence {
        if options.close {
            Persistence::Close
        } else if version >= Version::HTTP_1_1 || options.keep_alive {
            Persistence::KeepAlive
        } else {
            Persistence::Close
        }
    }
}
