//! Conditional requests: whether a method applies to the current representation (RFC 9110 section 13), for GET and
//! HEAD.

use std::time::SystemTime;

use codec::{FieldSection, RequestHead};

use crate::validators::{Strength, Validators};

/// The result of the preconditions of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preconditions {
    /// There are none, or they are true.
    Hold,
    /// 304: the client has the representation already.
    NotModified,
    /// 412: the representation is not the one that the client means.
    Failed,
}

/// RFC 9110 section 13.2.2: the order of precedence.
pub fn evaluate(request: &RequestHead, validators: &Validators) -> Preconditions {
    let fields = &request.fields;
    if fields.contains("If-Match") {
        // RFC 9110 section 13.2.2, step 1: If-Match, strong comparison (section 13.1.1).
        if !any_matches(fields, "If-Match", |tag| tag.matches_strongly(validators)) {
            return Preconditions::Failed;
        }
    } else if let (Some(date), Some(modified)) =
        (date(fields, "If-Unmodified-Since"), validators.last_modified)
        && modified > date
    {
        // RFC 9110 section 13.2.2, step 2: If-Unmodified-Since only without If-Match (section 13.1.4).
        return Preconditions::Failed;
    }
    if fields.contains("If-None-Match") {
        // RFC 9110 section 13.2.2, step 3: If-None-Match, weak comparison (section 13.1.2).
        if any_matches(fields, "If-None-Match", |tag| tag.matches_weakly(validators)) {
            return Preconditions::NotModified;
        }
    } else if let (Some(date), Some(modified)) = (date(fields, "If-Modified-Since"), validators.last_modified)
        && modified <= date
    {
        // RFC 9110 section 13.2.2, step 4: If-Modified-Since only without If-None-Match (section 13.1.3).
        return Preconditions::NotModified;
    }
    Preconditions::Hold
}

/// RFC 9110 section 13.2.2, step 5: whether If-Range allows a range; otherwise the complete representation is sent.
pub fn range_is_allowed(request: &RequestHead, validators: &Validators) -> bool {
    if !request.fields.contains("If-Range") {
        return true;
    }
    let Some(value) = only(&request.fields, "If-Range") else {
        return false;
    };
    if let Some((tag, [])) = EntityTag::parse(value) {
        // RFC 9110 section 13.1.5: a strong comparison, or parts of two states could be put together.
        return tag.matches_strongly(validators);
    }
    // RFC 9110 section 13.1.5: the date must be the same, not later, and be a strong validator.
    let is_same = http_date(value).is_some_and(|date| Some(date) == validators.last_modified);
    is_same && validators.strength == Strength::Strong
}

/// A received entity tag (RFC 9110 section 8.8.3).
#[derive(Clone, Copy, Debug)]
struct EntityTag<'a> {
    is_weak: bool,
    /// The entity tag, with its quotes.
    opaque_tag: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// The tag at the start of `bytes`, and the rest.
    fn parse(bytes: &'a [u8]) -> Option<(EntityTag<'a>, &'a [u8])> {
        // RFC 9110 section 8.8.3: `W/` is case-sensitive.
        let (is_weak, quoted) = match bytes.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, bytes),
        };
        let inner = quoted.strip_prefix(b"\"")?;
        let length = inner.iter().position(|&byte| byte == b'"')?;
        // RFC 9110 section 8.8.3: it has no white space or control characters, but may contain commas.
        if !inner[..length].iter().all(|&byte| byte > b' ' && byte != 0x7f) {
            return None;
        }
        let (opaque_tag, rest) = quoted.split_at(length + 2);
        Some((EntityTag { is_weak, opaque_tag }, rest))
    }

    /// RFC 9110 section 8.8.3.2: both are strong, and the same.
    fn matches_strongly(&self, validators: &Validators) -> bool {
        !self.is_weak && validators.strength == Strength::Strong && self.matches_weakly(validators)
    }

    /// RFC 9110 section 8.8.3.2: the same, weak or not.
    fn matches_weakly(&self, validators: &Validators) -> bool {
        validators.opaque_tag.as_ref().is_some_and(|opaque_tag| opaque_tag.as_bytes() == self.opaque_tag)
    }
}

/// Whether the list of entity tags is `*`, or has one that matches. An invalid list matches nothing.
fn any_matches(fields: &FieldSection, name: &str, matches: impl Fn(&EntityTag<'_>) -> bool) -> bool {
    // RFC 9110 sections 13.1.1 and 13.1.2: `*` is the only member, and a representation exists.
    if only(fields, name) == Some(b"*") {
        return true;
    }
    let mut has_match = false;
    for mut rest in fields.get_all(name).map(<[u8]>::trim_ascii) {
        while !rest.is_empty() {
            // RFC 9110 section 5.6.1.2: empty members are ignored.
            if let Some(after) = rest.strip_prefix(b",") {
                rest = after.trim_ascii_start();
                continue;
            }
            let Some((tag, after)) = EntityTag::parse(rest) else {
                return false;
            };
            has_match |= matches(&tag);
            rest = after.trim_ascii_start();
            if !rest.is_empty() && !rest.starts_with(b",") {
                return false;
            }
        }
    }
    has_match
}

/// RFC 9110 sections 13.1.3 and 13.1.4: what is not one valid date is ignored.
fn date(fields: &FieldSection, name: &str) -> Option<SystemTime> {
    only(fields, name).and_then(http_date)
}

/// RFC 9110 section 5.6.7: in any of the three formats.
fn http_date(value: &[u8]) -> Option<SystemTime> {
    std::str::from_utf8(value).ok().and_then(|value| httpdate::parse_http_date(value).ok())
}

/// The value of a field that has one line only.
fn only<'a>(fields: &'a FieldSection, name: &str) -> Option<&'a [u8]> {
    let mut values = fields.get_all(name).map(<[u8]>::trim_ascii);
    values.next().filter(|_| values.next().is_none())
}
