//! The connection to a client: reads requests, writes responses.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use socket2::SockRef;

use super::connections::{ClientStream, ConnectionGuard};
use super::request_body::RequestBody;
use super::response_writer::ResponseWriter;
use super::socket::Socket;
use crate::client_state::{ClientState, Ending};
use crate::lazy_state::LazyState;
use crate::{Cause, Error, Limits, Piece, Report, RequestHead, Wait, socket_options};

/// A connection to a client.
///
/// For each request: [`wait_for_request`](ClientConnection::wait_for_request),
/// [`read_request`](ClientConnection::read_request), [`split`](ClientConnection::split) and an exchange,
/// [`finish`](ClientConnection::finish); at the end [`close`](ClientConnection::close).
#[derive(Debug)]
pub struct ClientConnection(
    /// Boxed, because a task moves it before it waits, and a future reserves space for each place.
    pub(super) Box<Inner>,
);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) socket: Socket,
    address: Ipv6Addr,
    pub(super) state: LazyState,
    pub(super) guard: ConnectionGuard,
}

impl ClientConnection {
    /// Takes over an accepted connection.
    pub fn new(client: ClientStream, limits: &'static Limits) -> ClientConnection {
        let ClientStream { stream, guard } = client;
        let address = socket_options::peer_address(&SockRef::from(&stream));
        let (socket, state) = (Socket::new(stream, limits), LazyState::new());
        ClientConnection(Box::new(Inner { socket, address, state, guard }))
    }

    /// The address of the client. An IPv4 address that is mapped into IPv6 is returned as IPv4.
    pub fn address(&self) -> IpAddr {
        self.0.address.to_canonical()
    }

    /// Makes the next response the last: it carries `Connection: close` (RFC 9112 section 9.6).
    pub fn close_after_response(&mut self) {
        self.0.state.get().close_after_response();
    }

    /// Waits for the first byte of a request, for [`Limits::idle_timeout`] at most.
    ///
    /// Returns `false` if no request follows: the client has closed the connection, was silent for too long,
    /// the last response announced the end of the connection, or the server stops. May be dropped and called
    /// again.
    pub async fn wait_for_request(&mut self) -> bool {
        if self.0.state.ending() != Ending::KeepAlive {
            return false;
        }
        let deadline = self.0.state.become_idle() + self.0.socket.limits.idle_timeout;
        while !self.0.state.has_started() {
            if self.read_first_bytes(deadline).await.is_err()
                || self.0.state.get().decoder.is_at_end_of_file()
            {
                return false;
            }
        }
        self.0.state.get().begin();
        true
    }

    /// Reads the head of a request, for [`Limits::head_timeout`] at most from its first byte.
    /// May be dropped and called again.
    ///
    /// # Errors
    /// Blames the client if the request breaks a rule, arrives too slowly, or ends too early.
    pub async fn read_request(&mut self) -> Result<RequestHead, Error> {
        let (limits, is_closing) = (self.0.socket.limits, self.0.guard.is_closing());
        let deadline = self.0.state.get().started + limits.head_timeout;
        loop {
            let state = self.0.state.get();
            if let Some(head) = state.decoder.decode_request(limits).map_err(Error::client)? {
                if is_closing {
                    state.close_after_response();
                }
                state.begin_exchange(&head);
                return Ok(head);
            }
            self.fill(deadline).await.map_err(Error::client)?;
        }
    }

    /// Returns the two directions of the exchange that [`read_request`](ClientConnection::read_request)
    /// began. A request without a body may be exchanged again, if no response was received.
    pub fn split(&mut self) -> (RequestBody<'_>, ResponseWriter<'_>) {
        let (read, write) = self.0.socket.split();
        let ClientState { decoder, response, signals, .. } = self.0.state.get().begin_attempt();
        let body = RequestBody { stream: read, decoder, signals };
        let response = ResponseWriter { stream: write, state: response, signals, guard: &self.0.guard };
        (body, response)
    }

    /// Ends an exchange: answers an error if the client can still be answered, and returns the report of the
    /// request. The future must not be dropped.
    ///
    /// `proxy` is the name in `Proxy-Status` (RFC 9209); `None` in an origin server.
    pub async fn finish(&mut self, outcome: Result<(), Error>, proxy: Option<&str>) -> Report {
        match outcome {
            Ok(()) => self.0.state.get().end(None),
            // Boxed, so that the task of a waiting client is small: few requests end with an error. Without this box and
            // that in `close`, an idle client of part2 takes 1.45 KiB of memory in place of 1.08.
            Err(error) => Box::pin(self.answer(error, proxy)).await,
        }
    }

    async fn answer(&mut self, error: Error, proxy: Option<&str>) -> Report {
        let body = self.0.state.get().queue_answer(&error, proxy, &self.0.socket.options());
        if let Some(body) = body {
            let (_, mut to_client) = self.split();
            // If the client does not accept the answer either, it cannot be told anything more.
            let _ = to_client.write_piece(Piece::last(body.as_bytes())).await;
        }
        self.0.state.get().end(Some(error))
    }

    /// Closes the connection so that the client gets all bytes that were written (RFC 9112 section 9.6):
    /// closes the write side, and reads what still arrives, for [`Limits::linger_timeout`] at most.
    pub async fn close(self) {
        if self.0.state.ending() == Ending::Linger {
            // Boxed, as in `finish`.
            Box::pin(self.linger()).await;
        }
    }

    async fn linger(mut self) {
        socket_options::end(&self.0.socket.options());
        let deadline = Instant::now() + self.0.socket.limits.linger_timeout;
        while Instant::now() < deadline {
            self.0.state.get().decoder.discard_unread();
            if self.fill(deadline).await.is_err() {
                break;
            }
        }
    }

    async fn fill(&mut self, deadline: Instant) -> Result<(), Cause> {
        let (mut stream, _) = self.0.socket.split();
        stream.fill(&mut self.0.state.get().decoder, Wait::Head, || Ok(deadline)).await
    }
}
