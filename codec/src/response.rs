//! The head of a response: parsing one, making one, and what one can ask of it.

use crate::connection::ConnectionOptions;
use crate::reason::reason_phrase;
use crate::request::without_line_end;
use crate::span::Span;
use crate::{BodyFraming, FieldSection, Limits, Refusal, ResponseTo, Version, framing};

/// The head of a response (RFC 9112 section 4).
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// The fields, status line not included.
    pub fields: FieldSection,
    version: Version,
    status: u16,
    reason: Span,
    framing: BodyFraming,
    pub(crate) connection: ConnectionOptions,
}

impl ResponseHead {
    /// A response to send: `framing` says how its body is delimited, and writes the fields for it.
    pub fn new(status: u16, framing: BodyFraming) -> ResponseHead {
        let phrase = reason_phrase(status);
        let reason = Span::new(0..phrase.len());
        let fields = FieldSection::with_block(phrase);
        let connection = ConnectionOptions::default();
        ResponseHead { fields, version: Version::HTTP_1_1, status, reason, framing, connection }
    }

    /// The same response with a field line added.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> ResponseHead {
        self.fields.append(name, value);
        self
    }

    /// Makes a head of its parts, which belong together: the line is the first of the fields' block.
    pub(crate) fn of(
        line: StatusLine,
        fields: FieldSection,
        response_to: ResponseTo,
        limits: &Limits,
    ) -> Result<ResponseHead, Refusal> {
        let StatusLine { version, status, reason } = line;
        let connection = ConnectionOptions::of(&fields, limits)?;
        let framing = framing::of_response(response_to, version, status, &fields)?;
        Ok(ResponseHead { fields, version, status, reason, framing, connection })
    }

    /// The version that the response came in.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase: as it came, or the usual one of a response that was made here.
    pub fn reason(&self) -> &[u8] {
        self.reason.of(self.fields.block())
    }

    /// How the body is delimited. `Empty` after HEAD and for 1xx, 204 and 304, whatever the fields say.
    pub fn framing(&self) -> BodyFraming {
        self.framing
    }

    /// Whether this is an interim (1xx) response other than 101: another response follows
    /// (RFC 9110 section 15.2).
    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

/// A status line, by its places in the head that it begins.
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
        // RFC 9112 section 4: version SP three digits SP [ reason ]. Many servers leave out the last space.
        let (version, rest) = line.split_at_checked(VERSION_BYTES).ok_or(Refusal::InvalidStatusLine)?;
        let (status, reason) = match rest {
            [b' ', a, b, c] => ([*a, *b, *c], b"".as_slice()),
            [b' ', a, b, c, b' ', reason @ ..] => ([*a, *b, *c], reason),
            _ => return Err(Refusal::InvalidStatusLine),
        };
        let version = Version::parse(version).map_err(|_| Refusal::InvalidStatusLine)?;
        // RFC 9110 section 15: 100 to 599; a client treats a higher one as 500.
        let status = framing::decimal(&status)
            .and_then(|status| u16::try_from(status).ok())
            .filter(|&status| status >= 100)
            .ok_or(Refusal::InvalidStatusLine)?;
        let is_reason_byte = |&byte: &u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
        if !reason.iter().all(is_reason_byte) {
            return Err(Refusal::InvalidStatusLine);
        }
        Ok(StatusLine { version, status, reason: Span::new(line.len() - reason.len()..line.len()) })
    }
}

/// Whether these bytes may be the beginning of a status line.
pub(crate) fn may_begin(unread: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"HTTP/";
    let length = unread.len().min(BEGINNING.len());
    unread[..length] == BEGINNING[..length]
}

const VERSION_BYTES: usize = "HTTP/1.1".len();
