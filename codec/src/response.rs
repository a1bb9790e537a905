//! The head of a response: parsing, construction and accessors.

use std::fmt;

use crate::connection::ConnectionOptions;
use crate::reason::reason_phrase;
use crate::request_line::without_line_end;
use crate::span::Span;
use crate::token::is_control;
use crate::{BodyFraming, FieldSection, Limits, Persistence, Refusal, ResponseTo, Version, framing};

/// The head of a response (RFC 9112 section 4).
#[derive(Clone)]
pub struct ResponseHead {
    /// The fields, status line not included. Replacing them also replaces a received reason phrase by the usual one.
    pub fields: FieldSection,
    version: Version,
    status: u16,
    /// The position of the reason phrase in the start line, which the block of `fields` begins with.
    reason: Span,
    start_line_bytes: u32,
    framing: BodyFraming,
    pub(crate) connection: ConnectionOptions,
}

impl ResponseHead {
    /// A response to send, with a status that is fixed in the program. `framing` says how its body is
    /// delimited; the encoder writes the fields for it. For other statuses, use
    /// [`try_new`](ResponseHead::try_new).
    ///
    /// # Panics
    /// If the status is not one of 100 to 599 (RFC 9110 section 15).
    pub fn new(status: u16, framing: BodyFraming) -> ResponseHead {
        match ResponseHead::try_new(status, framing) {
            Ok(head) => head,
            Err(_) => panic!("not a status code: {status}"),
        }
    }

    /// A response to send, with a status from outside the program.
    ///
    /// # Errors
    /// [`Refusal::InvalidStatus`] if the status is not one of 100 to 599 (RFC 9110 section 15).
    pub fn try_new(status: u16, framing: BodyFraming) -> Result<ResponseHead, Refusal> {
        if !(100..=599).contains(&status) {
            return Err(Refusal::InvalidStatus);
        }
        let phrase = reason_phrase(status);
        let reason = Span::new(0..phrase.len());
        let fields = FieldSection::with_block(phrase);
        let start_line_bytes = fields.start_line_bytes();
        let (version, connection) = (Version::HTTP_1_1, ConnectionOptions::default());
        Ok(ResponseHead { fields, version, status, reason, start_line_bytes, framing, connection })
    }

    /// The same response with a field line [added](FieldSection::append).
    ///
    /// # Panics
    /// If the name is not a token (RFC 9110 section 5.1).
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> ResponseHead {
        self.fields.append(name, value);
        self
    }

    /// Makes a head of its parts. They belong together: `line` is the first line of the block of `fields`.
    pub(crate) fn from_parts(
        line: StatusLine,
        fields: FieldSection,
        response_to: ResponseTo,
        limits: &Limits,
    ) -> Result<ResponseHead, Refusal> {
        let StatusLine { version, status, reason } = line;
        let connection = ConnectionOptions::from_fields(&fields, limits)?;
        let framing = framing::of_response(response_to, version, status, &fields)?;
        let start_line_bytes = fields.start_line_bytes();
        Ok(ResponseHead { fields, version, status, reason, start_line_bytes, framing, connection })
    }

    /// The version of the response.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase: as received, or the usual one if the response was made here.
    pub fn reason(&self) -> &[u8] {
        match self.fields.start_line(self.start_line_bytes) {
            Some(line) => self.reason.slice(line),
            None => reason_phrase(self.status).as_bytes(),
        }
    }

    /// How the body is delimited. `Empty` after HEAD and for 1xx, 204 and 304, whatever the fields say.
    pub fn framing(&self) -> BodyFraming {
        self.framing
    }

    /// Whether the backend keeps the connection open after this response, according to its version, its
    /// framing and `Connection` (RFC 9112 section 9.3).
    pub fn persistence(&self, response_to: ResponseTo) -> Persistence {
        Persistence::after(self, response_to)
    }

    /// Whether this is an interim (1xx) response other than 101: another response follows
    /// (RFC 9110 section 15.2).
    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

impl PartialEq for ResponseHead {
    fn eq(&self, other: &ResponseHead) -> bool {
        let parts = |head: &ResponseHead| (head.version, head.status, head.framing, head.connection);
        parts(self) == parts(other) && self.reason() == other.reason() && self.fields == other.fields
    }
}

impl Eq for ResponseHead {}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("version", &self.version)
            .field("status", &self.status)
            .field("reason", &String::from_utf8_lossy(self.reason()))
            .field("framing", &self.framing)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

/// A status line, by its positions in the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatusLine {
    version: Version,
    status: u16,
    reason: Span,
}

impl StatusLine {
    /// Parses a complete line, given without its LF.
    pub(crate) fn parse(line: &[u8]) -> Result<StatusLine, Refusal> {
        let line = without_line_end(line);
        // RFC 9112 section 4: version SP three digits SP [ reason ]. Many servers omit the last space.
        let (version, rest) = line.split_at_checked(VERSION_BYTES).ok_or(Refusal::InvalidStatusLine)?;
        let (status, reason) = match rest {
            [b' ', a, b, c] => ([*a, *b, *c], b"".as_slice()),
            [b' ', a, b, c, b' ', reason @ ..] => ([*a, *b, *c], reason),
            _ => return Err(Refusal::InvalidStatusLine),
        };
        let version = Version::parse(version).map_err(|_| Refusal::InvalidStatusLine)?;
        // RFC 9110 section 15: 100 to 599. A higher status is accepted, because a client treats it as 500.
        let status = framing::decimal(&status)
            .and_then(|status| u16::try_from(status).ok())
            .filter(|&status| status >= 100)
            .ok_or(Refusal::InvalidStatusLine)?;
        // RFC 9112 section 4: a reason phrase consists of the bytes of a field value.
        if reason.iter().any(|&byte| is_control(byte)) {
            return Err(Refusal::InvalidStatusLine);
        }
        Ok(StatusLine { version, status, reason: Span::new(line.len() - reason.len()..line.len()) })
    }
}

/// Whether these bytes can begin a status line.
pub(crate) fn may_begin(unread: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"HTTP/";
    let length = unread.len().min(BEGINNING.len());
    unread[..length] == BEGINNING[..length]
}

const VERSION_BYTES: usize = "HTTP/1.1".len();
