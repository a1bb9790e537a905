//! The connection to a backend: writes requests, reads responses.

use std::io::ErrorKind;
use std::mem::MaybeUninit;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::borrowed::Borrow;
use super::request_writer::RequestWriter;
use super::response_reader::{ResponseReader, ResponseState};
use super::timer::Timer;
use crate::connect_failure::ConnectFailure;
use crate::names::Name;
use crate::signal::{ResponseEnd, Signal};
use crate::{BackendAddress, Decoder, Encoder, Error, Expected, Host, Limits, Persistence, RequestHead};

/// A connection to a backend, for one exchange at a time.
#[derive(Debug)]
pub struct BackendConnection(
    /// Boxed, because a pool moves it often.
    Box<Inner>,
);

#[derive(Debug)]
struct Inner {
    stream: TcpStream,
    host: Host,
    limits: &'static Limits,
    encoder: Encoder,
    decoder: Decoder,
    timer: Timer,
    /// What requests announce: whether another request follows.
    persistence: Persistence,
    /// What the last response means for the connection.
    response: ResponseState,
    /// More of the request has left, so the time limit of the response starts again.
    request_progressed: Signal,
    /// The head of the final response was received.
    response_began: Signal,
    /// `None` once the connection will not return to its pool.
    borrow: Option<Borrow>,
    /// The response was read to its end, or has failed.
    response_end: ResponseEnd,
}

impl BackendConnection {
    /// Connects to the first address that answers, within [`Limits::connect_timeout`] for all of them.
    /// May be dropped.
    ///
    /// # Errors
    /// Blames the backend if none of its addresses accepts, and this proxy if no descriptor or port is left.
    /// Of several failures, the most informative is reported.
    pub async fn connect(
        backend: &BackendAddress,
        limits: &'static Limits,
    ) -> Result<BackendConnection, Error> {
        let deadline = Instant::now() + limits.connect_timeout;
        let mut failure = ConnectFailure::default();
        for (address, left) in backend.addresses().iter().zip((1..=backend.addresses().len() as u32).rev()) {
            // Each address gets its share of the time, so that an unresponsive address does not hide the next.
            let share = deadline.saturating_duration_since(Instant::now()) / left;
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true).map_err(Error::backend)?;
                    return Ok(BackendConnection::new(stream, backend, limits));
                }
                Ok(Err(error)) => failure.add(address, error),
                Err(_) => failure.add(address, ErrorKind::TimedOut.into()),
            }
        }
        Err(failure.into_error(backend))
    }

    fn new(stream: TcpStream, backend: &BackendAddress, limits: &'static Limits) -> BackendConnection {
        BackendConnection(Box::new(Inner {
            stream,
            host: backend.host().clone(),
            limits,
            encoder: Encoder::new(),
            decoder: Decoder::new(),
            timer: Timer::default(),
            persistence: Persistence::KeepAlive,
            response: ResponseState::Nothing,
            request_progressed: Signal::default(),
            response_began: Signal::default(),
            borrow: None,
            response_end: ResponseEnd::default(),
        }))
    }

    /// Counts this connection as borrowed until it is [returned](Borrow::returned), or until the head of a
    /// response shows that it will not serve another request soon.
    pub fn set_borrow(&mut self, borrow: Borrow) {
        self.0.borrow = Some(borrow);
    }

    /// Ends the borrow; `None` if the connection no longer counts as borrowed.
    pub fn take_borrow(&mut self) -> Option<Borrow> {
        self.0.borrow.take()
    }

    /// Makes the next request the last: it carries `Connection: close` (RFC 9112 section 9.6).
    pub fn close_after_response(&mut self) {
        self.0.persistence = Persistence::Close;
    }

    /// Whether another exchange may follow: the complete last request has left, its response was read to its
    /// end, both sides keep the connection open, and no byte followed the response (RFC 9112 section 9.3).
    pub fn is_reusable(&self) -> bool {
        self.0.encoder.is_clean()
            && self.0.decoder.is_clean()
            && self.0.persistence == Persistence::KeepAlive
            && matches!(
                self.0.response,
                ResponseState::Head(Persistence::KeepAlive) | ResponseState::BareHead(Persistence::KeepAlive)
            )
    }

    /// Whether an idle connection has ended, or received bytes that no request asked for.
    ///
    /// After a response with a body, this costs a system call only if the runtime has reported readiness, so
    /// a connection that ended a moment ago may go undetected. After a response without a body, the kernel is
    /// always asked: a broken backend may still send a body (RFC 9112 section 6.3, rule 1), which would be
    /// read as the next response.
    pub fn is_stale(&self) -> bool {
        let stream = &self.0.stream;
        let read = match self.0.response {
            ResponseState::BareHead(_) => SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]),
            _ => stream.try_read(&mut [0]),
        };
        !matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Whether a byte of the response to the last request was received.
    pub fn has_answered(&self) -> bool {
        self.0.response != ResponseState::Nothing
    }

    /// Whether the head of a response to the last request was received, interim or final. A proxy forwards
    /// what it has read this far.
    pub fn has_sent_head(&self) -> bool {
        !matches!(self.0.response, ResponseState::Nothing | ResponseState::Begun)
    }

    /// Whether the response to the last request was 101, which makes the connection a tunnel.
    pub fn has_switched_protocols(&self) -> bool {
        self.0.response == ResponseState::SwitchedProtocols
    }

    /// The [authority](BackendAddress::authority) of the backend of this connection.
    pub fn authority(&self) -> &str {
        self.0.host.as_str()
    }

    /// Returns the two directions of an exchange.
    pub fn split(&mut self, request: &RequestHead) -> (RequestWriter<'_>, ResponseReader<'_>) {
        let inner = &mut *self.0;
        inner.encoder.reset();
        inner.response = ResponseState::Nothing;
        inner.response_began.clear();
        inner.response_end.clear();
        let (read, write) = inner.stream.split();
        let writer = RequestWriter {
            stream: write,
            host: &inner.host,
            limits: inner.limits,
            encoder: &mut inner.encoder,
            persistence: inner.persistence,
            progressed: &inner.request_progressed,
            response_end: &inner.response_end,
            response_began: &inner.response_began,
        };
        let reader = ResponseReader {
            stream: read,
            limits: inner.limits,
            decoder: &mut inner.decoder,
            timer: &mut inner.timer,
            expected: Expected {
                response_to: request.response_to(),
                upgrade: request.fields.has(Name::Upgrade),
            },
            head_deadline: None,
            state: &mut inner.response,
            request_progressed: &inner.request_progressed,
            borrow: &mut inner.borrow,
            began: &inner.response_began,
            end: &inner.response_end,
            stops_upload: false,
        };
        (writer, reader)
    }

    pub(super) fn stream_mut(&mut self) -> &mut TcpStream {
        &mut self.0.stream
    }

    pub(super) fn take_unread(&mut self) -> Vec<u8> {
        self.0.decoder.take_unread()
    }
}
