//! Finds the end of a head or a trailer section. Each byte is searched once, however the bytes arrive.
//!
//! The bounds on size and lines apply here, before parsing, so that a slow sender costs linear time.

use memchr::memchr;

use crate::limits::BareLineFeed;
use crate::{Limits, Refusal};

/// The progress of the search for the empty line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scanner {
    /// The number of bytes that were searched.
    scanned: usize,
    /// The start of the current line.
    line_start: usize,
    /// The number of complete lines before the current one, and the position of the LF of the first.
    lines: usize,
    first_line_end: usize,
}

/// A complete section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// Its length in bytes, the empty line included.
    pub(crate) length: usize,
    /// The number of its lines, the empty line not included.
    pub(crate) lines: usize,
    /// The position of the LF of its first line.
    pub(crate) first_line_end: usize,
}

impl Scanner {
    /// Whether nothing was scanned yet.
    pub(crate) fn is_new(&self) -> bool {
        self.scanned == 0
    }

    /// Scans `bytes`, which start at the start of the section and extend those of the last call.
    ///
    /// Returns `None` if the empty line has not arrived yet. `start_lines` is 1 in a head and 0 in a trailer
    /// section, which is part of the chunked framing and therefore never accepts LF alone.
    pub(crate) fn scan(
        &mut self,
        bytes: &[u8],
        start_lines: usize,
        limits: &Limits,
    ) -> Result<Option<Section>, Refusal> {
        while let Some(distance) = memchr(b'\n', &bytes[self.scanned..]) {
            let line_feed = self.scanned + distance;
            if line_feed >= limits.max_head_bytes {
                return Err(Refusal::HeadTooLarge);
            }
            let ends_with_crlf = line_feed > self.line_start && bytes[line_feed - 1] == b'\r';
            // RFC 9112 section 2.2: a recipient MAY accept LF alone as a line end, so it need not.
            let accepts_line_feed = start_lines > 0 && limits.bare_line_feed == BareLineFeed::Accept;
            if !ends_with_crlf && !accepts_line_feed {
                return Err(Refusal::BareLineFeed);
            }
            let line_end = if ends_with_crlf { line_feed - 1 } else { line_feed };
            if line_end == self.line_start {
                let section =
                    Section { length: line_feed + 1, lines: self.lines, first_line_end: self.first_line_end };
                return Ok(Some(section));
            }
            if self.lines == 0 {
                self.first_line_end = line_feed;
            }
            self.lines += 1;
            if self.lines > limits.max_fields.saturating_add(start_lines) {
                return Err(Refusal::TooManyFields);
            }
            self.scanned = line_feed + 1;
            self.line_start = self.scanned;
        }
        self.scanned = bytes.len();
        if self.scanned >= limits.max_head_bytes {
            return Err(Refusal::HeadTooLarge);
        }
        Ok(None)
    }
}
