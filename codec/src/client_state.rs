//! What a client's connection is about, apart from its socket: shared by the adapters.

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
    /// When the first byte of the current request was there.
    pub(crate) started: Instant,
    /// When the last exchange ended, or else the connection began.
    pub(crate) idle_since: Instant,
    closes_after_response: bool,
    ending: Ending,
    pub(crate) signals: Signals,
}

/// What the two directions of an exchange tell each other, on the client's side.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// The request has been read to its end.
    pub(crate) request_ended: Signal,
    /// The last piece of the request has been taken: the caller has asked for another.
    pub(crate) request_delivered: Signal,
    /// No more of the request will be taken.
    pub(crate) upload_ended: Signal,
    /// The head of the final response is on its way.
    pub(crate) response_began: Signal,
    /// The response has been sent to its end.
    pub(crate) response_end: ResponseEnd,
}

/// The direction to the client.
#[derive(Debug)]
pub(crate) struct ResponseState {
    pub(crate) encoder: Encoder,
    answering: Answering,
    status: Option<u16>,
    body_bytes: u64,
    /// The client may wait for a 100 with its body, and none was sent.
    pub(crate) awaits_continue: bool,
    /// What the end of this response means for an upload that is not complete.
    pub(crate) stops_upload: bool,
}

/// What is to be done with the connection after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Wait for another request.
    KeepAlive,
    /// Close: the client has ended its side, or did not get a whole answer.
    Close,
    /// Close, and read what still comes, so that a reset does not destroy the answer.
    Linger,
}

/// What is known before a request: the answer to one that cannot be read.
const UNKNOWN_REQUEST: Answering =
    Answering { response_to: ResponseTo::Other, version: Version::HTTP_1_1, persistence: Persistence::Close };

impl ClientState {
    /// Of a client that has been idle since then.
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

    /// Whether another request may come, and nothing of it has: what is known besides
    /// [`idle_since`](ClientState::idle_since) is what is known of any client.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_idle(&self) -> bool {
        self.ending == Ending::KeepAlive && !self.closes_after_response && self.decoder.is_clean()
    }

    /// A request begins: nothing of it is known but that its first byte is there.
    pub(crate) fn begin(&mut self) {
        self.started = Instant::now();
        self.request = String::new();
        self.response.answering = UNKNOWN_REQUEST;
        self.response.status = None;
        self.response.body_bytes = 0;
        self.response.stops_upload = true;
        self.response.encoder.release();
    }

    /// The head of the request was read.
    pub(crate) fn begin_exchange(&mut self, head: &RequestHead) {
        let (method, path) = (head.method(), head.path());
        self.request = String::with_capacity(method.len() + 1 + path.len());
        self.request.push_str(method);
        self.request.push(' ');
        self.request.push_str(path);
        // Nobody else needs to wait for memory that is only used again with the next request.
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

    /// A tunnel has ended, and passed so many bytes to the client.
    #[cfg(feature = "tokio")]
    pub(crate) fn tunnelled(&mut self, bytes: u64) {
        self.response.body_bytes = bytes;
    }

    /// Queues the head of the answer to an error, and returns its body; `None` if it is too late, or nobody is
    /// there.
    pub(crate) fn queue_answer(&mut self, error: &Error, proxy: Option<&str>) -> Option<String> {
        if !matches!(self.response.encoder.progress(), Progress::Nothing | Progress::HeadQueued) {
            return None;
        }
        // RFC 9112 section 9.3: where the next request starts is known only if this one was read to its end.
        let is_clean = self.decoder.has_ended() && !is_bad_request(error);
        if !is_clean {
            self.response.answering.persistence = Persistence::Close;
        }
        let (head, body) = error_response::of(error, proxy)?;
        self.response.stops_upload = true;
        self.response.queue_head(&head);
        Some(body)
    }

    /// The exchange has ended: decides how the connection goes on, and reports.
    pub(crate) fn end(&mut self, error: Option<Error>) -> Report {
        // Only the end of the connection can tell the client that the backend has not got all of the request.
        let is_cut_upload = self.is_cut_upload();
        let keeps_alive = self.response.answering.persistence == Persistence::KeepAlive && !is_cut_upload;
        self.ending = if !self.response.encoder.is_clean() {
            Ending::Close
        } else if keeps_alive && self.decoder.has_ended() {
            Ending::KeepAlive
        } else if self.decoder.is_at_end_of_file() {
            Ending::Close
        } else {
            // RFC 9112 section 9.6: what is still on its way must not reset the connection.
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
                // That this proxy answers by itself is no fault to report.
                error => error.filter(|error| !error.is_final_recipient()),
            },
        }
    }

    /// Whether the response accepted a request that was not forwarded to its end.
    fn is_cut_upload(&self) -> bool {
        !self.response.stops_upload && !self.signals.request_delivered.is_set()
    }
}

impl ResponseState {
    #[cfg(feature = "tokio")]
    pub(crate) fn has_switched_protocols(&self) -> bool {
        self.status == Some(101)
    }

    /// Makes this response the last.
    pub(crate) fn close_after_response(&mut self) {
        self.answering.persistence = Persistence::Close;
    }

    /// Decides whether the upload goes on after this response. This response is the last if it stops the upload of a
    /// request that has not been read to its end, or if it does not stop the upload, but that has failed already.
    pub(crate) fn decide_upload(&mut self, head: &ResponseHead, signals: &Signals) {
        let is_read = signals.request_ended.is_set();
        // RFC 9110 section 10.1.1: a client that gets a final response in place of the 100 may never send the body. Only
        // this side knows whether it has, so the backend's side goes by the status alone.
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

    /// Whether nothing follows this response on the connection, and the upload goes on. Then only the write side is closed
    /// after the response: the client does not wait for the end of its own upload to see that of the response.
    pub(crate) fn ends_before_request(&self, signals: &Signals) -> bool {
        self.answering.persistence == Persistence::Close && !signals.request_delivered.is_set()
    }

    pub(crate) fn queue_head(&mut self, head: &ResponseHead) {
        let date = Date::lacking(&head.fields);
        let persistence = self.encoder.queue_response(head, self.answering, date);
        self.answering.persistence = persistence;
        self.status = Some(head.status());
    }

    /// Queues an interim response (RFC 9110 section 15.2); false for a client that knows none.
    pub(crate) fn queue_interim(&mut self, head: &ResponseHead) -> bool {
        // RFC 9110 section 15.2: a server MUST NOT send a 1xx response to an HTTP/1.0 client.
        if self.answering.version < Version::HTTP_1_1 {
            return false;
        }
        self.awaits_continue &= head.status() != 100;
        self.encoder.queue_interim(head);
        true
    }

    /// The piece has left.
    pub(crate) fn written(&mut self, length: u64, is_last: bool) {
        self.encoder.written(is_last);
        self.body_bytes += length;
    }
}

/// Whether the request itself is wrong, so that nothing after it can be trusted.
fn is_bad_request(error: &Error) -> bool {
    error.blame() == Blame::Client && !error.is_final_recipient()
}
