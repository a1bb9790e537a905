//! Bytes in; heads and pieces of bodies out. All transitions of an incoming message are in this file.
//!
//! A message is: head, then its body piece by piece, the last of which says so. Interim responses are heads
//! without a body. Whoever edits this: nothing here may wait, and what is refused stays refused.

use std::ops::Range;

use crate::body::BodyDecoder;
use crate::buffer::ReadBuffer;
use crate::head::HeadDecoder;
use crate::names::Name;
use crate::{BodyFraming, Decoded, Expected, Limits, Piece, Refusal, RequestHead, ResponseHead};

/// Decodes the messages of one connection. It owns the bytes that came and were not consumed.
///
/// It does no I/O: fill [`Decoder::space`] and say so with [`Decoder::filled`], then ask for what has come.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: ReadBuffer,
    state: State,
    at_end_of_file: bool,
    /// Where the current piece lies in the buffer.
    piece: Range<usize>,
}

#[derive(Debug)]
enum State {
    /// `interim_responses`: those before this head.
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
    /// No piece was asked for yet.
    is_new: bool,
    /// The last piece was decoded.
    has_ended: bool,
    /// No more of it is taken than [`Limits::max_body_bytes`].
    is_bounded: bool,
    /// Bytes that were decoded.
    decoded: u64,
}

impl Default for State {
    fn default() -> State {
        State::Head { decoder: HeadDecoder::default(), interim_responses: 0 }
    }
}

impl Decoder {
    /// A decoder for a new connection; it holds no memory until bytes come.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Space for the next bytes, at least one; more for a body that comes fast.
    pub fn space(&mut self, limits: &Limits) -> &mut [u8] {
        self.buffer.space(limits.max_buffer_bytes)
    }

    /// Says that `length` bytes were put into [`Decoder::space`]. Without any, the connection has ended: an incomplete
    /// message is an error then.
    ///
    /// # Panics
    /// If there was not so much space.
    pub fn filled(&mut self, length: usize) {
        self.at_end_of_file |= length == 0;
        self.buffer.filled(length);
    }

    /// The bytes that came and were not consumed: of the next message, or of a tunnel.
    pub fn unread(&self) -> &[u8] {
        self.buffer.unread()
    }

    /// Throws away what came and was not consumed.
    pub fn discard_unread(&mut self) {
        self.buffer.consume(self.buffer.unread().len());
    }

    /// Takes out what came and was not consumed: the first bytes of a tunnel.
    pub fn take_unread(&mut self) -> Vec<u8> {
        let unread = self.buffer.unread().to_vec();
        self.discard_unread();
        unread
    }

    /// Gives the buffer's memory back if nothing is in it.
    pub fn release(&mut self) {
        self.piece = 0..0;
        self.buffer.release();
    }

    /// Whether the connection has ended: no more bytes will come.
    pub fn is_at_end_of_file(&self) -> bool {
        self.at_end_of_file
    }

    /// Whether the last message was decoded to its end, and nothing came after it.
    pub fn is_clean(&self) -> bool {
        self.has_ended() && self.buffer.is_empty() && !self.at_end_of_file
    }

    /// Whether the last message was decoded to its end: nothing of it is still to come.
    pub fn has_ended(&self) -> bool {
        match &self.state {
            State::Body(body) => body.has_ended || body.decoder.is_empty(),
            State::Head { .. } | State::Refused(_) => false,
        }
    }

    /// Whether a byte of the next head has come. An empty line before it is skipped, and is none.
    pub fn has_started(&mut self) -> bool {
        if self.next_message().is_ok()
            && let State::Head { decoder, .. } = &mut self.state
        {
            decoder.skip_empty_line(&mut self.buffer);
        }
        !matches!(self.buffer.unread(), b"" | b"\r")
    }

    /// The head of the next request; `None` until it is complete. At the end of the connection, `None` means that no
    /// request follows: the connection ended between two messages.
    ///
    /// # Errors
    /// The rule that the request breaks. It stays refused: where the next message starts is not known.
    /// [`Refusal::IncompleteHead`] if the connection has ended within the head. [`Refusal::UnreadBody`] if the body of
    /// the last message was not decoded to its end: decode it, and call this again.
    pub fn decode_request(&mut self, limits: &Limits) -> Result<Option<RequestHead>, Refusal> {
        self.next_message()?;
        let head = self.request_head(limits);
        self.refuse_on_error(head)
    }

    /// The head of the next response, interim or final; `None` until it is complete. At the end of the connection,
    /// `None` means that no byte of a response came.
    ///
    /// # Errors
    /// As [`Decoder::decode_request`]. [`Refusal::IncompleteHead`] also if the connection ended after an interim response.
    pub fn decode_response(
        &mut self,
        expected: Expected,
        limits: &Limits,
    ) -> Result<Option<ResponseHead>, Refusal> {
        self.next_message()?;
        let head = self.response_head(expected, limits);
        self.refuse_on_error(head)
    }

    /// The next piece of the body. The first call after a head never needs more: it gives what has come with
    /// the head, perhaps nothing, so that head and first bytes can be sent on together. Without a head before it, there
    /// is no body: [`Decoded::End`].
    ///
    /// # Errors
    /// The rule that the body's framing breaks. It stays refused. [`Refusal::IncompleteBody`] if the connection has ended
    /// within the body, and all that came of it was decoded.
    pub fn decode_piece(&mut self, limits: &Limits) -> Result<Decoded, Refusal> {
        let decoded = self.body_piece(limits);
        self.refuse_on_error(decoded)
    }

    /// The piece that [`Decoder::decode_piece`] found. It has its bytes until the next call of [`Decoder::space`] or
    /// [`Decoder::release`].
    pub fn piece(&self) -> Piece<'_> {
        let bytes = self.buffer.at(self.piece.clone());
        match &self.state {
            State::Body(body) if body.has_ended => Piece::last(bytes).with_trailers(body.decoder.trailers()),
            _ => Piece::partial(bytes),
        }
    }

    /// Gives the one empty piece of a message without a body again: such a message can be sent more than once.
    pub(crate) fn repeat_empty_body(&mut self) {
        if let State::Body(body) = &mut self.state
            && body.decoder.is_empty()
            && body.decoded == 0
        {
            body.is_new = true;
            body.has_ended = false;
        }
    }

    /// After a message that has ended, starts with the next.
    fn next_message(&mut self) -> Result<(), Refusal> {
        if self.has_ended() {
            self.state = State::default();
        }
        match self.state {
            State::Head { .. } => Ok(()),
            // Not an error of the message, so it is not kept: the body can still be decoded.
            State::Body(_) => Err(Refusal::UnreadBody),
            State::Refused(refusal) => Err(refusal),
        }
    }

    /// A head that is not complete: more of it may come, or none has begun.
    fn no_head<T>(&self, is_begun: bool) -> Result<Option<T>, Refusal> {
        // RFC 9112 section 8: a message that the end of the connection cut short is incomplete.
        match self.at_end_of_file && (is_begun || !matches!(self.buffer.unread(), b"" | b"\r")) {
            true => Err(Refusal::IncompleteHead),
            false => Ok(None),
        }
    }

    fn refuse_on_error<T>(&mut self, result: Result<T, Refusal>) -> Result<T, Refusal> {
        if let Err(refusal) = result {
            self.state = State::Refused(refusal);
        }
        result
    }

    fn request_head(&mut self, limits: &Limits) -> Result<Option<RequestHead>, Refusal> {
        let State::Head { decoder, .. } = &mut self.state else {
            return Ok(None);
        };
        let Some(head) = decoder.request(&mut self.buffer, limits)? else {
            return self.no_head(false);
        };
        self.start_body(head.framing(), true);
        Ok(Some(head))
    }

    fn response_head(
        &mut self,
        expected: Expected,
        limits: &Limits,
    ) -> Result<Option<ResponseHead>, Refusal> {
        let State::Head { decoder, interim_responses } = &mut self.state else {
            return Ok(None);
        };
        let Some(head) = decoder.response(&mut self.buffer, expected.response_to, limits)? else {
            let follows_interim = *interim_responses > 0;
            return self.no_head(follows_interim);
        };
        if head.is_interim() {
            // RFC 9110 section 15.2: any number may come. The bound ends an endless stream of a broken backend.
            if *interim_responses == limits.max_interim_responses {
                return Err(Refusal::TooManyInterimResponses);
            }
            *interim_responses += 1;
            *decoder = HeadDecoder::default();
            return Ok(Some(head));
        }
        // RFC 9110 section 15.2.2: 101 answers an Upgrade; without one the bytes after it have no meaning.
        if head.status() == 101 && !expected.upgrade {
            return Err(Refusal::SwitchedProtocolsUnasked);
        }
        // RFC 9110 section 15.2.2: it MUST name the protocol that is in effect from then on.
        if head.status() == 101 && !head.fields.has(Name::Upgrade) {
            return Err(Refusal::SwitchedProtocolsUnnamed);
        }
        self.start_body(head.framing(), false);
        Ok(Some(head))
    }

    fn start_body(&mut self, framing: BodyFraming, is_bounded: bool) {
        let decoder = BodyDecoder::new(framing);
        self.state = State::Body(Body { decoder, is_new: true, has_ended: false, is_bounded, decoded: 0 });
    }

    fn body_piece(&mut self, limits: &Limits) -> Result<Decoded, Refusal> {
        let body = match &mut self.state {
            State::Body(body) => body,
            State::Refused(refusal) => return Err(*refusal),
            State::Head { .. } => return Ok(Decoded::End),
        };
        if body.has_ended {
            return Ok(Decoded::End);
        }
        let start = self.buffer.start();
        let part = body.decoder.decode(self.buffer.unread_mut(), self.at_end_of_file, limits)?;
        self.buffer.consume(part.consumed);
        self.piece = start + part.content.start..start + part.content.end;
        body.decoded += self.piece.len() as u64;
        // RFC 9110 section 15.5.14: a body whose length was not announced is refused where it grows too large.
        if body.is_bounded && limits.max_body_bytes.is_some_and(|max| body.decoded > max) {
            return Err(Refusal::BodyTooLarge);
        }
        body.has_ended = part.end;
        if self.piece.is_empty() && !part.end && !body.is_new {
            // RFC 9112 section 8: a body that the end of the connection cut short is incomplete.
            return if self.at_end_of_file { Err(Refusal::IncompleteBody) } else { Ok(Decoded::NeedsMore) };
        }
        body.is_new = false;
        Ok(Decoded::Piece)
    }
}
