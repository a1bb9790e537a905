//! The state of a backend's connection, below both adapters: nothing here waits.

use std::net::Shutdown;
use std::time::{Duration, Instant};

use crate::both_ways::stops_upload;
use crate::signal::{ResponseEnd, Signal};
use crate::{
    BackendAddress, Decoder, Encoder, Expected, Host, Limits, Persistence, Refusal, RequestHead,
    ResponseHead, ResponseTo, Wait,
};

/// Both directions of a backend's connection.
#[derive(Debug)]
pub(crate) struct BackendState {
    pub(crate) request: RequestState,
    pub(crate) response: IncomingResponse,
    pub(crate) signals: BackendSignals,
}

/// The direction to the backend.
#[derive(Debug)]
pub(crate) struct RequestState {
    pub(crate) host: Host,
    /// What requests announce: whether another request follows.
    pub(crate) persistence: Persistence,
    pub(crate) encoder: Encoder,
}

/// The direction from the backend.
#[derive(Debug)]
pub(crate) struct IncomingResponse {
    pub(crate) decoder: Decoder,
    pub(crate) expected: Expected,
    pub(crate) deadline: ResponseDeadline,
    /// Whether the end of this response stops an upload that is not complete.
    stops_upload: bool,
}

/// The signals between the two directions of an exchange, on the backend's side.
#[derive(Debug, Default)]
pub(crate) struct BackendSignals {
    /// More of the request has left, so the time limit of the response starts again.
    pub(crate) request_progressed: Signal,
    /// The head of the final response was received.
    pub(crate) response_began: Signal,
    /// The response was read to its end, or has failed.
    pub(crate) response_end: ResponseEnd,
}

/// The deadline of what is awaited from the backend.
#[derive(Debug)]
pub(crate) struct ResponseDeadline {
    timeout: Duration,
    /// `None` until the time starts.
    deadline: Option<Instant>,
}

impl BackendState {
    /// The state of a new connection to `backend`.
    pub(crate) fn new(backend: &BackendAddress) -> BackendState {
        BackendState {
            request: RequestState {
                host: backend.host().clone(),
                persistence: Persistence::KeepAlive,
                encoder: Encoder::new(),
            },
            response: IncomingResponse {
                decoder: Decoder::new(),
                expected: Expected { response_to: ResponseTo::Other, upgrade: false },
                deadline: ResponseDeadline { timeout: Duration::ZERO, deadline: None },
                stops_upload: false,
            },
            signals: BackendSignals::default(),
        }
    }

    /// Prepares for the exchange of this request.
    pub(crate) fn begin_exchange(&mut self, request: &RequestHead) {
        self.request.encoder.reset();
        self.response.expected = request.expected();
        self.response.deadline.deadline = None;
        self.response.stops_upload = false;
        self.signals.request_progressed.clear();
        self.signals.response_began.clear();
        self.signals.response_end.clear();
    }
}

impl RequestState {
    pub(crate) fn queue_head(&mut self, head: &RequestHead) {
        self.encoder.queue_request(head, &self.host, self.persistence);
    }

    /// What to close if no more of the request is sent; `None` if it has left completely, or if the backend accepted
    /// no more, because it may still answer. A response that has begun may still complete.
    pub(crate) fn abandoned(&self, signals: &BackendSignals) -> Option<Shutdown> {
        if self.encoder.is_clean() || self.encoder.is_write_unfinished() {
            return None;
        }
        Some(if signals.response_began.is_set() { Shutdown::Write } else { Shutdown::Both })
    }
}

impl IncomingResponse {
    /// Returns the head of the next response, or `None` until it is complete.
    pub(crate) fn decode_head(
        &mut self,
        limits: &Limits,
        signals: &BackendSignals,
    ) -> Result<Option<ResponseHead>, Refusal> {
        let Some(head) = self.decoder.decode_response(self.expected, limits)? else {
            return Ok(None);
        };
        self.deadline.deadline = None;
        self.stops_upload = stops_upload(head.status());
        if !head.is_interim() {
            signals.response_began.set();
        }
        Ok(Some(head))
    }

    /// Reports the end of the response: the caller has processed the last piece.
    pub(crate) fn complete(&self, signals: &BackendSignals) {
        signals.response_end.complete(self.stops_upload);
    }
}

impl ResponseDeadline {
    /// Begins to wait.
    pub(crate) fn begin(&mut self, wait: Wait, limits: &Limits) {
        if wait == Wait::Head {
            // The bound is a total, because a backend that sends a byte now and then would never exceed one
            // between bytes.
            self.timeout = limits.response_head_timeout;
        } else {
            self.timeout = limits.response_body_timeout;
            self.deadline = None;
        }
    }

    /// The deadline at this moment. A response cannot be late while the request is being sent.
    pub(crate) fn get(&mut self, signals: &BackendSignals) -> Instant {
        if signals.request_progressed.clear() {
            self.deadline = None;
        }
        *self.deadline.get_or_insert_with(|| Instant::now() + self.timeout)
    }
}
