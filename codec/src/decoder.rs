//! Bytes in; heads and pieces of bodies out. All transitions of an incoming message are in this file.
//!
//! A message is: head, then its body piece by piece, the last of which says so. Interim responses are heads
//! without a body. Whoever edits this: nothing here may wait, and what is refused stays refused.

use std::ops::Range;

use memchr::memchr;

use crate::body::BodyDecoder;
use crate::buffer::ReadBuffer;
use crate::fields::{block_of, parse_at_once};
use crate::names::Name;
use crate::request::{LineProgress, RequestHead, RequestLine};
use crate::response::{self, ResponseHead, StatusLine};
use crate::scanner::{Scanner, Section};
use crate::{BodyFraming, FieldSection, Limits, Piece, Refusal, ResponseTo};

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
    Head(HeadState),
    Body { decoder: BodyDecoder, is_new: bool, has_ended: bool, is_bounded: bool, decoded: u64 },
    Refused(Refusal),
}

/// How far a head has come.
#[derive(Debug, Default)]
struct HeadState {
    scanner: Scanner,
    line_progress: LineProgress,
    /// The request line, if it was complete before the head was: mostly they come at once.
    request_line: Option<Box<RequestLine>>,
    skipped_empty_line: bool,
    /// Interim responses before this head.
    interim_responses: u32,
}

impl Default for State {
    fn default() -> State {
        State::Head(HeadState::default())
    }
}

/// What has come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A piece: [`Decoder::piece`] lends it.
    Piece,
    /// Nothing yet: more bytes are needed.
    NeedsMore,
    /// Nothing more: the last piece was decoded before.
    End,
}

/// What a response is an answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Whether the request was HEAD.
    pub response_to: ResponseTo,
    /// Whether the request offered to switch protocols.
    pub upgrade: bool,
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

    /// Says that `length` bytes were put into [`Decoder::space`]; 0 is the end of the connection.
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

    /// Takes out the bytes that came and were not consumed: what comes first in a tunnel.
    pub fn take_unread(&mut self) -> Vec<u8> {
        let unread = self.buffer.unread().to_vec();
        self.discard_unread();
        unread
    }

    /// Gives the buffer's memory back if nothing is in it.
    pub fn release(&mut self) {
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
            State::Body { decoder, has_ended, .. } => *has_ended || decoder.is_empty(),
            State::Head(_) | State::Refused(_) => false,
        }
    }

    /// Whether a byte of the next head has come. An empty line before it is skipped, and is none.
    pub fn has_started(&mut self) -> bool {
        if self.next_message().is_ok() {
            self.skip_empty_line();
        }
        !matches!(self.buffer.unread(), b"" | b"\r")
    }

    /// The head of the next request; `None` until it has come whole.
    ///
    /// # Errors
    /// The rule that the request breaks. It stays refused: where the next message starts is not known.
    pub fn decode_request(&mut self, limits: &Limits) -> Result<Option<RequestHead>, Refusal> {
        self.next_message()?;
        let head = self.request_head(limits);
        self.refuse_on_error(head)
    }

    /// The head of the next response, interim or final; `None` until it has come whole.
    ///
    /// # Errors
    /// The rule that the response breaks. It stays refused.
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
    /// the head, perhaps nothing, so that head and first bytes can be sent on together.
    ///
    /// # Errors
    /// The rule that the body's framing breaks. It stays refused.
    pub fn decode_piece(&mut self, limits: &Limits) -> Result<Decoded, Refusal> {
        let decoded = self.body_piece(limits);
        self.refuse_on_error(decoded)
    }

    /// The piece that [`Decoder::decode_piece`] found.
    pub fn piece(&self) -> Piece<'_> {
        let bytes = self.buffer.at(self.piece.clone());
        match &self.state {
            State::Body { decoder, has_ended: true, .. } => {
                Piece::last(bytes).with_trailers(decoder.trailers())
            }
            _ => Piece::partial(bytes),
        }
    }

    /// Gives the one empty piece of a message without a body again: such a message can be sent more than once.
    pub(crate) fn repeat_empty_body(&mut self) {
        if let State::Body { decoder, is_new, has_ended, decoded: 0, .. } = &mut self.state
            && decoder.is_empty()
        {
            *is_new = true;
            *has_ended = false;
        }
    }

    /// After a message that has ended, starts with the next.
    fn next_message(&mut self) -> Result<(), Refusal> {
        if let State::Refused(refusal) = self.state {
            return Err(refusal);
        }
        if self.has_ended() {
            self.state = State::default();
        }
        Ok(())
    }

    /// RFC 9112 section 2.2: at least one CRLF before the request line is ignored; more is not needed.
    fn skip_empty_line(&mut self) {
        if let State::Head(HeadState { skipped_empty_line, .. }) = &mut self.state
            && !*skipped_empty_line
            && self.buffer.unread().starts_with(b"\r\n")
        {
            *skipped_empty_line = true;
            self.buffer.consume(2);
        }
    }

    fn refuse_on_error<T>(&mut self, result: Result<T, Refusal>) -> Result<T, Refusal> {
        if let Err(refusal) = result {
            self.state = State::Refused(refusal);
        }
        result
    }

    fn request_head(&mut self, limits: &Limits) -> Result<Option<RequestHead>, Refusal> {
        self.skip_empty_line();
        let State::Head(HeadState { scanner, line_progress, request_line, .. }) = &mut self.state else {
            return Ok(None);
        };
        let unread = self.buffer.unread();
        if unread.starts_with(b"\r\n") {
            return Err(Refusal::EmptyLines);
        }
        if unread == b"\r" {
            return Ok(None);
        }
        // What is not HTTP at all is answered at once, and not when an empty line comes.
        let line = match request_line {
            Some(line) => Some(**line),
            None => RequestLine::parse(unread, line_progress, limits)?,
        };
        let at_once = line.as_ref().filter(|_| scanner.is_new());
        let fields =
            if let Some(parsed) = at_once.and_then(|line| parse_at_once(unread, line.end + 1, limits)) {
                FieldSection::of_parsed(self.take(parsed.end), parsed)
            } else {
                let section = scanner.scan(unread, 1, limits)?;
                let (Some(line), Some(section)) = (&line, section) else {
                    if request_line.is_none() {
                        *request_line = line.map(Box::new);
                    }
                    return Ok(None);
                };
                FieldSection::parse(self.take(section.length), line.end + 1, section.lines - 1)?
            };
        let Some(line) = line else {
            return Ok(None);
        };
        let head = RequestHead::of(line, fields, limits)?;
        self.start_body(head.framing(), true);
        Ok(Some(head))
    }

    fn response_head(
        &mut self,
        expected: Expected,
        limits: &Limits,
    ) -> Result<Option<ResponseHead>, Refusal> {
        let State::Head(HeadState { scanner, interim_responses, .. }) = &mut self.state else {
            return Ok(None);
        };
        let unread = self.buffer.unread();
        if !response::may_begin(unread) {
            // RFC 9112 section 4: what speaks another protocol is not waited for.
            return Err(Refusal::InvalidStatusLine);
        }
        let interim_responses = *interim_responses;
        let at_once = || {
            let end = memchr(b'\n', unread).filter(|_| scanner.is_new())?;
            let line = StatusLine::parse(&unread[..end]).ok()?;
            Some((line, parse_at_once(unread, end + 1, limits)?))
        };
        let (line, fields) = if let Some((line, parsed)) = at_once() {
            (line, FieldSection::of_parsed(self.take(parsed.end), parsed))
        } else {
            let Some(Section { length, lines, first_line_end }) = scanner.scan(unread, 1, limits)? else {
                return Ok(None);
            };
            let block = self.take(length);
            let line = StatusLine::parse(&block[..first_line_end])?;
            (line, FieldSection::parse(block, first_line_end + 1, lines - 1)?)
        };
        let head = ResponseHead::of(line, fields, expected.response_to, limits)?;
        if head.is_interim() {
            // RFC 9110 section 15.2: any number may come; a bound keeps a broken backend from going on for ever.
            if interim_responses == limits.max_interim_responses {
                return Err(Refusal::TooManyInterimResponses);
            }
            let interim_responses = interim_responses + 1;
            self.state = State::Head(HeadState { interim_responses, ..HeadState::default() });
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

    fn take(&mut self, length: usize) -> Vec<u8> {
        let block = block_of(&self.buffer.unread()[..length]);
        self.buffer.consume(length);
        block
    }

    /// `is_bounded`: no more of it is taken than [`Limits::max_body_bytes`].
    fn start_body(&mut self, framing: BodyFraming, is_bounded: bool) {
        let decoder = BodyDecoder::new(framing);
        self.state = State::Body { decoder, is_new: true, has_ended: false, is_bounded, decoded: 0 };
    }

    fn body_piece(&mut self, limits: &Limits) -> Result<Decoded, Refusal> {
        let (decoder, is_new, has_ended, is_bounded, decoded) = match &mut self.state {
            State::Body { decoder, is_new, has_ended, is_bounded, decoded } => {
                (decoder, is_new, has_ended, is_bounded, decoded)
            }
            State::Refused(refusal) => return Err(*refusal),
            State::Head(_) => return Ok(Decoded::NeedsMore),
        };
        if *has_ended {
            return Ok(Decoded::End);
        }
        let start = self.buffer.start();
        let part = decoder.decode(self.buffer.unread_mut(), self.at_end_of_file, limits)?;
        self.buffer.consume(part.consumed);
        self.piece = start + part.content.start..start + part.content.end;
        *decoded += self.piece.len() as u64;
        // RFC 9110 section 15.5.14: a body whose length was not announced is refused where it grows too large.
        if *is_bounded && limits.max_body_bytes.is_some_and(|max| *decoded > max) {
            return Err(Refusal::BodyTooLarge);
        }
        *has_ended = part.end;
        if self.piece.is_empty() && !part.end && !*is_new {
            return Ok(Decoded::NeedsMore);
        }
        *is_new = false;
        Ok(Decoded::Piece)
    }
}
