//! Decodes heads. A head that has arrived completely is parsed in place; any other is first scanned for its end.
//!
//! Invariant: both paths accept the same heads and report the same `Refusal`, because the arrival of the
//! bytes decides which path a head takes.

use memchr::memchr;

use crate::buffer::ReadBuffer;
use crate::fields::{block_of, parse_at_once};
use crate::request::RequestHead;
use crate::request_line::{LineProgress, RequestLine};
use crate::response::{self, ResponseHead, StatusLine};
use crate::scanner::{Scanner, Section};
use crate::{FieldSection, Limits, Refusal, ResponseTo};

/// Decodes a head, and keeps its progress between calls.
#[derive(Debug, Default)]
pub(crate) struct HeadDecoder {
    scanner: Scanner,
    line_progress: LineProgress,
    /// The request line, if it was complete before the head was. Usually both arrive at once.
    request_line: Option<Box<RequestLine>>,
    skipped_empty_line: bool,
}

impl HeadDecoder {
    /// RFC 9112 section 2.2: at least one CRLF before the request line is ignored. Ignoring one is enough.
    pub(crate) fn skip_empty_line(&mut self, buffer: &mut ReadBuffer) {
        if !self.skipped_empty_line && buffer.unread().starts_with(b"\r\n") {
            self.skipped_empty_line = true;
            buffer.consume(2);
        }
    }

    /// Removes the head of a request from the buffer. Returns `None` until the head is complete.
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
        // Input that is not HTTP is rejected at once, without waiting for an empty line.
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
        // A head is complete only with its start line.
        let Some(line) = new_line.or(self.request_line.as_deref().copied()) else {
            return Ok(None);
        };
        RequestHead::from_parts(line, fields, limits).map(Some)
    }

    /// Removes the head of a response from the buffer. Returns `None` until the head is complete.
    pub(crate) fn response(
        &mut self,
        buffer: &mut ReadBuffer,
        response_to: ResponseTo,
        limits: &Limits,
    ) -> Result<Option<ResponseHead>, Refusal> {
        if !response::may_begin(buffer.unread()) {
            // RFC 9112 section 4: input in another protocol is rejected without waiting for more.
            return Err(Refusal::InvalidStatusLine);
        }
        let Some((line_end, fields)) = take_whole(buffer, &mut self.scanner, limits)? else {
            return Ok(None);
        };
        let line = StatusLine::parse(&fields.block()[..line_end])?;
        ResponseHead::from_parts(line, fields, response_to, limits).map(Some)
    }
}

/// Removes a complete head from the buffer. Returns the position of its first LF, and its fields.
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
        return Ok(Some((line_end, FieldSection::of_parsed(block, line_end + 1, parsed))));
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
