//! What a pool asks a connection: whether it may serve another request.

use std::io::ErrorKind;
use std::mem::MaybeUninit;

use socket2::SockRef;

use super::backend::BackendConnection;
use super::borrowed::{Borrow, may_return};
use crate::{BodyFraming, Decoder, Persistence, ResponseHead, ResponseTo};

/// What the response to the last request means for the connection.
#[derive(Debug, Default)]
pub(super) struct Reuse {
    received: Received,
    /// `None` once the connection will not return to its pool.
    borrow: Option<Borrow>,
}

/// How much of a response was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Received {
    /// No byte of the response was received.
    #[default]
    Nothing,
    /// The response has begun.
    Begun,
    /// The head was received, and says whether another exchange may follow.
    Head(Persistence),
    /// As `Head`, and no byte of a body follows the head.
    BareHead(Persistence),
    /// The response was 101: a tunnel follows.
    SwitchedProtocols,
}

impl Reuse {
    /// Prepares for the next response.
    pub(super) fn begin_exchange(&mut self) {
        self.received = Received::Nothing;
    }

    /// Records that bytes of a response were received, if the decoder has got any.
    pub(super) fn received(&mut self, decoder: &Decoder) {
        if self.received == Received::Nothing && !decoder.is_at_end_of_file() {
            self.received = Received::Begun;
        }
    }

    /// Records the head of a response, interim or final.
    pub(super) fn head_received(&mut self, head: &ResponseHead, response_to: ResponseTo) {
        let persistence = head.persistence(response_to);
        self.received = match head.framing() {
            _ if head.status() == 101 => Received::SwitchedProtocols,
            BodyFraming::Empty | BodyFraming::ContentLength(0) => Received::BareHead(persistence),
            _ => Received::Head(persistence),
        };
        if !head.is_interim() && !may_return(head, persistence) {
            self.borrow = None;
        }
    }
}

impl BackendConnection {
    /// Counts this connection as borrowed until it is [returned](Borrow::returned), or until the head of a
    /// response shows that it will not serve another request soon.
    pub fn set_borrow(&mut self, borrow: Borrow) {
        self.0.reuse.borrow = Some(borrow);
    }

    /// Ends the borrow; `None` if the connection no longer counts as borrowed.
    pub fn take_borrow(&mut self) -> Option<Borrow> {
        self.0.reuse.borrow.take()
    }

    /// Whether another exchange may follow: the complete last request has left, its response was read to its
    /// end, both sides keep the connection open, and no byte followed the response (RFC 9112 section 9.3).
    pub fn is_reusable(&self) -> bool {
        self.0.state.request.encoder.is_clean()
            && self.0.state.response.decoder.is_clean()
            && self.0.state.request.persistence == Persistence::KeepAlive
            && matches!(
                self.0.reuse.received,
                Received::Head(Persistence::KeepAlive) | Received::BareHead(Persistence::KeepAlive)
            )
    }

    /// Whether an idle connection has ended, or received bytes that no request asked for.
    ///
    /// After a response with a body, this costs a system call only if the runtime has reported readiness, so
    /// a connection that ended a moment ago may go undetected. After a response without a body, the kernel is
    /// always asked: a broken backend may still send a body (RFC 9112 section 6.3, rule 1), which would be
    /// read as the next response.
    pub fn is_stale(&self) -> bool {
        let stream = &self.0.socket.stream;
        let read = match self.0.reuse.received {
            Received::BareHead(_) => SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]),
            _ => stream.try_read(&mut [0]),
        };
        !matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Whether a byte of the response to the last request was received.
    pub fn has_answered(&self) -> bool {
        self.0.reuse.received != Received::Nothing
    }

    /// Whether the head of a response to the last request was received, interim or final. A proxy forwards
    /// what it has read this far.
    pub fn has_sent_head(&self) -> bool {
        !matches!(self.0.reuse.received, Received::Nothing | Received::Begun)
    }

    /// Whether the response to the last request was 101, which makes the connection a tunnel.
    pub fn has_switched_protocols(&self) -> bool {
        self.0.reuse.received == Received::SwitchedProtocols
    }

    /// The [authority](crate::BackendAddress::authority) of the backend of this connection.
    pub fn authority(&self) -> &str {
        self.0.state.request.host.as_str()
    }
}
