//! How the body of a message is delimited: RFC 9112 section 6.3, one function per role, its rules in the RFC's order.
//!
//! These functions decide; `body.rs` applies the decision.
//!
//! Invariant: a request with ambiguous framing is rejected. Request smuggling needs two recipients that frame
//! one request differently. In doubt, reject.

use crate::names::Name;
use crate::{FieldSection, Refusal, ResponseTo, Version};

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyFraming {
    /// There is no body, whatever the fields say.
    Empty,
    /// As many bytes as `Content-Length` says; may be 0.
    ContentLength(u64),
    /// The chunked transfer coding, trailer section included.
    Chunked,
    /// All bytes until the connection is closed; responses only.
    CloseDelimited,
}

/// The framing of a request's body (RFC 9112 section 6.3).
pub(crate) fn of_request(version: Version, fields: &FieldSection) -> Result<BodyFraming, Refusal> {
    // RFC 9112 section 6.3, rule 3: a message with both fields may be an attack by smuggling, and "ought to
    // be handled as an error". RFC 9112 section 6.3, rule 4: in a request, chunked must be the last transfer
    // coding.
    if chunked(version, fields)? {
        return match fields.has(Name::ContentLength) {
            true => Err(Refusal::ContentLengthWithTransferEncoding),
            false => Ok(BodyFraming::Chunked),
        };
    }
    // RFC 9112 section 6.3, rules 5 and 6: Content-Length, if it is valid; rule 7: otherwise a request has no body.
    Ok(content_length(fields)?.map_or(BodyFraming::Empty, BodyFraming::ContentLength))
}

/// The framing of a final response's body (RFC 9112 section 6.3).
pub(crate) fn of_response(
    response_to: ResponseTo,
    version: Version,
    status: u16,
    fields: &FieldSection,
) -> Result<BodyFraming, Refusal> {
    // RFC 9112 section 6.3, rule 1: no body after HEAD, nor with 1xx, 204 and 304. Rule 2 is about CONNECT,
    // which is never forwarded.
    if has_no_body(response_to, status) {
        return Ok(BodyFraming::Empty);
    }
    // RFC 9112 section 6.3, rules 3 and 4: Transfer-Encoding overrides Content-Length, which is not
    // forwarded. Chunked is decoded here, so an inner coding cannot be forwarded and is rejected.
    if chunked(version, fields)? {
        return Ok(BodyFraming::Chunked);
    }
    // RFC 9112 section 6.3, rules 5 and 6: Content-Length; rule 8: otherwise all bytes until the connection is closed.
    Ok(content_length(fields)?.map_or(BodyFraming::CloseDelimited, BodyFraming::ContentLength))
}

/// Whether a response ends with its head (RFC 9110 section 6.4.1).
pub(crate) fn has_no_body(response_to: ResponseTo, status: u16) -> bool {
    response_to == ResponseTo::Head || matches!(status, 100..=199 | 204 | 304)
}

/// The framing that a client of this version can read (RFC 9112 section 6.1: chunked is not sent to HTTP/1.0).
pub(crate) fn for_version(version: Version, framing: BodyFraming) -> BodyFraming {
    match framing {
        BodyFraming::Chunked | BodyFraming::CloseDelimited if version >= Version::HTTP_1_1 => {
            BodyFraming::Chunked
        }
        BodyFraming::Chunked => BodyFraming::CloseDelimited,
        framing => framing,
    }
}

/// The only `Content-Length` of a response without a body; `None` if there is none, or if it cannot be trusted.
pub(crate) fn announced_length(fields: &FieldSection) -> Option<u64> {
    let mut lengths = fields.values(Name::ContentLength);
    let length = lengths.next().and_then(decimal)?;
    let is_only = lengths.next().is_none() && !fields.has(Name::TransferEncoding);
    is_only.then_some(length)
}

/// Whether the body is chunked. Any other `Transfer-Encoding` is rejected.
fn chunked(version: Version, fields: &FieldSection) -> Result<bool, Refusal> {
    if !fields.has(Name::TransferEncoding) {
        return Ok(false);
    }
    // RFC 9112 section 6.1: a message of HTTP/1.0 with Transfer-Encoding has faulty framing.
    if version < Version::HTTP_1_1 {
        return Err(Refusal::TransferEncodingInHttp10);
    }
    // RFC 9110 section 5.6.1 asks a recipient to ignore empty members. Not all recipients do, so they are rejected here.
    let has_empty_member = fields
        .values(Name::TransferEncoding)
        .flat_map(|value| value.split(|&byte| byte == b','))
        .any(|member| member.trim_ascii().is_empty());
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let codings = fields.list_of(Name::TransferEncoding).count();
    let times_chunked = fields.list_of(Name::TransferEncoding).filter(|coding| is_chunked(coding)).count();
    let ends_chunked = fields.list_of(Name::TransferEncoding).last().is_some_and(is_chunked);
    match (codings, times_chunked) {
        (1, 1) if !has_empty_member => Ok(true),
        // RFC 9112 section 7: chunked is applied once, and last. Otherwise the end of the body is unknown.
        _ if !ends_chunked || times_chunked > 1 || has_empty_member => Err(Refusal::ChunkedNotFinal),
        // RFC 9112 section 6.1: 501 for an unknown transfer coding: docs/src/limits.md.
        _ => Err(Refusal::UnknownTransferCoding),
    }
}

/// The value of `Content-Length`, if it occurs once and is valid; `None` if it does not occur.
///
/// RFC 9112 section 6.3 allows a recipient to merge equal values. They are rejected: a sender of two is
/// broken or an attacker, and Pingora forwarded both.
fn content_length(fields: &FieldSection) -> Result<Option<u64>, Refusal> {
    let mut values = fields.values(Name::ContentLength);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(Refusal::SeveralContentLengths),
        (Some(value), None) => decimal(value).map(Some).ok_or(Refusal::InvalidContentLength),
    }
}

/// Parses a decimal number that consists of digits only (RFC 9110 section 8.6); `str::parse` would accept
/// `+5`. `None` if it is not such a number, or exceeds 2^64 - 1.
pub(crate) fn decimal(value: &[u8]) -> Option<u64> {
    let mut digits = value.iter().map(|byte| byte.is_ascii_digit().then(|| u64::from(byte - b'0')));
    let first = digits.next()??;
    digits.try_fold(first, |number, digit| number.checked_mul(10)?.checked_add(digit?))
}
