//! The heads that the encoder writes.

use bytes::BufMut;

use super::{Encoder, Progress};
use crate::framing::{announced_length, for_version, has_no_body};
use crate::lines::{put_connection, put_field, put_framing, put_length, put_status_line};
use crate::names::{Name, Names};
use crate::{
    Answering, BodyFraming, Date, Host, Persistence, RequestHead, ResponseHead, TargetForm, Version,
};

/// The fields that the encoder writes itself.
const WRITTEN_HERE: Names =
    Names::new(&[Name::Host, Name::Connection, Name::KeepAlive, Name::ContentLength, Name::TransferEncoding]);

impl Encoder {
    /// Queues the head of a request in origin-form (RFC 9112 section 3.2.1).
    ///
    /// `host` is the value of `Host` if the request has none, as in HTTP/1.0.
    pub fn queue_request(&mut self, head: &RequestHead, host: &Host, persistence: Persistence) {
        self.start(head.framing(), &head.fields, head.connection);
        let out = &mut self.queued;
        out.put_slice(head.method_bytes());
        out.put_slice(b" ");
        let path_and_query = head.path_and_query_bytes();
        if head.target_form() == TargetForm::Absolute && !path_and_query.starts_with(b"/") {
            // RFC 9112 section 3.2.4: OPTIONS with neither path nor query is for the server, `*`.
            // RFC 9112 section 3.2.1: otherwise an empty path is sent as `/`.
            let is_for_server = head.method_bytes() == b"OPTIONS" && path_and_query.is_empty();
            out.put_slice(if is_for_server { b"*" } else { b"/" });
        }
        out.put_slice(path_and_query);
        out.put_slice(b" HTTP/1.1\r\n");
        // RFC 9112 section 3.2.2: the host of an absolute-form target replaces that of the field.
        // RFC 9110 section 7.2: Host should be sent first.
        put_field(out, b"Host", head.authority().unwrap_or(host.as_str().as_bytes()));
        head.fields.put_lines(out, WRITTEN_HERE);
        put_framing(out, head.framing());
        let te = head.fields.has(Name::Te);
        let upgrade = head.fields.has(Name::Upgrade);
        // RFC 9112 section 9.6: a client that will not use the connection again sends `close`.
        let close = persistence == Persistence::Close;
        put_connection(out, [(close, "close"), (te, "TE"), (upgrade, "upgrade")]);
        out.put_slice(b"\r\n");
    }

    /// Queues the head of a final response, with a framing that the client can read. Returns whether another
    /// response can follow it: never after an [interim](ResponseHead::is_interim) status or 101. `date` is sent if
    /// the response has no `Date`; it is `None` if there is no clock.
    pub fn queue_response(
        &mut self,
        head: &ResponseHead,
        answering: Answering,
        date: Option<Date>,
    ) -> Persistence {
        let framing = for_version(answering.version, head.framing());
        let has_no_body = has_no_body(answering.response_to, head.status());
        // RFC 9110 section 15.2: the client takes an interim response for a promise of another.
        let ends_with_connection =
            if has_no_body { head.is_interim() } else { framing == BodyFraming::CloseDelimited };
        let persistence = if ends_with_connection { Persistence::Close } else { answering.persistence };
        let framed = if has_no_body { BodyFraming::Empty } else { framing };
        self.start(framed, &head.fields, head.connection);
        let out = &mut self.queued;
        put_status_line(out, head);
        head.fields.put_lines(out, WRITTEN_HERE);
        match (head.status(), framing) {
            // RFC 9110 section 8.6: 1xx and 204 have no Content-Length; section 15.3.5: 204 has no body.
            (100..=199 | 204, _) => {}
            // RFC 9110 section 8.6: after HEAD and with 304 it is the length that a body would have.
            (_, BodyFraming::Empty) if has_no_body => {
                if let Some(length) = announced_length(&head.fields) {
                    put_length(out, length);
                }
            }
            // RFC 9112 section 6.3, rule 8: without a length the client would wait for the end of the connection.
            (_, BodyFraming::Empty) => put_length(out, 0),
            (_, framing) => put_framing(out, framing),
        }
        if let Some(date) = date
            && !head.fields.has(Name::Date)
        {
            // RFC 9110 section 6.6.1: a recipient with a clock adds a date to a response without one.
            put_field(out, b"Date", date.as_bytes());
        }
        let upgrade = head.fields.has(Name::Upgrade);
        let close = persistence == Persistence::Close;
        // RFC 9112 section 9.3: an HTTP/1.0 client that asked for a persistent connection is told that it gets one.
        let keep_alive = !close && answering.version < Version::HTTP_1_1;
        put_connection(out, [(close, "close"), (keep_alive, "keep-alive"), (upgrade, "upgrade")]);
        out.put_slice(b"\r\n");
        // RFC 9110 section 15.2.2: no HTTP message follows a 101.
        if head.status() == 101 { Persistence::Close } else { persistence }
    }

    /// Queues an interim response (RFC 9110 section 15.2). Does nothing if the head is not
    /// [interim](ResponseHead::is_interim), or if the final head was already queued.
    pub fn queue_interim(&mut self, head: &ResponseHead) {
        match self.progress {
            _ if !head.is_interim() => return,
            Progress::HeadQueued | Progress::HeadSent => return,
            Progress::Sent => self.reset(),
            Progress::Nothing => {}
        }
        put_status_line(&mut self.queued, head);
        head.fields.put_lines(&mut self.queued, WRITTEN_HERE);
        self.queued.put_slice(b"\r\n");
    }
}
