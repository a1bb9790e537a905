//! Finds the end of a head or a trailer section, looking at each byte once however it arrives.
//!
//! The bounds on size and lines act here, before anything is parsed, so that a slow sender costs linear time.

use memchr::memchr;

use crate::limits::BareLineFeed;
use crate::{Limits, Refusal};

/// Where the scan for the empty line stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scanner {
    /// Bytes that were looked at.
    scanned: usize,
    /// Where the current line starts.
    line_start: usize,
    /// Complete lines before the current one, and where the first ended.
    lines: usize,
    first_line_end: usize,
}

/// A complete section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// Its bytes, the empty line included.
    pub(crate) length: usize,
    /// Its lines, the empty line not included.
    pub(crate) lines: usize,
    /// Where its first line ends: the place of that line's LF.
    pub(crate) first_line_end: usize,
}

impl Scanner {
    /// Whether nothing was scanned yet.
    pub(crate) fn is_new(&self) -> bool {
        self.scanned == 0
    }

    /// Scans `bytes`, which start where the section starts, and are those of the last call and more.
    ///
    /// `None` if the empty line has not come yet. `start_lines` is 1 in a head and 0 in a trailer section, which is
    /// part of the chunked framing and so never accepts LF alone.
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
            // RFC 9112 section 2.2: a recipient MAY take LF alone for a line end, and so need not.
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
            if self.lines > limits.max_fields + start_lines {
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
