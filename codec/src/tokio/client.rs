//! The connection to a client: reads requests, writes responses.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::task::Poll;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncWriteExt, Interest, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, timeout};

use super::backend::BackendConnection;
use super::connections::{ClientStream, ConnectionGuard};
use super::socket::{self, Patience};
use super::timer::Timer;
use crate::client_state::{ClientState, Ending, ResponseState};
use crate::date::{with_date, with_date_for};
use crate::signal::Signal;
use crate::{Cause, Decoded, Decoder, Error, Limits, Piece, Report, RequestHead, ResponseHead, Wait};

/// A connection to a client.
///
/// For each request: [`wait_for_request`](ClientConnection::wait_for_request),
/// [`read_request`](ClientConnection::read_request), [`split`](ClientConnection::split) and an exchange,
/// [`finish`](ClientConnection::finish); at the end [`close`](ClientConnection::close).
#[derive(Debug)]
pub struct ClientConnection(
    /// Boxed, because a task moves it about before it waits, and a future keeps room for each place.
    Box<Inner>,
);

#[derive(Debug)]
struct Inner {
    stream: TcpStream,
    address: IpAddr,
    limits: &'static Limits,
    state: ClientState,
    timer: Timer,
    guard: ConnectionGuard,
}

/// Finds out in two minutes that the other side of a tunnel has gone.
const TUNNEL_KEEPALIVE: TcpKeepalive = TcpKeepalive::new().with_time(Duration::from_secs(60));

impl ClientConnection {
    /// Takes over a connection that was accepted.
    pub fn new(client: ClientStream, limits: &'static Limits) -> ClientConnection {
        let ClientStream { stream, guard } = client;
        // Both fail only on a connection that is gone already, which the first read will tell.
        let address = stream.peer_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |address| address.ip());
        // A message is written whole, so waiting for more to send with it only costs time.
        let _ = stream.set_nodelay(true);
        ClientConnection(Box::new(Inner {
            stream,
            address,
            limits,
            state: ClientState::new(),
            timer: Timer::default(),
            guard,
        }))
    }

    /// The address of the client.
    pub fn address(&self) -> IpAddr {
        self.0.address
    }

    /// Makes the next response the last: it says `Connection: close` (RFC 9112 section 9.6).
    pub fn close_after_response(&mut self) {
        self.0.state.close_after_response();
    }

    /// Waits for the first byte of a request, for [`Limits::idle_timeout`] at most.
    ///
    /// False: there will be none. The client has left, or was silent for too long, or the last response
    /// said that the connection ends, or the server stops. May be dropped and called again.
    pub async fn wait_for_request(&mut self) -> bool {
        if self.0.state.ending() != Ending::KeepAlive {
            return false;
        }
        let deadline = Instant::from_std(self.0.state.idle_since) + self.0.limits.idle_timeout;
        while !self.0.state.decoder.has_started() {
            self.0.state.decoder.release();
            // Woken by the first byte, by the timer, or because the server stops.
            let filled = poll_fn(|cx| {
                if self.0.guard.poll_closing(cx) {
                    return Poll::Ready(Err(Cause::Stopped));
                }
                let waiting = (&mut self.0.timer, deadline, Wait::Head);
                let (mut stream, _) = self.0.stream.split();
                socket::poll_fill(cx, &mut stream, &mut self.0.state.decoder, self.0.limits, waiting)
            });
            if filled.await.is_err() || self.0.state.decoder.is_at_end_of_file() {
                return false;
            }
        }
        self.0.state.begin();
        true
    }

    /// Reads the head of a request, for [`Limits::head_timeout`] at most from its first byte.
    /// May be dropped and called again.
    ///
    /// # Errors
    /// The client's: a request that breaks a rule, comes too slowly, or ends too soon.
    pub async fn read_request(&mut self) -> Result<RequestHead, Error> {
        let deadline = Instant::from_std(self.0.state.started) + self.0.limits.head_timeout;
        if self.0.guard.is_closing() {
            self.0.state.close_after_response();
        }
        loop {
            if let Some(head) = self.0.state.decoder.decode_request(self.0.limits).map_err(Error::client)? {
                self.0.state.begin_exchange(&head);
                return Ok(head);
            }
            // A client that sends a byte now and then never lets the timer be looked at.
            if Instant::now() >= deadline {
                return Err(Error::client(Cause::TimedOut(Wait::Head)));
            }
            self.fill(deadline).await.map_err(Error::client)?;
        }
    }

    /// The two directions of the exchange that [`read_request`](ClientConnection::read_request) began. A request
    /// without a body may be exchanged again, if nothing has come back.
    pub fn split(&mut self) -> (RequestBody<'_>, ResponseWriter<'_>) {
        self.0.state.decoder.repeat_empty_body();
        let (read, write) = self.0.stream.split();
        let body = RequestBody {
            stream: read,
            limits: self.0.limits,
            decoder: &mut self.0.state.decoder,
            ended: &self.0.state.request_ended,
            response_began: &self.0.state.response_began,
            timer: &mut self.0.timer,
        };
        let response = ResponseWriter {
            stream: write,
            limits: self.0.limits,
            state: &mut self.0.state.response,
            began: &self.0.state.response_began,
            request_ended: &self.0.state.request_ended,
            guard: &self.0.guard,
        };
        (body, response)
    }

    /// If the response was 101, passes bytes both ways until both sides have ended (RFC 9110 section 7.8);
    /// after any other response it does nothing. A side that ends is passed on as such, the other goes on. What is
    /// spoken in it is not looked at: docs/src/limits.md.
    pub async fn tunnel(&mut self, backend: &mut BackendConnection) -> Result<(), Error> {
        if !self.0.state.response.has_switched_protocols() {
            return Ok(());
        }
        // What comes now is no request, however the tunnel ends.
        self.0.state.close_after_response();
        // A side that has gone without a word must not hold the other for ever.
        for stream in [&self.0.stream, backend.stream()] {
            let _ = SockRef::from(stream).set_tcp_keepalive(&TUNNEL_KEEPALIVE);
        }
        // What came right after the heads.
        let to_backend = self.0.state.decoder.take_unread();
        let to_client = backend.take_unread();
        let first = async {
            backend.stream_mut().write_all(&to_backend).await?;
            self.0.stream.write_all(&to_client).await
        };
        let first = timeout(self.0.limits.write_timeout, first).await;
        first.map_err(|_| Error::client(Cause::TimedOut(Wait::Write)))?.map_err(Error::proxy)?;
        let copied = copy_bidirectional(&mut self.0.stream, backend.stream_mut()).await;
        // Which side failed is not known. The client must not take it for an ordinary end.
        let (_, sent) = copied.map_err(|error| {
            socket::reset_on_close(&self.0.stream, true);
            Error::proxy(error)
        })?;
        self.0.state.tunnelled(sent + to_client.len() as u64);
        Ok(())
    }

    /// Takes the socket out, with the bytes that came after the request: for a tunnel, or whatever is not HTTP.
    pub fn into_socket(mut self) -> (ClientStream, Vec<u8>) {
        let unread = self.0.state.decoder.take_unread();
        (ClientStream { stream: self.0.stream, guard: self.0.guard }, unread)
    }

    /// Ends an exchange: answers an error that can still be answered, and says what became of the request.
    /// Not to be dropped.
    ///
    /// `proxy` is the name in `Proxy-Status` (RFC 9209); `None` in an origin server.
    pub async fn finish(&mut self, outcome: Result<(), Error>, proxy: Option<&str>) -> Report {
        match outcome {
            Ok(()) => self.0.state.end(None),
            // Boxed, so that the task of a client that waits is small: few requests end like this.
            Err(error) => Box::pin(self.answer(error, proxy)).await,
        }
    }

    async fn answer(&mut self, error: Error, proxy: Option<&str>) -> Report {
        if let Some(body) = with_date(|date| self.0.state.queue_answer(&error, proxy, date)) {
            socket::reset_on_close(&self.0.stream, false);
            let (_, mut to_client) = self.split();
            // If the client does not take the answer either, there is nothing left to tell it.
            let _ = to_client.write_piece(Piece::last(body.as_bytes())).await;
        }
        self.0.state.end(Some(error))
    }

    /// Closes the connection so that the client gets all that was written (RFC 9112 section 9.6): says that
    /// nothing more will come, and reads what still comes, for [`Limits::linger_timeout`] at most.
    pub async fn close(self) {
        if self.0.state.ending() == Ending::Linger {
            // Boxed, so that the task of a client that waits is small.
            Box::pin(self.linger()).await;
        }
    }

    async fn linger(mut self) {
        // Fails only if the connection is gone already.
        let _ = self.0.stream.shutdown().await;
        let deadline = Instant::now() + self.0.limits.linger_timeout;
        while Instant::now() < deadline {
            self.0.state.decoder.discard_unread();
            if self.fill(deadline).await.is_err() {
                break;
            }
        }
    }

    async fn fill(&mut self, deadline: Instant) -> Result<(), Cause> {
        let (mut stream, _) = self.0.stream.split();
        poll_fn(|cx| {
            let waiting = (&mut self.0.timer, deadline, Wait::Head);
            socket::poll_fill(cx, &mut stream, &mut self.0.state.decoder, self.0.limits, waiting)
        })
        .await
    }
}

/// The body of a request, as it comes from the client.
#[derive(Debug)]
pub struct RequestBody<'a> {
    stream: ReadHalf<'a>,
    limits: &'static Limits,
    decoder: &'a mut Decoder,
    ended: &'a Signal,
    response_began: &'a Signal,
    timer: &'a mut Timer,
}

impl RequestBody<'_> {
    /// The next piece; `None` after the last. The first call does not wait: it gives what came with the head.
    /// May be dropped and called again.
    ///
    /// # Errors
    /// The client's: broken framing, a pause over [`Limits::request_body_timeout`], or an end too soon.
    pub async fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        loop {
            match self.decoder.decode_piece(self.limits).map_err(Error::client)? {
                Decoded::Piece => {
                    let piece = self.decoder.piece();
                    if piece.is_last() {
                        self.ended.set();
                    }
                    return Ok(Some(piece));
                }
                Decoded::End => return Ok(None),
                Decoded::NeedsMore => self.fill().await.map_err(Error::client)?,
            }
        }
    }

    /// Waits until the client resets the connection: it has left, and a response would be for nobody.
    ///
    /// An end of file is no such sign: a client may close its side and wait (RFC 9112 section 9.6). For the end of an
    /// upload, which is dropped with the exchange. May be dropped.
    ///
    /// # Errors
    /// Always, once it returns: the client's.
    pub async fn wait_for_reset(&mut self) -> Result<(), Error> {
        // A reset wakes a reader too, which costs little to wait for, and mostly nothing wakes it.
        poll_fn(|cx| self.stream.as_ref().poll_read_ready(cx)).await.map_err(Error::client)?;
        // Perhaps the next request came, or the end of the client's side. Boxed, because few exchanges get here.
        Box::pin(self.stream.ready(Interest::ERROR)).await.map_err(Error::client)?;
        let error = self.stream.as_ref().take_error().ok().flatten();
        Err(Error::client(error.unwrap_or_else(|| io::ErrorKind::ConnectionReset.into())))
    }

    async fn fill(&mut self) -> Result<(), Cause> {
        // A client that has seen the beginning of the response may send no more, and still want the rest of it.
        if self.decoder.is_at_end_of_file() && self.response_began.is_set() {
            return Err(Cause::Stopped);
        }
        let deadline = Instant::now() + self.limits.request_body_timeout;
        poll_fn(|cx| {
            let waiting = (&mut *self.timer, deadline, Wait::Body);
            socket::poll_fill(cx, &mut self.stream, self.decoder, self.limits, waiting)
        })
        .await
    }
}

/// The response, as it goes to the client.
#[derive(Debug)]
pub struct ResponseWriter<'a> {
    stream: WriteHalf<'a>,
    limits: &'static Limits,
    state: &'a mut ResponseState,
    began: &'a Signal,
    request_ended: &'a Signal,
    guard: &'a ConnectionGuard,
}

impl ResponseWriter<'_> {
    /// Sends an interim response, if the client's version knows them (RFC 9110 section 15.2). Not to be dropped.
    ///
    /// # Errors
    /// The client's: it takes nothing for [`Limits::write_timeout`], or has gone.
    pub async fn write_interim(&mut self, head: &ResponseHead) -> Result<(), Error> {
        if self.state.queue_interim(head) {
            let parts = [self.state.encoder.queued(), &[], &[]];
            let patience = Patience::For(self.limits.write_timeout);
            socket::write_all(&mut self.stream, parts, patience).await.map_err(Error::client)?;
            self.state.encoder.written(false);
        }
        Ok(())
    }

    /// Queues the head of the final response, framed as the client can read it. It leaves with the first piece.
    pub fn write_head(&mut self, head: &ResponseHead) {
        if self.guard.is_closing() {
            self.state.close_after_response();
        }
        if head.status() >= 300 && !self.request_ended.is_set() {
            // RFC 9112 section 9.6: whoever does not want the rest of the request says that this is the last answer.
            self.state.close_after_response();
        }
        with_date_for(&head.fields, |date| self.state.queue_head(head, date));
        self.began.set();
        if self.state.encoder.is_close_delimited() {
            socket::reset_on_close(self.stream.as_ref(), true);
        }
    }

    /// Sends a piece of the body, and returns how many bytes of body that were. Not to be dropped.
    ///
    /// # Errors
    /// The client's: it takes nothing for [`Limits::write_timeout`], or has gone. Ours: the body is not as long
    /// as its head announced.
    #[expect(clippy::manual_async_fn, reason = "an async function keeps room for its arguments twice")]
    pub fn write_piece(&mut self, piece: Piece<'_>) -> impl Future<Output = Result<u64, Error>> {
        async move {
            let length = self.state.encoder.body_length(&piece);
            let parts = self.state.encoder.parts(piece)?;
            let patience = Patience::For(self.limits.write_timeout);
            socket::write_all(&mut self.stream, parts, patience).await.map_err(Error::client)?;
            self.state.written(length, piece.is_last());
            if piece.is_last() && self.state.encoder.is_close_delimited() {
                socket::reset_on_close(self.stream.as_ref(), false);
            }
            Ok(length)
        }
    }
}
