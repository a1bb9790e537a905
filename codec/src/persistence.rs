//! Whether a connection continues after a message: RFC 9112 section 9.3.

use crate::connection::ConnectionOptions;
use crate::names::Name;
use crate::{ResponseHead, ResponseTo, Version};

/// Whether a connection continues after the current exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Persistence {
    /// Another exchange may follow.
    KeepAlive,
    /// The connection is closed after this exchange.
    Close,
}

impl Persistence {
    /// What a message's version and `Connection` field say (RFC 9112 section 9.3, in its order).
    pub(crate) fn from_options(version: Version, options: ConnectionOptions) -> Persistence {
        if options.close {
            Persistence::Close
        } else if version >= Version::HTTP_1_1 || options.keep_alive {
            Persistence::KeepAlive
        } else {
            Persistence::Close
        }
    }

    /// Whether the backend keeps the connection open after this response.
    pub(crate) fn after(head: &ResponseHead, response_to: ResponseTo) -> Persistence {
        let switches_protocols = head.status() == 101;
        // RFC 9112 section 6.3, rule 3: with both fields, the framing of later messages cannot be trusted.
        let is_ambiguous = head.fields.has(Name::TransferEncoding) && head.fields.has(Name::ContentLength);
        // RFC 9112 section 6.3, rule 8: with a GET this response would have ended with the connection. Such
        // servers usually close after HEAD as well, without announcing it.
        let would_close = response_to == ResponseTo::Head
            && !head.fields.has(Name::ContentLength)
            && !head.fields.has(Name::TransferEncoding)
            && !matches!(head.status(), 204 | 304);
        match switches_protocols || is_ambiguous || would_close {
            true => Persistence::Close,
            false => Persistence::from_options(head.version(), head.connection),
        }
    }
}
