//! The response to a client: what of it was sent, and what its end means for the upload.

use std::time::Instant;

use socket2::SockRef;

use crate::signal::{ResponseEnd, Signal};
use crate::{
    Answering, Date, Encoder, Persistence, ResponseHead, ResponseTo, Version, both_ways, socket_options,
};

/// The direction to the client.
#[derive(Debug)]
pub(crate) struct ResponseState {
    pub(crate) encoder: Encoder,
    pub(crate) answering: Answering,
    pub(crate) status: Option<u16>,
    /// When the head of the final response was queued.
    pub(crate) began: Option<Instant>,
    pub(crate) body_bytes: u64,
    /// The client may be waiting for a 100 before it sends its body, and none was sent.
    pub(crate) awaits_continue: bool,
    /// Whether the end of this response stops an upload that is not complete.
    pub(crate) stops_upload: bool,
}

/// The signals between the two directions of an exchange, on the client's side.
#[derive(Debug, Default)]
pub(crate) struct ClientSignals {
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

/// The answer to a request that cannot be read, of which nothing is known.
const UNKNOWN_REQUEST: Answering =
    Answering { response_to: ResponseTo::Other, version: Version::HTTP_1_1, persistence: Persistence::Close };

impl ResponseState {
    /// The state before the first request.
    pub(crate) fn new() -> ResponseState {
        ResponseState {
            encoder: Encoder::new(),
            answering: UNKNOWN_REQUEST,
            status: None,
            began: None,
            body_bytes: 0,
            awaits_continue: false,
            stops_upload: true,
        }
    }

    /// Begins the response to a request of which nothing is known.
    pub(crate) fn begin(&mut self) {
        self.answering = UNKNOWN_REQUEST;
        self.status = None;
        self.began = None;
        self.body_bytes = 0;
        self.stops_upload = true;
        self.encoder.release();
    }

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
    fn decide_upload(&mut self, head: &ResponseHead, signals: &ClientSignals) {
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
    fn ends_before_request(&self, signals: &ClientSignals) -> bool {
        self.answering.persistence == Persistence::Close && !signals.request_delivered.is_set()
    }

    /// Queues the head of the final response.
    pub(crate) fn queue_final(&mut self, head: &ResponseHead, signals: &ClientSignals, socket: &SockRef<'_>) {
        self.decide_upload(head, signals);
        self.queue_head(head);
        signals.response_began.set();
        if self.encoder.is_close_delimited() {
            socket_options::reset_on_close(socket, true);
        }
    }

    pub(crate) fn queue_head(&mut self, head: &ResponseHead) {
        let date = Date::lacking(&head.fields);
        let persistence = self.encoder.queue_response(head, self.answering, date);
        self.answering.persistence = persistence;
        self.status = Some(head.status());
        self.began = Some(Instant::now());
    }

    /// Queues an interim response (RFC 9110 section 15.2). Returns `false` if the client's version does not support it,
    /// or if the final response has begun.
    pub(crate) fn queue_interim(&mut self, head: &ResponseHead) -> bool {
        // RFC 9110 section 15.2: a server MUST NOT send a 1xx response to an HTTP/1.0 client, and an interim response
        // precedes the final one.
        if self.answering.version < Version::HTTP_1_1 || self.status.is_some() {
            return false;
        }
        self.awaits_continue &= head.status() != 100;
        self.encoder.queue_interim(head);
        true
    }

    /// Records that a piece was written, and ends the response after the last.
    pub(crate) fn written(
        &mut self,
        length: u64,
        is_last: bool,
        signals: &ClientSignals,
        socket: &SockRef<'_>,
    ) {
        self.encoder.written(is_last);
        self.body_bytes += length;
        if !is_last {
            return;
        }
        if self.encoder.is_close_delimited() {
            socket_options::reset_on_close(socket, false);
        }
        if self.ends_before_request(signals) {
            socket_options::end(socket);
        }
        signals.response_end.complete(self.stops_upload);
    }
}

#[cfg(test)]
mod tests {
    use super::ResponseState;
    use crate::{BodyFraming, ResponseHead};

    #[test]
    fn no_100_is_sent_after_the_head_of_the_final_response() {
        // RFC 9110 section 10.1.1: the final response replaces the 100.
        let mut response = ResponseState::new();
        let head_of = |status| ResponseHead::new(status, BodyFraming::Empty);
        assert!(response.queue_interim(&head_of(100)));
        response.queue_head(&head_of(200));
        assert!(!response.queue_interim(&head_of(100)));
    }
}
