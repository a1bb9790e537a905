//! The connection to a client: reads requests, writes responses.

use std::net::{IpAddr, Ipv6Addr, TcpStream};
use std::time::Instant;

use socket2::SockRef;

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
pub struct ClientConnection {
    socket: Socket,
    address: Ipv6Addr,
    state: LazyState,
}

impl ClientConnection {
    /// Takes over an accepted connection.
    pub fn new(stream: TcpStream, limits: &'static Limits) -> ClientConnection {
        let address = socket_options::peer_address(&SockRef::from(&stream));
        ClientConnection { socket: Socket::new(stream, limits), address, state: LazyState::new() }
    }

    /// The address of the client. An IPv4 address that is mapped into IPv6 is returned as IPv4.
    pub fn address(&self) -> IpAddr {
        self.address.to_canonical()
    }

    /// Makes the next response the last: it carries `Connection: close` (RFC 9112 section 9.6).
    pub fn close_after_response(&mut self) {
        self.state.get().close_after_response();
    }

    /// Waits for the first byte of a request, for [`Limits::idle_timeout`] at most.
    ///
    /// Returns `false` if no request follows: the client has closed the connection, was silent for too long,
    /// or the last response announced the end of the connection.
    pub fn wait_for_request(&mut self) -> bool {
        if self.state.ending() != Ending::KeepAlive {
            return false;
        }
        let deadline = self.state.become_idle() + self.socket.limits.idle_timeout;
        while !self.state.has_started() {
            self.state.get().decoder.release();
            if self.fill(deadline).is_err() || self.state.get().decoder.is_at_end_of_file() {
                return false;
            }
        }
        self.state.get().begin();
        true
    }

    /// Reads the head of a request, for [`Limits::head_timeout`] at most from its first byte.
    ///
    /// # Errors
    /// Blames the client if the request breaks a rule, arrives too slowly, or ends too early.
    pub fn read_request(&mut self) -> Result<RequestHead, Error> {
        let limits = self.socket.limits;
        let deadline = self.state.get().started + limits.head_timeout;
        loop {
            let state = self.state.get();
            if let Some(mut head) = state.decoder.decode_request(limits).map_err(Error::client)? {
                // RFC 9110 section 7.8: a server may ignore Upgrade, and this adapter has no tunnel:
                // docs/src/limits.md.
                head.fields.remove("Upgrade");
                state.begin_exchange(&head);
                return Ok(head);
            }
            self.fill(deadline).map_err(Error::client)?;
        }
    }

    /// Returns the two directions of the exchange that [`read_request`](ClientConnection::read_request)
    /// began. A request without a body may be exchanged again, if no response was received.
    pub fn split(&mut self) -> (RequestBody<'_>, ResponseWriter<'_>) {
        let (read, write) = self.socket.split();
        let ClientState { decoder, response, signals, .. } = self.state.get().begin_attempt();
        let body = RequestBody { stream: read, decoder, signals };
        let response = ResponseWriter { stream: write, state: response, signals };
        (body, response)
    }

    /// Ends an exchange: answers an error if the client can still be answered, and returns the report of the
    /// request.
    ///
    /// `proxy` is the name in `Proxy-Status` (RFC 9209); `None` in an origin server.
    pub fn finish(&mut self, outcome: Result<(), Error>, proxy: Option<&str>) -> Report {
        match outcome {
            Ok(()) => self.state.get().end(None),
            Err(error) => self.answer(error, proxy),
        }
    }

    fn answer(&mut self, error: Error, proxy: Option<&str>) -> Report {
        let body = self.state.get().queue_answer(&error, proxy, &self.socket.options());
        if let Some(body) = body {
            let (_, mut to_client) = self.split();
            // If the client does not accept the answer either, it cannot be told anything more.
            let _ = to_client.write_piece(Piece::last(body.as_bytes()));
        }
        self.state.get().end(Some(error))
    }

    /// Closes the connection so that the client gets all bytes that were written (RFC 9112 section 9.6):
    /// closes the write side, and reads what still arrives, for [`Limits::linger_timeout`] at most.
    pub fn close(self) {
        if self.state.ending() == Ending::Linger {
            self.linger();
        }
    }

    fn linger(mut self) {
        socket_options::end(&self.socket.options());
        let deadline = Instant::now() + self.socket.limits.linger_timeout;
        while Instant::now() < deadline {
            self.state.get().decoder.discard_unread();
            if self.fill(deadline).is_err() {
                break;
            }
        }
    }

    fn fill(&mut self, deadline: Instant) -> Result<(), Cause> {
        let (mut stream, _) = self.socket.split();
        stream.fill(&mut self.state.get().decoder, Wait::Head, || Ok(deadline))
    }
}
