//! The connection to a client: reads requests, writes responses.

use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::Instant;

use super::backend::BackendConnection;
use super::connections::{ClientStream, ConnectionGuard};
use super::socket;
use super::timer::Timer;
use crate::client_state::{ClientState, Ending, ResponseState};
use crate::clock::with_date;
use crate::{
    Cause, Decoded, Decoder, Error, Limits, Piece, Report, RequestHead, ResponseHead, Wait, forward,
};

/// A connection to a client.
///
/// For each request: [`wait_for_request`](ClientConnection::wait_for_request),
/// [`read_request`](ClientConnection::read_request), [`split`](ClientConnection::split) and an exchange,
/// [`finish`](ClientConnection::finish); at the end [`close`](ClientConnection::close).
#[derive(Debug)]
pub struct ClientConnection {
    stream: TcpStream,
    address: SocketAddr,
    limits: &'static Limits,
    state: ClientState,
    timer: Timer,
    guard: ConnectionGuard,
}

impl ClientConnection {
    /// Takes over a connection that was accepted.
    pub fn new(client: ClientStream, limits: &'static Limits) -> ClientConnection {
        let ClientStream { stream, guard } = client;
        // Both fail only on a connection that is gone already, which the first read will tell.
        let address = stream.peer_addr().unwrap_or_else(|_| (Ipv4Addr::UNSPECIFIED, 0).into());
        // A message is written whole, so waiting for more to send with it only costs time.
        let _ = stream.set_nodelay(true);
        ClientConnection {
            stream,
            address,
            limits,
            state: ClientState::new(),
            timer: Timer::default(),
            guard,
        }
    }

    /// The address of the client.
    pub fn address(&self) -> IpAddr {
        self.address.ip()
    }

    /// Makes the next response the last: it says `Connection: close` (RFC 9112 section 9.6).
    pub fn close_after_response(&mut self) {
        self.state.close_after_response();
    }

    /// Waits for the first byte of a request, for [`Limits::idle_timeout`] at most.
    ///
    /// False: there will be none. The client has left, or was silent for too long, or the last response
    /// said that the connection ends, or the server stops. May be dropped and called again.
    pub async fn wait_for_request(&mut self) -> bool {
        if self.state.ending() != Ending::KeepAlive {
            return false;
        }
        if !self.state.decoder.has_started() {
            self.state.decoder.release();
            let deadline = Instant::now() + self.limits.idle_timeout;
            // Woken by the first byte, by the timer, or because the server stops.
            let filled = poll_fn(|cx| {
                if self.guard.poll_closing(cx) {
                    return Poll::Ready(Err(Cause::Stopped));
                }
                let waiting = (&mut self.timer, deadline, Wait::Head);
                let (mut stream, _) = self.stream.split();
                socket::poll_fill(cx, &mut stream, &mut self.state.decoder, self.limits, waiting)
            });
            if filled.await.is_err() || self.state.decoder.is_at_end_of_file() {
                return false;
            }
        }
        self.state.begin();
        true
    }

    /// Reads the head of a request, for [`Limits::head_timeout`] at most from its first byte.
    /// May be dropped and called again.
    ///
    /// # Errors
    /// The client's: a request that breaks a rule, comes too slowly, or ends too soon.
    pub async fn read_request(&mut self) -> Result<RequestHead, Error> {
        let deadline = Instant::from_std(self.state.started) + self.limits.head_timeout;
        if self.guard.is_closing() {
            self.state.close_after_response();
        }
        loop {
            if let Some(head) = self.state.decoder.decode_request(self.limits).map_err(Error::client)? {
                self.state.begin_exchange(&head);
                return Ok(head);
            }
            if self.state.decoder.is_at_end_of_file() {
                return Err(Error::client(Cause::Closed(Wait::Head)));
            }
            // A client that sends a byte now and then never lets the timer be looked at.
            if Instant::now() >= deadline {
                return Err(Error::client(Cause::TimedOut(Wait::Head)));
            }
            self.fill(deadline).await.map_err(Error::client)?;
        }
    }

    /// The two directions of the exchange that [`read_request`](ClientConnection::read_request) began.
    pub fn split(&mut self) -> (RequestBody<'_>, ResponseWriter<'_>) {
        let (read, write) = self.stream.split();
        let body = RequestBody {
            stream: read,
            limits: self.limits,
            decoder: &mut self.state.decoder,
            timer: &mut self.timer,
        };
        let response = ResponseWriter {
            stream: write,
            limits: self.limits,
            state: &mut self.state.response,
            guard: &self.guard,
        };
        (body, response)
    }

    /// If the response was 101, passes bytes both ways until both sides have ended (RFC 9110 section 7.8);
    /// behind any other response it does nothing. A side that ends is passed on as such, the other goes on.
    pub async fn tunnel(&mut self, backend: &mut BackendConnection) -> Result<(), Error> {
        if !self.state.response.has_switched_protocols() {
            return Ok(());
        }
        // What comes now is no request, however the tunnel ends.
        self.state.close_after_response();
        // What came right behind the heads.
        let to_backend = self.state.decoder.take_unread();
        let to_client = backend.take_unread();
        backend.stream().write_all(&to_backend).await.map_err(Error::backend_io)?;
        self.stream.write_all(&to_client).await.map_err(Error::client_io)?;
        let copied = copy_bidirectional(&mut self.stream, backend.stream()).await;
        let (_, sent) = copied.map_err(Error::client_io)?;
        self.state.tunnelled(sent + to_client.len() as u64);
        Ok(())
    }

    /// Takes the socket out, with the bytes that came behind the request: for a tunnel, or whatever is not HTTP.
    pub fn into_socket(mut self) -> (ClientStream, Vec<u8>) {
        let unread = self.state.decoder.take_unread();
        (ClientStream { stream: self.stream, guard: self.guard }, unread)
    }

    /// Ends an exchange: answers an error that can still be answered, and says what became of the request.
    /// Not to be dropped.
    ///
    /// `proxy` is the name in `Proxy-Status` (RFC 9209); `None` in an origin server.
    pub async fn finish(&mut self, outcome: Result<(), Error>, proxy: Option<&str>) -> Report {
        let error = outcome.err();
        if let Some(error) = &error
            && let Some(body) = with_date(|date| self.state.queue_answer(error, proxy, date))
        {
            let (_, mut to_client) = self.split();
            // If the client does not take the answer either, there is nothing left to tell it.
            let _ = to_client.write_piece(Piece::last(body.as_bytes())).await;
        }
        self.state.end(error)
    }

    /// Closes the connection so that the client gets all that was written (RFC 9112 section 9.6): says that
    /// nothing more will come, and reads what still comes, for [`Limits::linger_timeout`] at most.
    pub async fn close(mut self) {
        match self.state.ending() {
            Ending::Reset => {
                // Closing with a linger time of 0 resets; if that fails the client sees an ordinary end.
                let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
            }
            Ending::Linger => {
                let _ = self.stream.shutdown().await;
                let deadline = Instant::now() + self.limits.linger_timeout;
                while Instant::now() < deadline && !self.state.decoder.is_at_end_of_file() {
                    self.state.decoder.discard_unread();
                    if self.fill(deadline).await.is_err() {
                        break;
                    }
                }
            }
            Ending::KeepAlive | Ending::Close => {}
        }
    }

    async fn fill(&mut self, deadline: Instant) -> Result<(), Cause> {
        let (mut stream, _) = self.stream.split();
        poll_fn(|cx| {
            let waiting = (&mut self.timer, deadline, Wait::Head);
            socket::poll_fill(cx, &mut stream, &mut self.state.decoder, self.limits, waiting)
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
    timer: &'a mut Timer,
}

impl RequestBody<'_> {
    /// The next piece; `None` behind the last. The first call does not wait: it gives what came with the head.
    /// May be dropped and called again.
    ///
    /// # Errors
    /// The client's: broken framing, a pause over [`Limits::request_body_timeout`], or an end too soon.
    pub async fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        loop {
            match self.decoder.decode_piece(self.limits).map_err(Error::client)? {
                Decoded::Piece => return Ok(Some(self.decoder.piece())),
                Decoded::End => return Ok(None),
                Decoded::NeedsMore if self.decoder.is_at_end_of_file() => {
                    return Err(Error::client(Cause::Closed(Wait::Body)));
                }
                Decoded::NeedsMore => self.fill().await.map_err(Error::client)?,
            }
        }
    }

    async fn fill(&mut self) -> Result<(), Cause> {
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
    guard: &'a ConnectionGuard,
}

impl ResponseWriter<'_> {
    /// Sends an interim response, if the client's version knows them (RFC 9110 section 15.2). Not to be dropped.
    ///
    /// # Errors
    /// The client's: it takes nothing for [`Limits::write_timeout`], or has gone.
    pub async fn write_interim(&mut self, head: &ResponseHead) -> Result<(), Error> {
        let mut head = head.clone();
        forward::interim_response(&mut head);
        if self.state.queue_interim(&head) {
            let parts = [self.state.encoder.queued(), &[], &[]];
            let timeout = Some(self.limits.write_timeout);
            socket::write_all(&mut self.stream, parts, timeout).await.map_err(Error::client)?;
            self.state.encoder.written(false);
        }
        Ok(())
    }

    /// Queues the head of the final response, framed as the client can read it. It leaves with the first piece.
    pub fn write_head(&mut self, head: &ResponseHead) {
        if self.guard.is_closing() {
            self.state.close_after_response();
        }
        with_date(|date| self.state.queue_head(head, date));
    }

    /// Sends a piece of the body, and returns how many bytes of body that were. Not to be dropped.
    ///
    /// # Errors
    /// The client's: it takes nothing for [`Limits::write_timeout`], or has gone. Ours: the body is not as long
    /// as its head announced.
    pub async fn write_piece(&mut self, piece: Piece<'_>) -> Result<u64, Error> {
        let length = self.state.body_length(&piece);
        let parts = self.state.parts(piece)?;
        let timeout = Some(self.limits.write_timeout);
        socket::write_all(&mut self.stream, parts, timeout).await.map_err(Error::client)?;
        self.state.written(length, piece.is_last());
        Ok(length)
    }
}
