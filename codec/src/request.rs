//! The head of a request: parsing and accessors.

use std::fmt;

use memchr::memchr;

use crate::connection::ConnectionOptions;
use crate::names::Name;
use crate::span::Span;
use crate::target::{Target, TargetForm, is_host_and_port};
use crate::token::is_token;
use crate::{BodyFraming, FieldSection, Limits, Persistence, Refusal, Version, framing};

/// The head of a request (RFC 9112 section 3), valid in every respect that this codec checks.
#[derive(Clone)]
pub struct RequestHead {
    /// The fields, start line not included.
    pub fields: FieldSection,
    method: Span,
    target: Target,
    version: Version,
    framing: BodyFraming,
    pub(crate) connection: ConnectionOptions,
}

impl RequestHead {
    /// A request to send. Its version is HTTP/1.1, and `framing` delimits its body.
    ///
    /// # Errors
    /// [`Refusal`] if the method, the target or the host is invalid, or if a request cannot have this framing.
    pub fn new(method: &str, target: &str, host: &str, framing: BodyFraming) -> Result<RequestHead, Refusal> {
        if !is_host_and_port(host.as_bytes()) {
            return Err(Refusal::InvalidHost);
        }
        // RFC 9112 section 6.3, rule 7: a request without a length has no body.
        if framing == BodyFraming::CloseDelimited {
            return Err(Refusal::CloseDelimitedRequest);
        }
        let start_line = format!("{method} {target} HTTP/1.1\r\n");
        let block = format!("{start_line}Host: {host}\r\n\r\n").into_bytes();
        let limits = &Limits::DEFAULT;
        let progress = &mut LineProgress::default();
        let line = RequestLine::parse(&block, progress, limits)?.ok_or(Refusal::InvalidRequestLine)?;
        let fields = FieldSection::parse(block, line.end + 1, 1)?;
        Ok(RequestHead { framing, ..RequestHead::from_parts(line, fields, limits)? })
    }

    /// Makes a head of its parts. They belong together: `line` is the first line of the block of `fields`.
    pub(crate) fn from_parts(
        line: RequestLine,
        fields: FieldSection,
        limits: &Limits,
    ) -> Result<RequestHead, Refusal> {
        let RequestLine { method, target, version, .. } = line;
        check_host(version, &fields)?;
        let connection = ConnectionOptions::from_fields(&fields, limits)?;
        let framing = framing::of_request(version, &fields)?;
        // RFC 9110 section 15.5.14: a body whose announced length is too large is rejected before it is read.
        if let (BodyFraming::ContentLength(length), Some(max)) = (framing, limits.max_body_bytes)
            && length > max
        {
            return Err(Refusal::BodyTooLarge);
        }
        Ok(RequestHead { fields, method, target, version, framing, connection })
    }

    /// The method, case-sensitive (RFC 9110 section 9.1).
    pub fn method(&self) -> &str {
        text(self.method_bytes())
    }

    pub(crate) fn method_bytes(&self) -> &[u8] {
        self.method.slice(self.fields.block())
    }

    /// Whether the method is idempotent: the effect of several identical requests is that of one.
    ///
    /// A proxy may retry such a request on a new connection (RFC 9110 section 9.2.2) if it has no body
    /// ([`has_body`](RequestHead::has_body)), or if the body can be sent again. Returns `false` for an
    /// unknown method.
    pub fn is_idempotent(&self) -> bool {
        // RFC 9110 section 9.2.2: PUT, DELETE, and the safe methods of section 9.2.1.
        matches!(self.method_bytes(), b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE")
    }

    /// The request target as received.
    pub fn target(&self) -> &str {
        text(self.target.whole.slice(self.fields.block()))
    }

    /// The form of the request target.
    pub fn target_form(&self) -> TargetForm {
        self.target.form
    }

    /// The path of the target, without its query: `/` for an absolute-form target without a path.
    pub fn path(&self) -> &str {
        let path = text(self.target.path.slice(self.fields.block()));
        if path.is_empty() { "/" } else { path }
    }

    /// Path and query as in the target. In absolute-form, the path may be missing.
    pub fn path_and_query(&self) -> &str {
        text(self.path_and_query_bytes())
    }

    pub(crate) fn path_and_query_bytes(&self) -> &[u8] {
        self.target.path_and_query.slice(self.fields.block())
    }

    /// The host (and port) that the request is for: from an absolute-form target, otherwise from `Host`
    /// (RFC 9112 section 3.2.2). `None` only in HTTP/1.0.
    pub fn authority(&self) -> Option<&[u8]> {
        self.authority_span().map(|span| span.slice(self.fields.block()))
    }

    /// The position of the authority in the block of the head.
    pub(crate) fn authority_span(&self) -> Option<Span> {
        match self.target.form {
            TargetForm::Absolute => Some(self.target.authority),
            _ => self.fields.spans(Name::Host).next(),
        }
    }

    /// The version of the request.
    pub fn version(&self) -> Version {
        self.version
    }

    /// How the body is delimited.
    pub fn framing(&self) -> BodyFraming {
        self.framing
    }

    /// Whether a body with at least one byte may follow.
    pub fn has_body(&self) -> bool {
        !matches!(self.framing, BodyFraming::Empty | BodyFraming::ContentLength(0))
    }

    /// Whether the client keeps the connection open after this exchange, according to its version and
    /// `Connection` (RFC 9112 section 9.3).
    pub fn persistence(&self) -> Persistence {
        Persistence::from_options(self.version, self.connection)
    }
}

impl PartialEq for RequestHead {
    fn eq(&self, other: &RequestHead) -> bool {
        let parts = |head: &RequestHead| (head.version, head.framing, head.connection);
        parts(self) == parts(other)
            && self.method() == other.method()
            && self.target() == other.target()
            && self.fields == other.fields
    }
}

impl Eq for RequestHead {}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method())
            .field("target", &self.target())
            .field("version", &self.version)
            .field("framing", &self.framing)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

/// A request line, by its positions in the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine {
    method: Span,
    target: Target,
    version: Version,
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

/// RFC 9112 section 3.2: 400 if an HTTP/1.1 request has no Host, if there are several, or if Host is invalid.
fn check_host(version: Version, fields: &FieldSection) -> Result<(), Refusal> {
    let mut hosts = fields.values(Name::Host);
    match (hosts.next(), hosts.next()) {
        (None, _) if version >= Version::HTTP_1_1 => Err(Refusal::MissingHost),
        (None, _) => Ok(()),
        (Some(_), Some(_)) => Err(Refusal::SeveralHosts),
        (Some(host), None) if is_host_and_port(host) => Ok(()),
        _ => Err(Refusal::InvalidHost),
    }
}

/// A line without the CR of its line end.
pub(crate) fn without_line_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Converts bytes that were checked to be ASCII when the head was parsed.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{LineProgress, RequestHead, RequestLine};
    use crate::{BodyFraming, Limits};

    #[test]
    fn no_byte_of_a_request_line_is_searched_twice() {
        let progress = &mut LineProgress::default();
        let mut parse = |head: &[u8]| RequestLine::parse(head, progress, &Limits::DEFAULT);
        assert!(parse(b"GET /path HTTP").is_ok_and(|line| line.is_none()));
        // A byte that was searched is another now: who looks at it again finds the end of a line.
        assert!(parse(b"GET /path\nHTTP/1.1").is_ok_and(|line| line.is_none()));
        assert!(parse(b"GET /path HTTP/1.1\r\n").is_ok_and(|line| line.is_some()));
    }

    #[test]
    fn put_delete_and_safe_methods_are_idempotent() {
        // RFC 9110 sections 9.2.1 and 9.2.2; section 9.1: a method is case-sensitive.
        let is_idempotent = |method| {
            RequestHead::new(method, "/", "example.org", BodyFraming::Empty).map(|head| head.is_idempotent())
        };
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
            assert_eq!(is_idempotent(method), Ok(true), "{method}");
        }
        for method in ["POST", "PATCH", "get", "Put", "GETS", "BREW"] {
            assert_eq!(is_idempotent(method), Ok(false), "{method}");
        }
    }
}
