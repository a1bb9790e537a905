//! Which part of a representation a request asks for (RFC 9110 section 14): one range of bytes, or all.

use std::ops::Range;

use codec::RequestHead;

use crate::conditional;
use crate::validators::Validators;

/// The part of a representation to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    Whole,
    /// 206: never empty, and within the length.
    Part(Range<u64>),
    /// 416: the range begins after the end.
    Unsatisfiable,
}

pub fn select(request: &RequestHead, validators: &Validators, length: u64) -> Selection {
    // RFC 9110 section 14.2: a range has a meaning for GET only.
    if request.method() != "GET" {
        return Selection::Whole;
    }
    let mut values = request.fields.get_all("Range");
    let (Some(value), None) = (values.next(), values.next()) else {
        return Selection::Whole;
    };
    // RFC 9110 section 14.2: an invalid Range is ignored.
    let Some(range) = ByteRange::parse(value) else {
        return Selection::Whole;
    };
    // RFC 9110 section 14.2: If-Range is evaluated before the range.
    if !conditional::range_is_allowed(request, validators) {
        return Selection::Whole;
    }
    range.select(length)
}

/// One requested range (RFC 9110 section 14.1.2).
#[derive(Clone, Copy, Debug)]
enum ByteRange {
    /// `first-`, and with `last` also `first-last`, both included.
    From { first: u64, last: Option<u64> },
    /// `-length`: this many bytes at the end.
    Suffix { length: u64 },
}

impl ByteRange {
    /// `None` for another unit, several ranges, or no valid range.
    fn parse(value: &[u8]) -> Option<ByteRange> {
        let (unit, set) = std::str::from_utf8(value).ok()?.trim().split_once('=')?;
        // RFC 9110 section 14.1: the names of units are compared without case.
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        // RFC 9110 section 5.6.1.2: empty members of a list do not count.
        let mut ranges =
            set.split(',').map(|range| range.trim_matches([' ', '\t'])).filter(|range| !range.is_empty());
        // RFC 9110 section 14.2: a server may answer several ranges with the complete representation. Many small ranges
        // are an attack.
        let (Some(range), None) = (ranges.next(), ranges.next()) else {
            return None;
        };
        match range.split_once('-')? {
            ("", length) => Some(ByteRange::Suffix { length: position(length)? }),
            (first, "") => Some(ByteRange::From { first: position(first)?, last: None }),
            (first, last) => {
                let (first, last) = (position(first)?, position(last)?);
                // RFC 9110 section 14.1.1: a range that ends before it begins is invalid.
                (first <= last).then_some(ByteRange::From { first, last: Some(last) })
            }
        }
    }

    fn select(self, length: u64) -> Selection {
        match self {
            // RFC 9110 section 14.1.2: a suffix of 0 bytes cannot be satisfied.
            ByteRange::Suffix { length: 0 } => Selection::Unsatisfiable,
            // Content-Range cannot describe an empty range (RFC 9110 section 14.4), so the complete representation is
            // sent.
            ByteRange::Suffix { .. } if length == 0 => Selection::Whole,
            // RFC 9110 section 14.1.2: if there are fewer bytes, all of them.
            ByteRange::Suffix { length: suffix } => Selection::Part(length.saturating_sub(suffix)..length),
            // RFC 9110 section 14.1.2: satisfiable if it begins before the end.
            ByteRange::From { first, .. } if first >= length => Selection::Unsatisfiable,
            // RFC 9110 section 14.1.2: a last position at or after the end is the end.
            ByteRange::From { first, last } => {
                Selection::Part(first..last.map_or(length, |last| last.saturating_add(1).min(length)))
            }
        }
    }
}

/// Digits only, any number of them: a position over 64 bits is after every end.
fn position(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}
