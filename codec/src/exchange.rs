//! What a request means for its response: how a client reads the response, and how a server writes it.

use crate::names::Name;
use crate::{Persistence, RequestHead, Version};

/// What a request means for the framing of its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseTo {
    /// The response has no body: the request was HEAD.
    Head,
    /// Any other request.
    Other,
}

/// The properties of a request that determine how its response is read.
///
/// For a request that was sent, see [`RequestHead::expected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Expected {
    /// Whether the request was HEAD.
    pub response_to: ResponseTo,
    /// Whether the request offered to switch protocols.
    pub upgrade: bool,
}

/// The properties of a request that determine how its response is written.
///
/// For a request that was received, see [`RequestHead::answering`]. A request that was rejected has no head: answer
/// it as HTTP/1.1, and close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answering {
    /// Whether the request was HEAD.
    pub response_to: ResponseTo,
    /// The version of the request.
    pub version: Version,
    /// Whether the connection continues after the response.
    pub persistence: Persistence,
}

impl RequestHead {
    /// What this request means for the framing of its response.
    pub fn response_to(&self) -> ResponseTo {
        if self.method_bytes() == b"HEAD" { ResponseTo::Head } else { ResponseTo::Other }
    }

    /// Whether the client may wait for a 100 (Continue) before it sends the body (RFC 9110 section 10.1.1). A server
    /// that wants the body sends an [interim response](crate::Encoder::queue_interim) first.
    pub fn awaits_continue(&self) -> bool {
        // RFC 9110 section 10.1.1: Expect in a request of HTTP/1.0 is ignored.
        self.version() >= Version::HTTP_1_1 && self.fields.has(Name::Expect) && self.has_body()
    }

    /// How to read the response: for [`Decoder::decode_response`](crate::Decoder::decode_response).
    pub fn expected(&self) -> Expected {
        // RFC 9110 section 15.2.2: 101 answers an Upgrade.
        Expected { response_to: self.response_to(), upgrade: self.fields.has(Name::Upgrade) }
    }

    /// How to write the response: for [`Encoder::queue_response`](crate::Encoder::queue_response). The connection
    /// continues after it if the client keeps it open. A server that closes it changes `persistence`.
    pub fn answering(&self) -> Answering {
        Answering {
            response_to: self.response_to(),
            version: self.version(),
            persistence: self.persistence(),
        }
    }
}
