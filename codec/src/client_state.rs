//! The state of a client's connection, without its socket. The adapters share it.

use std::time::Instant;

use crate::names::Name;
use crate::signal::{ResponseEnd, Signal};
use crate::{
    Answering, Blame, Cause, Date, Decoder, Encoder, Error, Persistence, Progress, Report, RequestHead,
    ResponseHead, ResponseTo, Version, both_ways, error_response,
};

/// Both directions of a client's connection.
#[derive(Debug)]
pub(crate) struct ClientState {
    pub(crate) decoder: Decoder,
    pub(crate) response: ResponseState,
    request: String,
    /// When the first byte of the current request was received.
    pub(crate) started: Instant,
    /// When the last exchange ended, or when the connection began if there was no exchange.
    pub(crate) idle_since: Instant,
    closes_after_response: bool,
    ending: Ending,
    pub(crate) signals: Signals,
}

/// The signals between the two directions of an exchange, on the client's side.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// The request was read to its end.
    pub(crate) request_ended: Signal,
    /// The caller has processed the last piece of the request: it has asked for another.
    pub(crate) request_delivered: Signal,
    /// No more of the request will be read.
    pub(crate) upload_ended: Signal,
    /// The head of the final response was queued.
    pub(crate) response_began: Signal,
    /// The response was sent to its end, or has failed.
    pub(crate) response_end: ResponseEnd,
}

/// The direction to the client.
#[derive(Debug)]
pub(crate) struct ResponseState {
    pub(crate) encoder: Encoder,
    answering: Answering,
    status: Option<u16>,
    body_bytes: u64,
    /// The client may be waiting for a 100 before it sends its body, and none was sent.
    pub(crate) awaits_continue: bool,
    /// Whether the end of this response stops an upload that is not complete.
    pub(crate) stops_upload: bool,
}

/// What happens to the connection after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Wait for another request.
    KeepAlive,
    /// Close: the client has closed its side, or did not get a complete response.
    Close,
    /// Close, but first read and discard what still arrives, so that a reset does not destroy the answer.
    Linger,
}

/// The answer to a request that cannot be read, of which nothing is known.
const UNKNOWN_REQUEST: Answering =
    Answering { response_to: ResponseTo::Other, version: Version::HTTP_1_1, persistence: Persistence::Close };

impl ClientState {
    /// The state of a client that has been idle since `idle_since`.
    pub(crate) fn new(idle_since: Instant) -> ClientState {
        ClientState {
            decoder: Decoder::new(),
            response: ResponseState {
                encoder: Encoder::new(),
                answering: UNKNOWN_REQUEST,
                status: None,
                body_bytes: 0,
                awaits_continue: false,
                stops_upload: true,
            },
            request: String::new(),
            started: idle_since,
            idle_since,
            closes_after_response: false,
            ending: Ending::KeepAlive,
            signals: Signals::default(),
        }
    }

    pub(crate) fn close_after_response(&mut self) {
        self.closes_after_response = true;
        self.response.close_after_response();
    }

    pub(crate) fn ending(&self) -> Ending {
        self.ending
    }

    /// Whether another request may follow, and no byte of it was received. Apart from
    /// [`idle_since`](ClientState::idle_since), the state then equals that of a new client.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_idle(&self) -> bool {
        self.ending == Ending::KeepAlive && !self.closes_after_response && self.decoder.is_clean()
    }

    /// Begins a request. Nothing is known of it except that its first byte was received.
    pub(crate) fn begin(&mut self) {
        self.started = Instant::now();
        self.request = String::new();
        self.response.answering = UNKNOWN_REQUEST;
        self.response.status = None;
        self.response.body_bytes = 0;
        self.response.stops_upload = true;
        self.response.encoder.release();
    }

    /// Begins an exchange: the head of the request was read.
    pub(crate) fn begin_exchange(&mut self, head: &RequestHead) {
        let (method, path) = (head.method(), head.path());
        self.request = String::with_capacity(method.len() + 1 + path.len());
        self.request.push_str(method);
        self.request.push(' ');
        self.request.push_str(path);
        // This memory is not used before the next request, so other connections may use it until then.
        self.decoder.release();
        // RFC 9110 section 10.1.1: Expect in a request of HTTP/1.0 is ignored.
        let has_expectation = head.version() >= Version::HTTP_1_1 && head.fields.has(Name::Expect);
        self.response.awaits_continue = has_expectation && head.has_body();
        self.signals = Signals::default();
        if !head.has_body() {
            self.signals.request_ended.set();
            self.signals.request_delivered.set();
        }
        let persistence = match self.closes_after_response {
            true => Persistence::Close,
            false => head.persistence(),
        };
        self.response.answering =
            Answering { response_to: head.response_to(), version: head.version(), persistence };
    }

    /// Records that a tunnel has ended, and that it sent `bytes` bytes to the client.
    #[cfg(feature = "tokio")]
    pub(crate) fn tunnelled(&mut self, bytes: u64) {
        self.response.body_bytes = bytes;
    }

    /// Queues the head of the answer to an error, and returns its body. Returns `None` if the head of a
    /// response has already left, or if the client is gone.
    pub(crate) fn queue_answer(&mut self, error: &Error, proxy: Option<&str>) -> Option<String> {
        if !matches!(self.response.encoder.progress(), Progress::Nothing | Progress::HeadQueued) {
            return None;
        }
        // RFC 9112 section 9.3: the start of the next request is known only if this one was read to its end.
        let is_clean = self.decoder.has_ended() && !is_bad_request(error);
        if !is_clean {
            self.response.answering.persistence = Persistence::Close;
        }
        let (head, body) = error_response::head_and_body(error, proxy)?;
        self.response.stops_upload = true;
        self.response.queue_head(&head);
        Some(body)
    }

    /// Ends the exchange: decides what happens to the connection, and returns the report.
    pub(crate) fn end(&mut self, error: Option<Error>) -> Report {
        // Only the end of the connection can tell the client that the backend did not get the complete request.
        let is_cut_upload = self.is_cut_upload();
        let keeps_alive = self.response.answering.persistence == Persistence::KeepAlive && !is_cut_upload;
        self.ending = if !self.response.encoder.is_clean() {
            Ending::Close
        } else if keeps_alive && self.decoder.has_ended() {
            Ending::KeepAlive
        } else if self.decoder.is_at_end_of_file() {
            Ending::Close
        } else {
            // RFC 9112 section 9.6: bytes that still arrive must not reset the connection.
            Ending::Linger
        };
        self.response.encoder.release();
        self.idle_since = Instant::now();
        Report {
            request: std::mem::take(&mut self.request),
            status: self.response.status,
            body_bytes: self.response.body_bytes,
            elapsed: self.idle_since - self.started,
            error: match error {
                None if is_cut_upload => Some(Error::client(Cause::CutUpload)),
                // If this proxy is the final recipient and answers the request itself, that is not a fault to report.
                error => error.filter(|error| !error.is_final_recipient()),
            },
        }
    }

    /// Whether the response accepted a request that was not completely forwarded.
    fn is_cut_upload(&self) -> bool {
        !self.response.stops_upload && !self.signals.request_delivered.is_set()
    }
}

impl ResponseState {
    #[cfg(feature = "tokio")]
    pub(crate) fn has_switched_protocols(&self) -> bool {
        self.status == Some(101)
    }

    /// Makes this response the last on the connection.
    pub(crate) fn close_after_response(&mut self) {
        self.answering.persistence = Persistence::Close;
    }

    /// Decides whether the upload continues after this response. This response is the last on the connection
    /// if it stops the upload of a request that was not read to its end, or if it does not stop the upload
    /// but the upload has already failed.
    pub(crate) fn decide_upload(&mut self, head: &ResponseHead, signals: &Signals) {
        let is_read = signals.request_ended.is_set();
        // RFC 9110 section 10.1.1: a client that gets a final response instead of the 100 may never send the
        // body. Only this side knows whether a 100 was sent, so the backend's side decides by the status
        // alone.
        self.stops_upload = both_ways::stops_upload(head.status()) || (self.awaits_continue && !is_read);
        let is_last = match self.stops_upload {
            true => !is_read,
            false => signals.upload_ended.is_set() && !signals.request_delivered.is_set(),
        };
        // RFC 9112 section 9.6: a server that does not read the rest of the request sends `close`.
        if is_last {
            self.close_after_response();
        }
    }

    /// Whether this response is the last on the connection and the upload continues. Only the write side is
    /// then closed after the response, so that the client sees the end of the response before the end of its
    /// own upload.
    pub(crate) fn ends_before_request(&self, signals: &Signals) -> bool {
        self.answering.persistence == Persistence::Close && !signals.request_delivered.is_set()
    }

    pub(crate) fn queue_head(&mut self, head: &ResponseHead) {
        let date = Date::lacking(&head.fields);
        let persistence = self.encoder.queue_response(head, self.answering, date);
        self.answering.persistence = persistence;
        self.status = Some(head.status());
    }

    /// Queues an interim response (RFC 9110 section 15.2). Returns `false` if the client's version does not support it.
    pub(crate) fn queue_interim(&mut self, head: &ResponseHead) -> bool {
        // RFC 9110 section 15.2: a server MUST NOT send a 1xx response to an HTTP/1.0 client.
        if self.answering.version < Version::HTTP_1_1 {
            return false;
        }
        self.awaits_continue &= head.status() != 100;
        self.encoder.queue_interim(head);
        true
    }

    /// Records that a piece was written.
    pub(crate) fn written(&mut self, length: u64, is_last: bool) {
        self.encoder.written(is_last);
        self.body_bytes += length;
    }
}

/// Whether the request itself has failed, so that nothing after it can be trusted.
fn is_bad_request(error: &Error) -> bool {
    error.blame() == Blame::Client && !error.is_final_recipient()
}
