//! The state of a client's connection, below both adapters: nothing here waits.

use std::time::Instant;

use socket2::SockRef;

use crate::response_state::{ClientSignals, ResponseState};
use crate::{
    Blame, Cause, Decoder, Error, Persistence, Progress, Report, RequestHead, error_response, socket_options,
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
    pub(crate) signals: ClientSignals,
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

impl ClientState {
    /// The state of a client that has been idle since `idle_since`.
    pub(crate) fn new(idle_since: Instant) -> ClientState {
        ClientState {
            decoder: Decoder::new(),
            response: ResponseState::new(),
            request: String::new(),
            started: idle_since,
            idle_since,
            closes_after_response: false,
            ending: Ending::KeepAlive,
            signals: ClientSignals::default(),
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
    pub(crate) fn is_idle(&self) -> bool {
        self.ending == Ending::KeepAlive && !self.closes_after_response && self.decoder.is_clean()
    }

    /// Begins a request. Nothing is known of it except that its first byte was received.
    pub(crate) fn begin(&mut self) {
        self.started = Instant::now();
        self.request = String::new();
        self.response.begin();
    }

    /// Begins an exchange: the head of the request was read.
    pub(crate) fn begin_exchange(&mut self, head: &RequestHead) {
        self.request = [head.method(), " ", head.path()].concat();
        // This memory is not used before the next request, so other connections may use it until then.
        self.decoder.release();
        self.response.awaits_continue = head.awaits_continue();
        self.signals = ClientSignals::default();
        if !head.has_body() {
            self.signals.request_ended.set();
            self.signals.request_delivered.set();
        }
        self.response.answering = head.answering();
        if self.closes_after_response {
            self.response.close_after_response();
        }
    }

    /// Prepares to send the request, perhaps not for the first time: a request without a body may be sent again.
    pub(crate) fn begin_attempt(&mut self) -> &mut ClientState {
        self.decoder.repeat_empty_body();
        self.signals.response_end.clear();
        self.signals.upload_ended.clear();
        self
    }

    /// Records that a tunnel has ended, and that it sent `bytes` bytes to the client.
    #[cfg(feature = "tokio")]
    pub(crate) fn tunnelled(&mut self, bytes: u64) {
        self.response.body_bytes = bytes;
    }

    /// Queues the head of the answer to an error, and returns its body. Returns `None` if the head of a
    /// response has already left, or if the client is gone.
    pub(crate) fn queue_answer(
        &mut self,
        error: &Error,
        proxy: Option<&str>,
        socket: &SockRef<'_>,
    ) -> Option<String> {
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
        socket_options::reset_on_close(socket, false);
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
            first_byte: self.response.began.map(|began| began - self.started),
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

/// Whether the request itself has failed, so that nothing after it can be trusted.
fn is_bad_request(error: &Error) -> bool {
    error.blame() == Blame::Client && !error.is_final_recipient()
}
