//! The connection to a client: reads requests, writes responses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Instant;

use super::socket;
use crate::client_state::{ClientState, Ending, ResponseState, Signals};
use crate::{
    Cause, Decoded, Decoder, Error, Limits, Piece, Refusal, Report, RequestHead, ResponseHead, Wait,
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
}

impl ClientConnection {
    /// Takes over an accepted connection.
    pub fn new(stream: TcpStream, limits: &'static Limits) -> ClientConnection {
        // Both fail only if the connection is already gone, which the first read reports.
        let address = stream.peer_addr().unwrap_or_else(|_| (Ipv4Addr::UNSPECIFIED, 0).into());
        let _ = socket::prepare(&stream);
        ClientConnection { stream, address, limits, state: ClientState::new(Instant::now()) }
    }

    /// The address of the client.
    pub fn address(&self) -> IpAddr {
        self.address.ip()
    }

    /// Makes the next response the last: it carries `Connection: close` (RFC 9112 section 9.6).
    pub fn close_after_response(&mut self) {
        self.state.close_after_response();
    }

    /// Waits for the first byte of a request, for [`Limits::idle_timeout`] at most.
    ///
    /// Returns `false` if no request follows: the client has closed the connection, was silent for too long,
    /// or the last response announced the end of the connection.
    pub fn wait_for_request(&mut self) -> bool {
        if self.state.ending() != Ending::KeepAlive {
            return false;
        }
        let deadline = Instant::now() + self.limits.idle_timeout;
        while !self.state.decoder.has_started() {
            self.state.decoder.release();
            if self.fill(deadline).is_err() || self.state.decoder.is_at_end_of_file() {
                return false;
            }
        }
        self.state.begin();
        true
    }

    /// Reads the head of a request, for [`Limits::head_timeout`] at most from its first byte.
    ///
    /// # Errors
    /// Blames the client if the request breaks a rule, arrives too slowly, or ends too early.
    pub fn read_request(&mut self) -> Result<RequestHead, Error> {
        let deadline = self.state.started + self.limits.head_timeout;
        loop {
            if let Some(mut head) = self.state.decoder.decode_request(self.limits).map_err(Error::client)? {
                // RFC 9110 section 7.8: a server may ignore Upgrade, and this adapter has no tunnel:
                // docs/src/limits.md.
                head.fields.remove("Upgrade");
                self.state.begin_exchange(&head);
                return Ok(head);
            }
            self.fill(deadline).map_err(Error::client)?;
        }
    }

    /// Returns the two directions of the exchange that [`read_request`](ClientConnection::read_request)
    /// began. A request without a body may be exchanged again, if no response was received.
    pub fn split(&mut self) -> (RequestBody<'_>, ResponseWriter<'_>) {
        self.state.decoder.repeat_empty_body();
        self.state.signals.response_end.clear();
        self.state.signals.upload_ended.clear();
        let body = RequestBody {
            stream: &self.stream,
            limits: self.limits,
            decoder: &mut self.state.decoder,
            signals: &self.state.signals,
        };
        let response = ResponseWriter {
            stream: &self.stream,
            limits: self.limits,
            state: &mut self.state.response,
            signals: &self.state.signals,
        };
        (body, response)
    }

    /// Ends an exchange: answers an error if the client can still be answered, and returns the report of the request.
    ///
    /// `proxy` is the name in `Proxy-Status` (RFC 9209); `None` in an origin server.
    pub fn finish(&mut self, outcome: Result<(), Error>, proxy: Option<&str>) -> Report {
        let error = outcome.err();
        if let Some(error) = &error
            && let Some(body) = self.state.queue_answer(error, proxy)
        {
            socket::reset_on_close(&self.stream, false);
            let (_, mut to_client) = self.split();
            // If the client does not accept the answer either, it cannot be told anything more.
            let _ = to_client.write_piece(Piece::last(body.as_bytes()));
        }
        self.state.end(error)
    }

    /// Closes the connection so that the client gets all bytes that were written (RFC 9112 section 9.6):
    /// closes the write side, and reads what still arrives, for [`Limits::linger_timeout`] at most.
    pub fn close(mut self) {
        match self.state.ending() {
            Ending::Linger => {
                socket::end(&self.stream);
                let deadline = Instant::now() + self.limits.linger_timeout;
                while Instant::now() < deadline {
                    self.state.decoder.discard_unread();
                    if self.fill(deadline).is_err() {
                        break;
                    }
                }
            }
            Ending::KeepAlive | Ending::Close => {}
        }
    }

    fn fill(&mut self, deadline: Instant) -> Result<(), Cause> {
        let check = || socket::check_deadline(deadline, Wait::Head);
        socket::fill(&self.stream, &mut self.state.decoder, self.limits, Wait::Head, check)
    }
}

/// The body of a request, as received from the client.
#[derive(Debug)]
pub struct RequestBody<'a> {
    stream: &'a TcpStream,
    limits: &'static Limits,
    decoder: &'a mut Decoder,
    signals: &'a Signals,
}

impl RequestBody<'_> {
    /// Returns the next piece, or `None` after the last. The first call does not wait: it returns what
    /// arrived with the head.
    ///
    /// # Errors
    /// Blames the client if the framing is invalid, if the body pauses for longer than
    /// [`Limits::request_body_timeout`], or if it ends too early.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        loop {
            match self.decoder.decode_piece(self.limits) {
                Ok(Decoded::Piece) => {
                    let piece = self.decoder.piece();
                    if piece.is_last() {
                        self.signals.request_ended.set();
                    }
                    return Ok(Some(piece));
                }
                Ok(Decoded::End) => {
                    self.signals.request_delivered.set();
                    return Ok(None);
                }
                // After the end of the connection, `fill` returns the error that fits the progress of the response.
                Ok(Decoded::NeedsMore) | Err(Refusal::IncompleteBody) => {
                    self.fill().map_err(Error::client)?;
                }
                Err(refusal) => return Err(Error::client(refusal)),
            }
        }
    }

    fn fill(&mut self) -> Result<(), Cause> {
        // A client that has received the beginning of the response may send no more, and still read the rest of it.
        if self.decoder.is_at_end_of_file() && self.signals.response_began.is_set() {
            return Err(Cause::Stopped);
        }
        let deadline = Instant::now() + self.limits.request_body_timeout;
        socket::fill(self.stream, self.decoder, self.limits, Wait::Body, || {
            self.signals.response_end.check()?;
            socket::check_deadline(deadline, Wait::Body)
        })
    }
}

impl Drop for RequestBody<'_> {
    fn drop(&mut self) {
        self.signals.upload_ended.set();
    }
}

/// The response, as sent to the client. Dropping it before the response is complete ends the reading of the
/// request.
#[derive(Debug)]
pub struct ResponseWriter<'a> {
    stream: &'a TcpStream,
    limits: &'static Limits,
    pub(super) state: &'a mut ResponseState,
    signals: &'a Signals,
}

impl ResponseWriter<'_> {
    /// Sends an interim response, if the client's version supports it (RFC 9110 section 15.2).
    ///
    /// # Errors
    /// Blames the client if it accepts nothing for [`Limits::write_timeout`], or is gone.
    pub fn write_interim(&mut self, head: &ResponseHead) -> Result<(), Error> {
        if self.state.queue_interim(head) {
            let parts = [self.state.encoder.queued(), &[], &[]];
            write_all(self.stream, parts, self.limits).map_err(Error::client)?;
            self.state.encoder.written(false);
        }
        Ok(())
    }

    /// Queues the head of the final response, with a framing that the client can read. It leaves with the first piece.
    pub fn write_head(&mut self, head: &ResponseHead) {
        self.state.decide_upload(head, self.signals);
        self.state.queue_head(head);
        self.signals.response_began.set();
        if self.state.encoder.is_close_delimited() {
            socket::reset_on_close(self.stream, true);
        }
    }

    /// Sends a piece of the body, and returns the number of body bytes that were sent.
    ///
    /// # Errors
    /// Blames the client if it accepts nothing for [`Limits::write_timeout`], or is gone. Blames this proxy
    /// if the body does not have the length that its head announced.
    pub fn write_piece(&mut self, piece: Piece<'_>) -> Result<u64, Error> {
        let length = self.state.encoder.body_length(&piece);
        let parts = self.state.encoder.parts(piece)?;
        write_all(self.stream, parts, self.limits).map_err(Error::client)?;
        self.state.written(length, piece.is_last());
        if piece.is_last() {
            if self.state.encoder.is_close_delimited() {
                socket::reset_on_close(self.stream, false);
            }
            if self.state.ends_before_request(self.signals) {
                socket::end(self.stream);
            }
            self.signals.response_end.complete(self.state.stops_upload);
        }
        Ok(length)
    }
}

fn write_all(stream: &TcpStream, parts: [&[u8]; 3], limits: &Limits) -> Result<(), Cause> {
    socket::write_all(stream, parts, |last_progress| {
        socket::check_deadline(last_progress + limits.write_timeout, Wait::Write)
    })
}

impl Drop for ResponseWriter<'_> {
    fn drop(&mut self) {
        self.signals.response_end.complete_or_stop();
    }
}
