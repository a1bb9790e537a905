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
    /// More of the request has left: the time for the response starts again.
    request_progressed: Signal,
    /// The head of the final response has come.
    response_began: Signal,
    /// The response has been read to its end.
    response_end: ResponseEnd,
}

impl BackendConnection {
    /// Connects to the first address that answers, within [`Limits::connect_timeout`] for all of them.
    ///
    /// # Errors
    /// The backend's: none of its addresses accepts. Ours: no descriptor or port is left. Of several, the one that
    /// tells most.
    pub fn connect(backend: &BackendAddress, limits: &'static Limits) -> Result<BackendConnection, Error> {
        let deadline = Instant::now() + limits.connect_timeout;
        let mut failure = ConnectFailure::default();
        for (address, left) in backend.addresses().iter().zip((1..=backend.addresses().len() as u32).rev()) {
            // Each address gets its share: one that does not answer must not hide the next.
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

    /// Makes the next request the last: it says `Connection: close` (RFC 9112 section 9.6).
    pub fn close_after_response(&mut self) {
        self.persistence = Persistence::Close;
    }

    /// The two directions of an exchange.
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

/// The request, as it goes to the backend.
///
/// Dropped before the request has left whole, it closes the connection, so that nobody waits for a response:
/// but not if it was the backend that took no more, whose answer may still come.
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

    /// Sends a piece of the body. Until the response has ended, it waits without a bound for the backend to take more:
    /// the limits of the response apply. Then it waits for [`Limits::write_timeout`] at most.
    ///
    /// # Errors
    /// The backend's: it takes no more, or its response stops the upload.
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
            // A response that has begun may still end: then only our side ends.
            let how = if self.response_began.is_set() { Shutdown::Write } else { Shutdown::Both };
            // Fails only if the connection is gone already.
            let _ = self.stream.shutdown(how);
        }
    }
}

/// The response, as it comes from the backend. Dropping it before the response is complete ends the sending of the
/// request.
#[derive(Debug)]
pub struct ResponseReader<'a> {
    stream: &'a TcpStream,
    limits: &'static Limits,
    decoder: &'a mut Decoder,
    expected: Expected,
    /// When the head is late; the time starts with the first wait for it.
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
    /// The backend's: a response that breaks a rule, or comes too late, or not at all.
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

    /// The next piece of the body; `None` after the last. The first call does not wait: it gives what came
    /// with the head.
    ///
    /// # Errors
    /// The backend's: broken framing, a pause over [`Limits::response_body_timeout`], or an end too soon.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        loop {
            match self.decoder.decode_piece(self.limits).map_err(Error::backend)? {
                Decoded::Piece => return Ok(Some(self.decoder.piece())),
                Decoded::End => {
                    // The caller is done with the last piece.
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
            // A response cannot be late while the request is on its way.
            if self.request_progressed.clear() {
                deadline = Instant::now() + timeout;
            }
            socket::check_deadline(deadline, wait)
        });
        if wait == Wait::Head {
            // A total, because a backend that sends a byte now and then would never be late.
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
