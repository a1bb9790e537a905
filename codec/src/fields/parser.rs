//! Parses the field lines of a section with httparse, and finds the broken rule if httparse rejects a section.
//!
//! Invariant: LF alone is rejected here, or by the scanner before, because httparse accepts more than this codec does.

use super::{ADDED_FIELDS, FEW_FIELDS, Field};
use crate::names::{Name, Names};
use crate::span::Span;
use crate::token::{is_control, is_token};
use crate::{Limits, Refusal};

/// Field lines that were parsed in place.
pub(crate) struct ParsedFields {
    pub(super) fields: Vec<Field>,
    pub(super) names: Names,
    /// The end of the section, empty line included.
    pub(crate) end: usize,
}

/// Parses a section of a head that arrived at once, as most do, from `start` on, without searching for its
/// end first. `None` if the section is incomplete or may be invalid. The scanner then distinguishes the two.
pub(crate) fn parse_at_once(bytes: &[u8], start: usize, limits: &Limits) -> Option<ParsedFields> {
    let parsed = parse_fields(bytes, start, &mut [httparse::EMPTY_HEADER; FEW_FIELDS])?;
    let is_within = parsed.end <= limits.max_head_bytes && parsed.fields.len() <= limits.max_fields;
    // httparse accepts LF alone as a line end. The line before a field ends where the name of the field starts.
    let ends_with_crlf = |start: usize| bytes[..start].ends_with(b"\r\n");
    let is_strict = parsed.fields.iter().all(|field| ends_with_crlf(field.name.range().start))
        && bytes[..parsed.end].ends_with(b"\r\n\r\n");
    (is_within && is_strict).then_some(parsed)
}

/// The positions of the fields in `block`, and the names that occur; `None` if httparse rejects a field or
/// finds no end.
pub(super) fn parse_fields<'block>(
    block: &'block [u8],
    start: usize,
    headers: &mut [httparse::Header<'block>],
) -> Option<ParsedFields> {
    let Ok(httparse::Status::Complete((length, headers))) = httparse::parse_headers(&block[start..], headers)
    else {
        return None;
    };
    let end = start + length;
    let span = |part: &[u8]| {
        let start = part.as_ptr() as usize - block.as_ptr() as usize;
        Span::new(start..start + part.len())
    };
    let mut fields = Vec::with_capacity(headers.len() + ADDED_FIELDS);
    let mut names = Names::default();
    fields.extend(headers.iter().map(|header| {
        let known = Name::from_bytes(header.name.as_bytes());
        names.add(known);
        // httparse returns an empty value that does not lie in `block`.
        let value = if header.value.is_empty() { Span::default() } else { span(header.value) };
        Field { name: span(header.name.as_bytes()), value, known }
    }));
    Some(ParsedFields { fields, names, end })
}

/// The rule that a field section breaks. httparse rejected it, but reports only the kind of the rejected byte.
pub(super) fn diagnose(lines: &[u8]) -> Refusal {
    let mut first = true;
    for line in lines.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if matches!(line[0], b' ' | b'\t') {
            // RFC 9112 section 2.2: white space before the first field line; section 5.2: obs-fold after it.
            return if first { Refusal::WhitespaceBeforeFirstField } else { Refusal::ObsoleteLineFolding };
        }
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            return Refusal::InvalidFieldName;
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if !is_token(name) {
            // RFC 9112 section 5.1: no white space is allowed between the name and the colon.
            let trimmed = name.trim_ascii_end();
            let only_space = trimmed.len() < name.len() && is_token(trimmed);
            return if only_space { Refusal::WhitespaceBeforeColon } else { Refusal::InvalidFieldName };
        }
        // RFC 9110 section 5.5: no control characters except HTAB.
        if value.iter().any(|&byte| is_control(byte)) {
            return Refusal::InvalidFieldValue;
        }
        first = false;
    }
    Refusal::InvalidFieldValue
}
