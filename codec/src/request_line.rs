//! Parses the request line (RFC 9112 section 3), also while it is incomplete.

use memchr::memchr;

use crate::span::Span;
use crate::target::Target;
use crate::token::is_token;
use crate::{Limits, Refusal, Version};

/// A request line, by its positions in the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine {
    pub(crate) method: Span,
    pub(crate) target: Target,
    pub(crate) version: Version,
    /// The position of its LF.
    pub(crate) end: usize,
}

/// The progress on an incomplete request line. Each byte is searched once, because a line that arrives byte
/// by byte would otherwise cost quadratic time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LineProgress {
    /// The number of bytes that were searched and contain no LF.
    searched: usize,
    /// The position of the last space among them; 0 if there is none.
    last_space: usize,
}

impl RequestLine {
    /// Parses the line that `head` begins with. Returns `None` if the line is incomplete. `head` must extend
    /// that of the last call with this `progress`.
    ///
    /// An incomplete line is checked too: a client that does not speak HTTP may never complete it.
    pub(crate) fn parse(
        head: &[u8],
        progress: &mut LineProgress,
        limits: &Limits,
    ) -> Result<Option<RequestLine>, Refusal> {
        // The scanner rejects what lies beyond. Checking it here would make the reported rule depend on how
        // the bytes arrive.
        let head = &head[..head.len().min(limits.max_head_bytes)];
        let searched = progress.searched;
        let new = &head[searched..];
        let line_feed = memchr(b'\n', new).map(|distance| searched + distance);
        progress.searched = line_feed.unwrap_or(head.len());
        if let Some(distance) = head[searched..progress.searched].iter().rposition(|&byte| byte == b' ') {
            progress.last_space = searched + distance;
        }
        if line_feed == Some(0) {
            // RFC 9112 section 2.2: this is an empty line that ends with LF alone.
            return Err(Refusal::BareLineFeed);
        }
        let line = without_line_end(&head[..progress.searched]);
        let end_of_method = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        if !line.is_empty() || line_feed.is_some() {
            check_method(&line[..end_of_method], limits)?;
        }
        // RFC 9112 section 3: only single spaces separate the three parts.
        let end_of_target = Some(progress.last_space).filter(|&end| end > end_of_method + 1);
        let target = end_of_method + 1..end_of_target.unwrap_or(line.len());
        if target.len() > limits.max_target_bytes {
            return Err(Refusal::TargetTooLong);
        }
        let Some(end) = line_feed else {
            return Ok(None);
        };
        let Some(end_of_target) = end_of_target else {
            return Err(Refusal::InvalidRequestLine);
        };
        let version = Version::parse(&line[end_of_target + 1..])?;
        let target = Target::parse(&line[..end_of_method], line, target)?;
        Ok(Some(RequestLine { method: Span::new(0..end_of_method), target, version, end }))
    }
}

fn check_method(method: &[u8], limits: &Limits) -> Result<(), Refusal> {
    // RFC 9112 section 3.1: the method is a token.
    if !is_token(&method[..method.len().min(limits.max_method_bytes)]) {
        return Err(Refusal::InvalidMethod);
    }
    if method.len() > limits.max_method_bytes { Err(Refusal::MethodTooLong) } else { Ok(()) }
}

/// A line without the CR of its line end.
pub(crate) fn without_line_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::{LineProgress, RequestLine};
    use crate::Limits;

    #[test]
    fn no_byte_of_a_request_line_is_searched_twice() {
        let progress = &mut LineProgress::default();
        let mut parse = |head: &[u8]| RequestLine::parse(head, progress, &Limits::DEFAULT);
        assert!(parse(b"GET /path HTTP").is_ok_and(|line| line.is_none()));
        // A byte that was searched is another now: who looks at it again finds the end of a line.
        assert!(parse(b"GET /path\nHTTP/1.1").is_ok_and(|line| line.is_none()));
        assert!(parse(b"GET /path HTTP/1.1\r\n").is_ok_and(|line| line.is_some()));
    }
}
