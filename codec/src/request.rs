//! The head of a request: construction and accessors.

use std::fmt;

use crate::connection::ConnectionOptions;
use crate::names::Name;
use crate::request_line::{LineProgress, RequestLine};
use crate::span::Span;
use crate::target::{Target, TargetForm, is_host_and_port};
use crate::{BodyFraming, FieldSection, Limits, Persistence, Refusal, Version, framing};

/// The head of a request (RFC 9112 section 3), valid in every respect that this codec checks.
#[derive(Clone)]
pub struct RequestHead {
    /// The fields, start line not included. Change them in place: the request line is stored with them, so a request
    /// whose fields are replaced by those of another message panics when its method or target is read.
    pub fields: FieldSection,
    start_line_bytes: u32,
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
        let start_line_bytes = fields.start_line_bytes();
        Ok(RequestHead { fields, start_line_bytes, method, target, version, framing, connection })
    }

    /// The request line, which the positions of method and target count in.
    fn line(&self) -> &[u8] {
        match self.fields.start_line(self.start_line_bytes) {
            Some(line) => line,
            None => panic!("the fields of a request were replaced: change them in place"),
        }
    }

    /// The method, case-sensitive (RFC 9110 section 9.1).
    pub fn method(&self) -> &str {
        text(self.method_bytes())
    }

    pub(crate) fn method_bytes(&self) -> &[u8] {
        self.method.slice(self.line())
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
        text(self.target.whole.slice(self.line()))
    }

    /// The form of the request target.
    pub fn target_form(&self) -> TargetForm {
        self.target.form
    }

    /// The path of the target, without its query: `/` for an absolute-form target without a path.
    pub fn path(&self) -> &str {
        let path = text(self.target.path.slice(self.line()));
        if path.is_empty() { "/" } else { path }
    }

    /// Path and query as in the target. In absolute-form, the path may be missing.
    pub fn path_and_query(&self) -> &str {
        text(self.path_and_query_bytes())
    }

    pub(crate) fn path_and_query_bytes(&self) -> &[u8] {
        self.target.path_and_query.slice(self.line())
    }

    /// The host (and port) that the request is for: from an absolute-form target, otherwise from `Host`
    /// (RFC 9112 section 3.2.2). `None` only in HTTP/1.0.
    pub fn authority(&self) -> Option<&[u8]> {
        match self.target.form {
            TargetForm::Absolute => Some(self.target.authority.slice(self.line())),
            _ => self.fields.values(Name::Host).next(),
        }
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

/// Converts bytes that were checked to be ASCII when the head was parsed.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::RequestHead;
    use crate::BodyFraming;

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
