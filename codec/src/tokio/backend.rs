//! The connection to a backend: writes requests, reads responses.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::mem::MaybeUninit;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, timeout};

use super::borrowed::{Borrow, may_return};
use super::socket::{self, Patience};
use super::timer::Timer;
use crate::connect_failure::ConnectFailure;
use crate::names::Name;
use crate::signal::Signal;
use crate::{
    BackendAddress, BodyFraming, Cause, Decoded, Decoder, Encoder, Error, Expected, Limits, Persistence,
    Piece, RequestHead, ResponseHead, Wait,
};

/// A connection to a backend, for one exchange at a time.
#[derive(Debug)]
pub struct BackendConnection(
    /// Boxed, because a pool hands it about.
    Box<Inner>,
);

#[derive(Debug)]
struct Inner {
    stream: TcpStream,
    host: String,
    limits: &'static Limits,
    encoder: Encoder,
    decoder: Decoder,
    timer: Timer,
    /// What we say: whether another request is to follow.
    persistence: Persistence,
    /// What the last response says.
    response: ResponseState,
    /// More of the request has left: the time for the response starts again.
    request_progressed: Signal,
    /// `None` once the connection will not come back to the pool that it is from.
    borrow: Option<Borrow>,
}

/// What a response means for the connection that it came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResponseState {
    /// No byte of it has come.
    Nothing,
    /// It has begun.
    Begun,
    /// Its head has come, and says whether another exchange may follow.
    Head(Persistence),
    /// The same, and no byte of a body follows the head.
    BareHead(Persistence),
}

impl BackendConnection {
    /// Connects to the first address that answers, within [`Limits::connect_timeout`] for all of them.
    /// May be dropped.
    ///
    /// # Errors
    /// The backend's: none of its addresses accepts. Ours: no descriptor or port is left. Of several, the one that
    /// tells most.
    pub async fn connect(
        backend: &BackendAddress,
        limits: &'static Limits,
    ) -> Result<BackendConnection, Error> {
        let deadline = Instant::now() + limits.connect_timeout;
        let mut failure = ConnectFailure::default();
        for (address, left) in backend.addresses().iter().zip((1..=backend.addresses().len() as u32).rev()) {
            // Each address gets its share: one that does not answer must not hide the next.
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
            host: backend.authority().to_owned(),
            limits,
            encoder: Encoder::new(),
            decoder: Decoder::new(),
            timer: Timer::default(),
            persistence: Persistence::KeepAlive,
            response: ResponseState::Nothing,
            request_progressed: Signal::default(),
            borrow: None,
        }))
    }

    /// Counts this connection as borrowed until it is [returned](Borrow::returned), or the head of a response shows
    /// that it will not serve another request soon.
    pub fn set_borrow(&mut self, borrow: Borrow) {
        self.0.borrow = Some(borrow);
    }

    /// Ends the borrow; `None` if the connection no longer counts as borrowed.
    pub fn take_borrow(&mut self) -> Option<Borrow> {
        self.0.borrow.take()
    }

    /// Makes the next request the last: it says `Connection: close` (RFC 9112 section 9.6).
    pub fn close_after_response(&mut self) {
        self.0.persistence = Persistence::Close;
    }

    /// Whether another exchange may follow: the last request has left whole, its response was read to its end, both
    /// sides keep the connection, and nothing came after the response (RFC 9112 section 9.3).
    pub fn is_reusable(&self) -> bool {
        self.0.encoder.is_clean()
            && self.0.decoder.is_clean()
            && self.0.persistence == Persistence::KeepAlive
            && matches!(
                self.0.response,
                ResponseState::Head(Persistence::KeepAlive) | ResponseState::BareHead(Persistence::KeepAlive)
            )
    }

    /// Whether an idle connection has ended, or bytes came that nobody asked for.
    ///
    /// After a response with a body this costs a system call only if something is known to have come, so a connection
    /// that ended just now may pass. After a response without one, the kernel is always asked: a broken backend may
    /// send a body there all the same (RFC 9112 section 6.3, rule 1), which would be taken for the next response.
    pub fn is_stale(&self) -> bool {
        let stream = &self.0.stream;
        let read = match self.0.response {
            ResponseState::BareHead(_) => SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]),
            _ => stream.try_read(&mut [0]),
        };
        !matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Whether a byte of the response to the last request has come.
    pub fn has_answered(&self) -> bool {
        self.0.response != ResponseState::Nothing
    }

    /// Whether a head of the response to the last request has come, be it that of an interim response. What a proxy
    /// has read this far, it passes on.
    pub fn has_sent_head(&self) -> bool {
        matches!(self.0.response, ResponseState::Head(_) | ResponseState::BareHead(_))
    }

    /// The two directions of an exchange.
    pub fn split(&mut self, request: &RequestHead) -> (RequestWriter<'_>, ResponseReader<'_>) {
        let inner = &mut *self.0;
        inner.encoder.reset();
        inner.response = ResponseState::Nothing;
        let (read, write) = inner.stream.split();
        let writer = RequestWriter {
            stream: write,
            host: &inner.host,
            encoder: &mut inner.encoder,
            persistence: inner.persistence,
            progressed: &inner.request_progressed,
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

/// The request, as it goes to the backend.
#[derive(Debug)]
pub struct RequestWriter<'a> {
    stream: WriteHalf<'a>,
    host: &'a str,
    encoder: &'a mut Encoder,
    persistence: Persistence,
    progressed: &'a Signal,
}

impl RequestWriter<'_> {
    /// Queues the head, in origin-form. It leaves with the first piece of the body.
    pub fn write_head(&mut self, head: &RequestHead) {
        self.encoder.queue_request(head, self.host, self.persistence);
    }

    /// Sends a piece of the body. It waits for as long as the backend takes nothing: that the response does not
    /// come is what ends it. If it is dropped, the connection is not used again.
    ///
    /// # Errors
    /// The backend's: it takes no more.
    #[expect(clippy::manual_async_fn, reason = "an async function keeps room for its arguments twice")]
    pub fn write_piece(&mut self, piece: Piece<'_>) -> impl Future<Output = Result<(), Error>> {
        async move {
            let parts = self.encoder.parts(piece)?;
            let patience = Patience::UntilProgress(self.progressed);
            socket::write_all(&mut self.stream, parts, patience).await.map_err(Error::backend)?;
            self.encoder.written(piece.is_last());
            Ok(())
        }
    }
}

/// The response, as it comes from the backend.
#[derive(Debug)]
pub struct ResponseReader<'a> {
    stream: ReadHalf<'a>,
    limits: &'static Limits,
    decoder: &'a mut Decoder,
    timer: &'a mut Timer,
    expected: Expected,
    /// When the head is late; the time starts with the first wait for it.
    head_deadline: Option<Instant>,
    state: &'a mut ResponseState,
    request_progressed: &'a Signal,
    borrow: &'a mut Option<Borrow>,
}

impl Drop for ResponseReader<'_> {
    /// A connection that waits in a pool holds no buffer.
    fn drop(&mut self) {
        self.decoder.release();
    }
}

impl ResponseReader<'_> {
    /// Reads the head of a response, interim or final, for [`Limits::response_head_timeout`] at most,
    /// counted from the last piece of the request that left. May be dropped and called again.
    ///
    /// # Errors
    /// The backend's: a response that breaks a rule, or comes too late, or not at all.
    pub async fn read_response(&mut self) -> Result<ResponseHead, Error> {
        loop {
            if let Some(head) =
                self.decoder.decode_response(self.expected, self.limits).map_err(Error::backend)?
            {
                self.head_deadline = None;
                let persistence = Persistence::after(&head, self.expected.response_to);
                *self.state = match head.framing() {
                    BodyFraming::Empty | BodyFraming::ContentLength(0) => {
                        ResponseState::BareHead(persistence)
                    }
                    _ => ResponseState::Head(persistence),
                };
                if !head.is_interim() && !may_return(&head, persistence) {
                    *self.borrow = None;
                }
                return Ok(head);
            }
            self.fill(Wait::Head).await.map_err(Error::backend)?;
        }
    }

    /// The next piece of the body; `None` after the last. The first call does not wait: it gives what came
    /// with the head. May be dropped and called again.
    ///
    /// # Errors
    /// The backend's: broken framing, a pause over [`Limits::response_body_timeout`], or an end too soon.
    pub async fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        loop {
            match self.decoder.decode_piece(self.limits).map_err(Error::backend)? {
                Decoded::Piece => return Ok(Some(self.decoder.piece())),
                Decoded::End => return Ok(None),
                Decoded::NeedsMore => self.fill(Wait::Body).await.map_err(Error::backend)?,
            }
        }
    }

    async fn fill(&mut self, wait: Wait) -> Result<(), Cause> {
        let timeout = match wait {
            Wait::Head => self.limits.response_head_timeout,
            _ => self.limits.response_body_timeout,
        };
        // A response cannot be late while the request is on its way.
        if self.request_progressed.clear() {
            self.head_deadline = None;
        }
        let now = Instant::now();
        let mut deadline = now + timeout;
        if wait == Wait::Head {
            // A total, because a backend that sends a byte now and then would never be late.
            deadline = *self.head_deadline.get_or_insert(deadline);
            if now >= deadline {
                return Err(Cause::TimedOut(wait));
            }
        }
        let filled = poll_fn(|cx| {
            if self.request_progressed.clear() {
                deadline = Instant::now() + timeout;
                self.head_deadline = Some(deadline);
            }
            let waiting = (&mut *self.timer, deadline, wait);
            socket::poll_fill(cx, &mut self.stream, self.decoder, self.limits, waiting)
        });
        filled.await?;
        if *self.state == ResponseState::Nothing && !self.decoder.is_at_end_of_file() {
            *self.state = ResponseState::Begun;
        }
        Ok(())
    }
}
