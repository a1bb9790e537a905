//! Decodes bytes into heads and pieces of bodies. All transitions of an incoming message are in `transitions.rs`.
//!
//! A message is a head, followed by the pieces of its body; the last piece is marked as such. An interim
//! response is a head without a body.
//!
//! Invariant: no function here waits, and a rejected message stays rejected.

mod transitions;

use std::ops::Range;

use crate::body::BodyDecoder;
use crate::buffer::ReadBuffer;
use crate::head::HeadDecoder;
use crate::{Decoded, Expected, Limits, Piece, Refusal, RequestHead, ResponseHead};

/// Decodes the messages of one connection. It owns the bytes that were received and not consumed.
///
/// It does no I/O: fill [`Decoder::space`], report the byte count with [`Decoder::filled`], then decode.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: ReadBuffer,
    state: State,
    at_end_of_file: bool,
    /// The position of the current piece in the buffer.
    piece: Range<usize>,
}

#[derive(Debug)]
enum State {
    /// `interim_responses` is the number of interim responses before this head.
    Head {
        decoder: HeadDecoder,
        interim_responses: u32,
    },
    Body(Body),
    Refused(Refusal),
}

#[derive(Debug)]
struct Body {
    decoder: BodyDecoder,
    /// The next piece is available even if it has no bytes in the buffer: no piece was requested yet, or its bytes are
    /// outside.
    has_piece: bool,
    /// The last piece was decoded.
    has_ended: bool,
    /// The body may have at most [`Limits::max_body_bytes`].
    is_bounded: bool,
    /// The number of bytes that were decoded.
    decoded: u64,
}

impl Default for State {
    fn default() -> State {
        State::Head { decoder: HeadDecoder::default(), interim_responses: 0 }
    }
}

impl Decoder {
    /// A decoder for a new connection. It holds no memory until space is first requested.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Space for the next bytes, at least one byte; more for a body that arrives fast.
    pub fn space(&mut self, limits: &Limits) -> &mut [u8] {
        self.buffer.space(limits.max_buffer_bytes)
    }

    /// Reports that `length` bytes were put into [`Decoder::space`]. A `length` of 0 means that the
    /// connection has ended: an incomplete message is then an error.
    ///
    /// # Panics
    /// If `length` exceeds the size of that space.
    pub fn filled(&mut self, length: usize) {
        self.at_end_of_file |= length == 0;
        self.buffer.filled(length);
    }

    /// The number of bytes that are still to come and certainly belong to the body, if none is in the buffer.
    #[cfg(feature = "tokio")]
    pub(crate) fn expected_bytes(&self) -> u64 {
        match &self.state {
            State::Body(body) if self.buffer.is_empty() && !self.at_end_of_file => body.decoder.expected(),
            _ => 0,
        }
    }

    /// Reports that the next `length` bytes, at most [`Decoder::expected_bytes`], were received and stay outside of
    /// the buffer. The next piece stands for them.
    #[cfg(feature = "tokio")]
    pub(crate) fn filled_outside(&mut self, length: usize) {
        self.release();
        if let State::Body(body) = &mut self.state {
            body.decoder.skip(length as u64);
            body.decoded += length as u64;
            body.has_piece = true;
        }
    }

    /// The bytes that were received and not consumed: those of the next message, or of a tunnel.
    pub fn unread(&self) -> &[u8] {
        self.buffer.unread()
    }

    /// Discards the bytes that were received and not consumed. Within a head, another head begins. Within a body, the
    /// rest cannot be decoded any more: its end is unknown.
    pub fn discard_unread(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        self.buffer.consume(self.buffer.unread().len());
        let has_ended = self.has_ended();
        match &mut self.state {
            // The progress that it has kept counts in the discarded bytes.
            State::Head { decoder, .. } => *decoder = HeadDecoder::default(),
            State::Body(_) if !has_ended => self.state = State::Refused(Refusal::UnreadBody),
            State::Body(_) | State::Refused(_) => {}
        }
    }

    /// Removes and returns the bytes that were received and not consumed: the first bytes of a tunnel.
    pub fn take_unread(&mut self) -> Vec<u8> {
        let unread = self.buffer.unread().to_vec();
        self.discard_unread();
        unread
    }

    /// Releases the buffer's memory if the buffer is empty.
    pub fn release(&mut self) {
        self.piece = 0..0;
        self.buffer.release();
    }

    /// Whether the connection has ended: no more bytes will arrive.
    pub fn is_at_end_of_file(&self) -> bool {
        self.at_end_of_file
    }

    /// Whether the last message was decoded to its end, and neither a byte nor the end of the connection followed.
    pub fn is_clean(&self) -> bool {
        self.has_ended() && self.buffer.is_empty() && !self.at_end_of_file
    }

    /// Whether the last message was decoded to its end.
    pub fn has_ended(&self) -> bool {
        match &self.state {
            State::Body(body) => body.has_ended || body.decoder.is_empty(),
            State::Head { .. } | State::Refused(_) => false,
        }
    }

    /// Whether a byte of the next head was received. An empty line before it is skipped and does not count.
    pub fn has_started(&mut self) -> bool {
        if self.next_message().is_ok()
            && let State::Head { decoder, .. } = &mut self.state
        {
            decoder.skip_empty_line(&mut self.buffer);
        }
        !matches!(self.buffer.unread(), b"" | b"\r")
    }

    /// Returns the head of the next request, or `None` until it is complete. At the end of the connection,
    /// `None` means that no request follows: the connection ended between two messages.
    ///
    /// # Errors
    /// The rule that the request breaks. The request stays rejected, because the start of the next message is
    /// unknown. [`Refusal::IncompleteHead`] if the connection has ended within the head.
    /// [`Refusal::UnreadBody`] if the body of the last message was not decoded to its end: decode it, and
    /// call this function again.
    pub fn decode_request(&mut self, limits: &Limits) -> Result<Option<RequestHead>, Refusal> {
        self.next_message()?;
        let head = self.request_head(limits);
        self.refuse_on_error(head)
    }

    /// Returns the head of the next response, interim or final, or `None` until it is complete. At the end of
    /// the connection, `None` means that no byte of a response was received.
    ///
    /// # Errors
    /// As for [`Decoder::decode_request`]. [`Refusal::IncompleteHead`] also if the connection ended after an
    /// interim response.
    pub fn decode_response(
        &mut self,
        expected: Expected,
        limits: &Limits,
    ) -> Result<Option<ResponseHead>, Refusal> {
        self.next_message()?;
        let head = self.response_head(expected, limits);
        self.refuse_on_error(head)
    }

    /// Decodes the next piece of the body. The first call after a head never returns [`Decoded::NeedsMore`]:
    /// it returns the bytes that arrived with the head, possibly none, so that both can be forwarded
    /// together. If no head was decoded before, there is no body: [`Decoded::End`].
    ///
    /// # Errors
    /// The rule that the framing of the body breaks. The body stays rejected. [`Refusal::IncompleteBody`] if
    /// the connection has ended within the body, and all received bytes were decoded.
    pub fn decode_piece(&mut self, limits: &Limits) -> Result<Decoded, Refusal> {
        let decoded = self.body_piece(limits);
        self.refuse_on_error(decoded)
    }

    /// The piece that [`Decoder::decode_piece`] decoded. It keeps its bytes until the next call of
    /// [`Decoder::space`] or [`Decoder::release`].
    pub fn piece(&self) -> Piece<'_> {
        let bytes = self.buffer.at(self.piece.clone());
        match &self.state {
            State::Body(body) if body.has_ended => Piece::last(bytes).with_trailers(body.decoder.trailers()),
            _ => Piece::partial(bytes),
        }
    }

    /// Makes the one empty piece of a message without a body available again: such a message can be sent more
    /// than once.
    pub(crate) fn repeat_empty_body(&mut self) {
        if let State::Body(body) = &mut self.state
            && body.decoder.is_empty()
            && body.decoded == 0
        {
            body.has_piece = true;
            body.has_ended = false;
        }
    }
}
