//! Heads, as they come in: one that has come whole is parsed where it lies, any other is scanned for its end first.
//!
//! Whoever edits this: the two ways must not differ in what they take, or in the rule that they name. Which of them a
//! head goes is up to how its bytes arrive.

use memchr::memchr;

use crate::buffer::ReadBuffer;
use crate::fields::{block_of, parse_at_once};
use crate::request::{LineProgress, RequestHead, RequestLine};
use crate::response::{self, ResponseHead, StatusLine};
use crate::scanner::{Scanner, Section};
use crate::{FieldSection, Limits, Refusal, ResponseTo};

/// Decodes a head, and remembers how far it has come.
#[derive(Debug, Default)]
pub(crate) struct HeadDecoder {
    scanner: Scanner,
    line_progress: LineProgress,
    /// The request line, if it was complete before the head was: mostly they come at once.
    request_line: Option<Box<RequestLine>>,
    skipped_empty_line: bool,
}

impl HeadDecoder {
    /// RFC 9112 section 2.2: at least one CRLF before the request line is ignored; more is not needed.
    pub(crate) fn skip_empty_line(&mut self, buffer: &mut ReadBuffer) {
        if !self.skipped_empty_line && buffer.unread().starts_with(b"\r\n") {
            self.skipped_empty_line = true;
            buffer.consume(2);
        }
    }

    /// Takes the head of a request; `None` until it has come whole.
    pub(crate) fn request(
        &mut self,
        buffer: &mut ReadBuffer,
        limits: &Limits,
    ) -> Result<Option<RequestHead>, Refusal> {
        self.skip_empty_line(buffer);
        let unread = buffer.unread();
        if unread.starts_with(b"\r\n") {
            return Err(Refusal::EmptyLines);
        }
        if unread == b"\r" {
            return Ok(None);
        }
        // What is not HTTP at all is answered at once, and not when an empty line comes.
        let new_line = match self.request_line {
            Some(_) => None,
            None => RequestLine::parse(unread, &mut self.line_progress, limits)?,
        };
        let Some((_, fields)) = take_whole(buffer, &mut self.scanner, limits)? else {
            if let Some(line) = new_line {
                self.request_line = Some(Box::new(line));
            }
            return Ok(None);
        };
        // Whole is a head only with its line.
        let Some(line) = new_line.or(self.request_line.as_deref().copied()) else {
            return Ok(None);
        };
        RequestHead::of(line, fields, limits).map(Some)
    }

    /// Takes the head of a response; `None` until it has come whole.
    pub(crate) fn response(
        &mut self,
        buffer: &mut ReadBuffer,
        response_to: ResponseTo,
        limits: &Limits,
    ) -> Result<Option<ResponseHead>, Refusal> {
        if !response::may_begin(buffer.unread()) {
            // RFC 9112 section 4: what speaks another protocol is not waited for.
            return Err(Refusal::InvalidStatusLine);
        }
        let Some((line_end, fields)) = take_whole(buffer, &mut self.scanner, limits)? else {
            return Ok(None);
        };
        let line = StatusLine::parse(&fields.block()[..line_end])?;
        ResponseHead::of(line, fields, response_to, limits).map(Some)
    }
}

/// Takes a head out of the buffer once it is whole: the place of its first LF, and its fields.
fn take_whole(
    buffer: &mut ReadBuffer,
    scanner: &mut Scanner,
    limits: &Limits,
) -> Result<Option<(usize, FieldSection)>, Refusal> {
    let unread = buffer.unread();
    if scanner.is_new()
        && let Some(line_end) = memchr(b'\n', unread)
        && let Some(parsed) = parse_at_once(unread, line_end + 1, limits)
    {
        let block = take(buffer, parsed.end);
        return Ok(Some((line_end, FieldSection::of_parsed(block, parsed))));
    }
    let Some(Section { length, lines, first_line_end }) = scanner.scan(unread, 1, limits)? else {
        return Ok(None);
    };
    let fields = FieldSection::parse(take(buffer, length), first_line_end + 1, lines - 1)?;
    Ok(Some((first_line_end, fields)))
}

fn take(buffer: &mut ReadBuffer, length: usize) -> Vec<u8> {
    let block = block_of(&buffer.unread()[..length]);
    buffer.consume(length);
    block
}
