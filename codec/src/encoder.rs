//! Encodes heads and pieces of bodies into bytes. All transitions of an outgoing message are in this file.
//!
//! Invariant: the encoder writes the fields about framing and about the connection (Content-Length,
//! Transfer-Encoding, Connection, Keep-Alive, Host) itself and never copies them, so that they describe the
//! message as it is sent.

use bytes::{BufMut, BytesMut};

use crate::body::{self, WrongBodyLength};
use crate::connection::ConnectionOptions;
use crate::framing::{announced_length, for_version, has_no_body};
use crate::lines::{put_connection, put_field, put_framing, put_length, put_status_line};
use crate::names::{Name, Names};
use crate::{
    Answering, BodyFraming, Date, FieldSection, Host, Persistence, Piece, RequestHead, ResponseHead,
    TargetForm, Version,
};

/// Encodes the messages of one connection. It owns the bytes that are queued and not yet written.
///
/// A head is only queued; it leaves with the first piece of its body. The encoder does no I/O: write all of
/// [`Encoder::parts`], then call [`Encoder::written`].
#[derive(Debug)]
pub struct Encoder {
    /// Heads, framing, and short pieces.
    queued: BytesMut,
    /// How the body is delimited as it is sent. A `ContentLength` is the number of bytes that remain to be sent.
    framing: BodyFraming,
    progress: Progress,
    writing: Writing,
    /// Whether a trailer section is dropped.
    drops_trailers: bool,
}

/// Whether the bytes that were returned for writing have been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    Done,
    Begun,
    /// A write was not finished, so it is unknown what the other side received, or a message was abandoned within its
    /// body. Nothing can be added.
    BrokenOff,
}

/// The progress of the current message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// No head was queued yet.
    Nothing,
    /// The head is queued, and can still be replaced.
    HeadQueued,
    /// The head has left; the body has not ended.
    HeadSent,
    /// The complete message has left.
    Sent,
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder {
            queued: BytesMut::new(),
            framing: BodyFraming::Empty,
            progress: Progress::Nothing,
            writing: Writing::Done,
            drops_trailers: false,
        }
    }
}

/// The fields that the encoder writes itself.
const WRITTEN_HERE: Names =
    Names::new(&[Name::Host, Name::Connection, Name::KeepAlive, Name::ContentLength, Name::TransferEncoding]);

/// Enough for what is written besides the fields: status line, framing, Connection, Date, and a short body.
const ADDED_BYTES: usize = 256;

/// Up to this size, copying a piece behind its head costs less than passing three parts to the kernel.
const COPIED_BYTES: usize = 4096;

impl Encoder {
    /// An encoder for a new connection; it holds no memory until something is queued.
    pub fn new() -> Encoder {
        Encoder::default()
    }

    /// The progress of the current message.
    ///
    /// After an unfinished write it is [`Progress::HeadSent`], because a part of the head may have left.
    pub fn progress(&self) -> Progress {
        if self.writing == Writing::Done { self.progress } else { Progress::HeadSent }
    }

    /// Whether the last message has left completely, and no write was left unfinished.
    pub fn is_clean(&self) -> bool {
        self.progress() == Progress::Sent
    }

    /// Whether a write was begun and not finished: the other side accepted no more, or the write was dropped.
    pub(crate) fn is_write_unfinished(&self) -> bool {
        self.writing != Writing::Done
    }

    /// Whether the current body ends only with the connection.
    pub(crate) fn is_close_delimited(&self) -> bool {
        self.framing == BodyFraming::CloseDelimited
    }

    /// The number of bytes of a piece that are sent: 0 if the message has no body.
    pub(crate) fn body_length(&self, piece: &Piece<'_>) -> u64 {
        if self.framing == BodyFraming::Empty { 0 } else { piece.len() as u64 }
    }

    /// Prepares for the next message. Queueing a head does so too. If a message is abandoned within its body, no other
    /// can follow: [`Encoder::parts`] returns an error.
    pub fn reset(&mut self) {
        self.abandon_body();
        self.queued.clear();
        self.framing = BodyFraming::Empty;
        self.progress = Progress::Nothing;
    }

    /// As [`Encoder::reset`], and releases the buffer's memory.
    pub fn release(&mut self) {
        self.queued = BytesMut::new();
        self.reset();
    }

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

    /// Queues a piece of the body, and returns the bytes to write: all of them, in this order.
    ///
    /// # Errors
    /// [`WrongBodyLength`] if the body is longer, or ends earlier, than its head announced. This includes a piece
    /// without a head, a piece after the last, and any piece after an unfinished write or an abandoned body.
    pub fn parts<'a>(&'a mut self, piece: &Piece<'a>) -> Result<[&'a [u8]; 3], WrongBodyLength> {
        self.check_order()?;
        // A message without a body, such as a response to HEAD, sends no byte of the piece.
        let mut bytes = if self.framing == BodyFraming::Empty { &[] } else { piece.bytes() };
        if self.body_length(piece) != bytes.len() as u64 {
            // The socket has failed before the promised bytes were read.
            return Err(WrongBodyLength);
        }
        body::put_before(&mut self.queued, &mut self.framing, piece)?;
        if bytes.len() <= COPIED_BYTES {
            self.queued.put_slice(bytes);
            bytes = &[];
        }
        let before = self.put_after(piece);
        match self.queued.split_at(before) {
            _ if bytes.is_empty() => Ok([&self.queued, &[], &[]]),
            (before, after) => Ok([before, bytes, after]),
        }
    }

    /// As [`Encoder::parts`], for a piece whose bytes are still in the socket: returns what precedes and what follows them.
    ///
    /// # Errors
    /// As [`Encoder::parts`].
    #[cfg(feature = "tokio")]
    pub(crate) fn around(&mut self, piece: &Piece<'_>) -> Result<[&[u8]; 2], WrongBodyLength> {
        self.check_order()?;
        body::put_before(&mut self.queued, &mut self.framing, piece)?;
        let before = self.put_after(piece);
        let (before, after) = self.queued.split_at(before);
        Ok([before, after])
    }

    /// Queues what follows the bytes of a piece. Returns the number of bytes that are queued before it.
    fn put_after(&mut self, piece: &Piece<'_>) -> usize {
        let before = self.queued.len();
        body::put_after(&mut self.queued, self.framing, piece, self.drops_trailers);
        self.begin_write();
        before
    }

    /// The queued bytes without a piece: an interim response.
    pub fn queued(&mut self) -> &[u8] {
        self.begin_write();
        &self.queued
    }

    /// Reports that all bytes returned last were written. `is_last` is true if they include the last piece.
    pub fn written(&mut self, is_last: bool) {
        self.queued.clear();
        if self.writing == Writing::Begun {
            self.writing = Writing::Done;
        }
        self.progress = match self.progress {
            Progress::Nothing => Progress::Nothing,
            _ if is_last => Progress::Sent,
            _ => Progress::HeadSent,
        };
    }

    /// Checks that a piece may follow: a head was queued, its body has not ended, and all earlier bytes have left.
    fn check_order(&self) -> Result<(), WrongBodyLength> {
        // RFC 9112 section 6.3: the recipient would take any other byte for a part of another message.
        match self.progress {
            Progress::HeadQueued | Progress::HeadSent if self.writing == Writing::Done => Ok(()),
            _ => Err(WrongBodyLength),
        }
    }

    /// Ensures that nothing follows a message that has left in part.
    fn abandon_body(&mut self) {
        if self.progress() == Progress::HeadSent {
            self.writing = Writing::BrokenOff;
        }
    }

    fn begin_write(&mut self) {
        let was_done = self.writing == Writing::Done;
        self.writing = if was_done { Writing::Begun } else { Writing::BrokenOff };
    }

    /// Begins a message. It replaces a message that is queued and has not left.
    fn start(&mut self, framing: BodyFraming, fields: &FieldSection, connection: ConnectionOptions) {
        self.abandon_body();
        self.queued.clear();
        self.queued.reserve(fields.block().len() + ADDED_BYTES);
        self.framing = framing;
        self.progress = Progress::HeadQueued;
        // RFC 9110 section 7.6.1: trailers that Connection names are not forwarded. Section 6.5.1: the others
        // need not be forwarded either.
        self.drops_trailers = connection.names_fields;
    }
}
