//! The connection to a client: reads requests, writes responses.

use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr};
use std::task::{Context, Poll, ready};

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::backend::BackendConnection;
use super::connections::{ClientStream, ConnectionGuard};
use super::request_body::RequestBody;
use super::response_writer::ResponseWriter;
use super::socket;
use super::timer::Timer;
use super::tunnel::{self, Side};
use crate::client_state::{ClientState, Ending};
use crate::{Cause, Error, Limits, Piece, Report, RequestHead, Wait};

/// A connection to a client.
///
/// For each request: [`wait_for_request`](ClientConnection::wait_for_request),
/// [`read_request`](ClientConnection::read_request), [`split`](ClientConnection::split) and an exchange,
/// [`finish`](ClientConnection::finish); at the end [`close`](ClientConnection::close).
#[derive(Debug)]
pub struct ClientConnection(
    /// Boxed, because a task moves it before it waits, and a future reserves space for each place.
    Box<Inner>,
);

#[derive(Debug)]
struct Inner {
    stream: TcpStream,
    address: IpAddr,
    limits: &'static Limits,
    /// `None` while the client is idle. Most clients are idle, and the state is most of a client's memory.
    state: Option<Box<ClientState>>,
    /// When the last exchange ended, or when the connection began if there was no exchange. It outlives the state.
    idle_since: Instant,
    timer: Timer,
    guard: ConnectionGuard,
}

impl Inner {
    fn state(&mut self) -> &mut ClientState {
        get_or_begin(&mut self.state, self.idle_since)
    }

    /// Frees what is not needed until the next request.
    fn become_idle(&mut self) {
        if let Some(state) = &self.state {
            self.idle_since = Instant::from_std(state.idle_since);
            if state.is_idle() {
                self.state = None;
            }
        }
    }

    fn ending(&self) -> Ending {
        self.state.as_ref().map_or(Ending::KeepAlive, |state| state.ending())
    }

    fn has_started(&mut self) -> bool {
        self.state.as_mut().is_some_and(|state| state.decoder.has_started())
    }

    /// Reads the first bytes of a request; an error if none will arrive. The bytes, the timer or the stop of
    /// the server wake it.
    fn poll_first_bytes(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<Result<(), Cause>> {
        if self.guard.poll_closing(cx) {
            return Poll::Ready(Err(Cause::Stopped));
        }
        match &mut self.state {
            Some(state) => state.decoder.release(),
            None => ready!(socket::poll_readable(cx, &self.stream, (&mut self.timer, deadline, Wait::Head)))?,
        }
        self.poll_fill(cx, deadline)
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<Result<(), Cause>> {
        let (mut stream, _) = self.stream.split();
        let decoder = &mut get_or_begin(&mut self.state, self.idle_since).decoder;
        let waiting = (&mut self.timer, deadline, Wait::Head);
        socket::poll_fill(cx, &mut stream, decoder, self.limits, waiting)
    }
}

fn get_or_begin(state: &mut Option<Box<ClientState>>, idle_since: Instant) -> &mut ClientState {
    state.get_or_insert_with(|| Box::new(ClientState::new(idle_since.into_std())))
}

impl ClientConnection {
    /// Takes over an accepted connection.
    pub fn new(client: ClientStream, limits: &'static Limits) -> ClientConnection {
        let ClientStream { stream, guard } = client;
        // Both fail only if the connection is already gone, which the first read reports.
        let address = stream.peer_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |address| address.ip());
        // Each message is written as a whole, so waiting for more bytes to send with it only costs time.
        let _ = stream.set_nodelay(true);
        ClientConnection(Box::new(Inner {
            stream,
            address,
            limits,
            state: None,
            idle_since: Instant::now(),
            timer: Timer::default(),
            guard,
        }))
    }

    /// The address of the client.
    pub fn address(&self) -> IpAddr {
        self.0.address
    }

    /// Makes the next response the last: it carries `Connection: close` (RFC 9112 section 9.6).
    pub fn close_after_response(&mut self) {
        self.0.state().close_after_response();
    }

    /// Waits for the first byte of a request, for [`Limits::idle_timeout`] at most.
    ///
    /// Returns `false` if no request follows: the client has closed the connection, was silent for too long,
    /// the last response announced the end of the connection, or the server stops. May be dropped and called
    /// again.
    pub async fn wait_for_request(&mut self) -> bool {
        if self.0.ending() != Ending::KeepAlive {
            return false;
        }
        self.0.become_idle();
        let deadline = self.0.idle_since + self.0.limits.idle_timeout;
        while !self.0.has_started() {
            let filled = poll_fn(|cx| self.0.poll_first_bytes(cx, deadline)).await;
            if filled.is_err() || self.0.state().decoder.is_at_end_of_file() {
                return false;
            }
        }
        self.0.state().begin();
        true
    }

    /// Reads the head of a request, for [`Limits::head_timeout`] at most from its first byte.
    /// May be dropped and called again.
    ///
    /// # Errors
    /// Blames the client if the request breaks a rule, arrives too slowly, or ends too early.
    pub async fn read_request(&mut self) -> Result<RequestHead, Error> {
        let (limits, is_closing) = (self.0.limits, self.0.guard.is_closing());
        let deadline = Instant::from_std(self.0.state().started) + limits.head_timeout;
        loop {
            let state = self.0.state();
            if let Some(head) = state.decoder.decode_request(limits).map_err(Error::client)? {
                if is_closing {
                    state.close_after_response();
                }
                state.begin_exchange(&head);
                return Ok(head);
            }
            // A read from a client that sends a byte now and then never waits, so check the deadline before every read.
            if Instant::now() >= deadline {
                return Err(Error::client(Cause::TimedOut(Wait::Head)));
            }
            poll_fn(|cx| self.0.poll_fill(cx, deadline)).await.map_err(Error::client)?;
        }
    }

    /// Returns the two directions of the exchange that [`read_request`](ClientConnection::read_request)
    /// began. A request without a body may be exchanged again, if no response was received.
    pub fn split(&mut self) -> (RequestBody<'_>, ResponseWriter<'_>) {
        let Inner { stream, limits, state, idle_since, timer, guard, .. } = &mut *self.0;
        let state = get_or_begin(state, *idle_since);
        state.decoder.repeat_empty_body();
        state.signals.response_end.clear();
        state.signals.upload_ended.clear();
        let (read, write) = stream.split();
        let body =
            RequestBody { stream: read, limits, decoder: &mut state.decoder, signals: &state.signals, timer };
        let response = ResponseWriter {
            stream: write,
            limits,
            state: &mut state.response,
            signals: &state.signals,
            guard,
        };
        (body, response)
    }

    /// If the response was 101, copies bytes in both directions until both sides have ended
    /// (RFC 9110 section 7.8). After any other response it does nothing. The end of one side is forwarded, and the
    /// other direction continues. If this is dropped, both connections are reset when they are closed.
    ///
    /// # Errors
    /// Blames the side that failed, is gone, or accepted nothing for [`Limits::tunnel_timeout`].
    pub async fn tunnel(&mut self, backend: &mut BackendConnection) -> Result<(), Error> {
        if !self.0.state().response.has_switched_protocols() {
            return Ok(());
        }
        // No HTTP request follows a tunnel, however the tunnel ends.
        self.0.state().close_after_response();
        let limits = self.0.limits;
        let unread = self.0.state().decoder.take_unread();
        let client = Side { stream: &mut self.0.stream, unread, blame: Error::client };
        let unread = backend.take_unread();
        let backend = Side { stream: backend.stream_mut(), unread, blame: Error::backend };
        let mut to_client = 0;
        // Boxed, because few exchanges get here.
        let outcome = Box::pin(tunnel::run(client, backend, limits, &mut to_client)).await;
        self.0.state().tunnelled(to_client);
        // Nothing more is read from the client, so `close` does not wait for it.
        self.0.state().decoder.filled(0);
        outcome
    }

    /// Returns the socket and the bytes that arrived after the request: for a tunnel, or any protocol that is not HTTP.
    pub fn into_socket(mut self) -> (ClientStream, Vec<u8>) {
        let unread = self.0.state().decoder.take_unread();
        (ClientStream { stream: self.0.stream, guard: self.0.guard }, unread)
    }

    /// Ends an exchange: answers an error if the client can still be answered, and returns the report of the
    /// request. The future must not be dropped.
    ///
    /// `proxy` is the name in `Proxy-Status` (RFC 9209); `None` in an origin server.
    pub async fn finish(&mut self, outcome: Result<(), Error>, proxy: Option<&str>) -> Report {
        match outcome {
            Ok(()) => self.0.state().end(None),
            // Boxed, so that the task of a waiting client is small: few requests end with an error.
            Err(error) => Box::pin(self.answer(error, proxy)).await,
        }
    }

    async fn answer(&mut self, error: Error, proxy: Option<&str>) -> Report {
        if let Some(body) = self.0.state().queue_answer(&error, proxy) {
            socket::reset_on_close(&self.0.stream, false);
            let (_, mut to_client) = self.split();
            // If the client does not accept the answer either, it cannot be told anything more.
            let _ = to_client.write_piece(Piece::last(body.as_bytes())).await;
        }
        self.0.state().end(Some(error))
    }

    /// Closes the connection so that the client gets all bytes that were written (RFC 9112 section 9.6):
    /// closes the write side, and reads what still arrives, for [`Limits::linger_timeout`] at most.
    pub async fn close(self) {
        if self.0.ending() == Ending::Linger {
            // Boxed, so that the task of a waiting client is small.
            Box::pin(self.linger()).await;
        }
    }

    async fn linger(mut self) {
        socket::end(&self.0.stream);
        let deadline = Instant::now() + self.0.limits.linger_timeout;
        while Instant::now() < deadline {
            self.0.state().decoder.discard_unread();
            if poll_fn(|cx| self.0.poll_fill(cx, deadline)).await.is_err() {
                break;
            }
        }
    }
}
