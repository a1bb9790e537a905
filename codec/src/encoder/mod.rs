//! Encodes heads and pieces of bodies into bytes. All transitions of an outgoing message are in this folder: heads are
//! queued in `heads.rs`, everything else is here.
//!
//! Invariant: the encoder writes the fields about framing and about the connection (Content-Length,
//! Transfer-Encoding, Connection, Keep-Alive, Host) itself and never copies them, so that they describe the
//! message as it is sent.

mod heads;

use bytes::{BufMut, BytesMut};

use crate::body::{self, WrongBodyLength};
use crate::connection::ConnectionOptions;
use crate::{BodyFraming, FieldSection, Piece};

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
