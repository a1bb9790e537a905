//! The connection to a backend: writes requests, reads responses.

use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use super::socket;
use crate::both_ways::stops_upload;
use crate::connect_failure::ConnectFailure;
use crate::names::Name;
use crate::signal::{ResponseEnd, Signal};
use crate::{
    BackendAddress, Cause, Decoded, Decoder, Encoder, Error, Expected, Host, Limits, Persistence, Piece,
    RequestHead, ResponseHead, Wait,
};

/// A connection to a backend, for one exchange at a time.
#[derive(Debug)]
pub struct BackendConnection {
    stream: TcpStream,
    host: Host,
    limits: &'static Limits,
    encoder: Encoder,
    decoder: Decoder,
    persistence: Persistence,
    /// More of the request has left, so the time limit of the response starts again.
    request_progressed: Signal,
    /// The head of the final response was received.
    response_began: Signal,
    /// The response was read to its end, or has failed.
    response_end: ResponseEnd,
}

impl BackendConnection {
    /// Connects to the first address that answers, within [`Limits::connect_timeout`] for all of them.
    ///
    /// # Errors
    /// Blames the backend if none of its addresses accepts, and this proxy if no descriptor or port is left.
    /// Of several failures, the most informative is reported.
    pub fn connect(backend: &BackendAddress, limits: &'static Limits) -> Result<BackendConnection, Error> {
        let deadline = Instant::now() + limits.connect_timeout;
        let mut failure = ConnectFailure::default();
        for (address, left) in backend.addresses().iter().zip((1..=backend.addresses().len() as u32).rev()) {
            // Each address gets its share of the time, so that an unresponsive address does not hide the next.
            let share = deadline.saturating_duration_since(Instant::now()) / left;
            if share.is_zero() {
                break;
            }
            match TcpStream::connect_timeout(address, share) {
                Ok(stream) => {
                    socket::prepare(&stream).map_err(Error::backend)?;
                    return Ok(BackendConnection::new(stream, backend, limits));
                }
                Err(error) => failure.add(address, error),
            }
        }
        Err(failure.into_error(backend))
    }

    fn new(stream: TcpStream, backend: &BackendAddress, limits: &'static Limits) -> BackendConnection {
        BackendConnection {
            stream,
            host: backend.host().clone(),
            limits,
            encoder: Encoder::new(),
            decoder: Decoder::new(),
            persistence: Persistence::KeepAlive,
            request_progressed: Signal::default(),
            response_began: Signal::default(),
            response_end: ResponseEnd::default(),
        }
    }

    /// Makes the next request the last: it carries `Connection: close` (RFC 9112 section 9.6).
    pub fn close_after_response(&mut self) {
        self.persistence = Persistence::Close;
    }

    /// Returns the two directions of an exchange.
    pub fn split(&mut self, request: &RequestHead) -> (RequestWriter<'_>, ResponseReader<'_>) {
        self.encoder.reset();
        self.request_progressed.clear();
        self.response_began.clear();
        self.response_end.clear();
        let writer = RequestWriter {
            stream: &self.stream,
            host: &self.host,
            limits: self.limits,
            encoder: &mut self.encoder,
            persistence: self.persistence,
            progressed: &self.request_progressed,
            response_end: &self.response_end,
            response_began: &self.response_began,
            write_failed: false,
        };
        let reader = ResponseReader {
            stream: &self.stream,
            limits: self.limits,
            decoder: &mut self.decoder,
            expected: Expected {
                response_to: request.response_to(),
                upgrade: request.fields.has(Name::Upgrade),
            },
            head_deadline: None,
            request_progressed: &self.request_progressed,
            began: &self.response_began,
            end: &self.response_end,
            stops_upload: false,
        };
        (writer, reader)
    }
}

/// The request, as sent to the backend.
///
/// If it is dropped before the complete request has left, it closes the connection, so that no call waits for
/// a response. It does not if the backend accepted no more, because the backend may still answer.
#[derive(Debug)]
pub struct RequestWriter<'a> {
    stream: &'a TcpStream,
    host: &'a Host,
    limits: &'static Limits,
    encoder: &'a mut Encoder,
    persistence: Persistence,
    progressed: &'a Signal,
    response_end: &'a ResponseEnd,
    response_began: &'a Signal,
    write_failed: bool,
}

impl RequestWriter<'_> {
    /// Queues the head, in origin-form. It leaves with the first piece of the body.
    pub fn write_head(&mut self, head: &RequestHead) {
        self.encoder.queue_request(head, self.host, self.persistence);
    }

    /// Sends a piece of the body. Until the response has ended, it waits without a bound until the backend
    /// accepts more, because the limits of the response apply. After that it waits for
    /// [`Limits::write_timeout`] at most.
    ///
    /// # Errors
    /// Blames the backend if it accepts no more, or if its response stops the upload.
    pub fn write_piece(&mut self, piece: Piece<'_>) -> Result<(), Error> {
        let parts = self.encoder.parts(piece)?;
        let mut seen_progress = None;
        let mut response_ended = None;
        let written = socket::write_all(self.stream, parts, |last_progress| {
            if seen_progress.replace(last_progress) != Some(last_progress) {
                self.progressed.set();
            }
            self.response_end.check()?;
            if !self.response_end.has_come() {
                return Ok(());
            }
            let since = last_progress.max(*response_ended.get_or_insert_with(Instant::now));
            socket::check_deadline(since + self.limits.write_timeout, Wait::Write)
        });
        if let Err(cause) = written {
            self.write_failed = true;
            return Err(Error::backend(cause));
        }
        self.encoder.written(piece.is_last());
        self.progressed.set();
        Ok(())
    }
}

impl Drop for RequestWriter<'_> {
    fn drop(&mut self) {
        if !self.encoder.is_clean() && !self.write_failed {
            // A response that has begun may still complete, so only the write side is closed then.
            let how = if self.response_began.is_set() { Shutdown::Write } else { Shutdown::Both };
            // Fails only if the connection is already gone.
            let _ = self.stream.shutdown(how);
        }
    }
}

/// The response, as received from the backend. Dropping it before the response is complete stops the upload
/// of the request.
#[derive(Debug)]
pub struct ResponseReader<'a> {
    stream: &'a TcpStream,
    limits: &'static Limits,
    decoder: &'a mut Decoder,
    expected: Expected,
    /// The deadline of the head. Its time starts with the first wait for the head.
    head_deadline: Option<Instant>,
    request_progressed: &'a Signal,
    began: &'a Signal,
    end: &'a ResponseEnd,
    stops_upload: bool,
}

impl ResponseReader<'_> {
    /// Reads the head of a response, interim or final, for [`Limits::response_head_timeout`] at most,
    /// counted from the last piece of the request that left.
    ///
    /// # Errors
    /// Blames the backend if the response breaks a rule, arrives too late, or does not arrive.
    pub fn read_response(&mut self) -> Result<ResponseHead, Error> {
        loop {
            let head = self.decoder.decode_response(self.expected, self.limits).map_err(Error::backend)?;
            if let Some(head) = head {
                self.head_deadline = None;
                self.stops_upload = stops_upload(head.status());
                if !head.is_interim() {
                    self.began.set();
                }
                return Ok(head);
            }
            self.fill(Wait::Head).map_err(Error::backend)?;
        }
    }

    /// Returns the next piece of the body, or `None` after the last. The first call does not wait: it returns
    /// what arrived with the head.
    ///
    /// # Errors
    /// Blames the backend if the framing is invalid, if the body pauses for longer than
    /// [`Limits::response_body_timeout`], or if it ends too early.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        loop {
            match self.decoder.decode_piece(self.limits).map_err(Error::backend)? {
                Decoded::Piece => return Ok(Some(self.decoder.piece())),
                Decoded::End => {
                    // The caller has processed the last piece.
                    self.end.complete(self.stops_upload);
                    return Ok(None);
                }
                Decoded::NeedsMore => self.fill(Wait::Body).map_err(Error::backend)?,
            }
        }
    }

    fn fill(&mut self, wait: Wait) -> Result<(), Cause> {
        let timeout = match wait {
            Wait::Head => self.limits.response_head_timeout,
            _ => self.limits.response_body_timeout,
        };
        let mut deadline = self.head_deadline.take().unwrap_or_else(|| Instant::now() + timeout);
        let filled = socket::fill(self.stream, self.decoder, self.limits, wait, || {
            // A response cannot be late while the request is being sent.
            if self.request_progressed.clear() {
                deadline = Instant::now() + timeout;
            }
            socket::check_deadline(deadline, wait)
        });
        if wait == Wait::Head {
            // The bound is a total, because a backend that sends a byte now and then would never exceed one
            // between bytes.
            self.head_deadline = Some(deadline);
        }
        filled
    }
}

impl Drop for ResponseReader<'_> {
    fn drop(&mut self) {
        self.end.complete_or_stop();
    }
}
