//! Field sections: the fields of a head, or of a trailer section, in the order and the spelling they came in.
//!
//! One block of bytes and, for each field, where its name and its value lie in it: no allocation a field.
//! Whoever edits this: names are compared without case (RFC 9110 section 5.1), values are bytes.

use std::fmt;
use std::ops::Range;

use crate::Refusal;

/// An ordered list of fields (RFC 9110 section 5).
#[derive(Clone, Default)]
pub struct FieldSection {
    /// What was received, start line included, and after it what was added here.
    block: Vec<u8>,
    fields: Vec<Field>,
    names: NameFilter,
}

/// Which names there may be: a bit for each name, though several names share one.
///
/// Most questions are about a field that is not there, and this answers them without a look at the fields.
#[derive(Clone, Copy, Default)]
struct NameFilter(u64);

impl NameFilter {
    /// The bit of a name, whatever its case. Inlined, so that it is known at compile time for a name that is.
    #[inline(always)]
    const fn bit(name: &[u8]) -> u64 {
        let (first, last) = match name {
            [] => (0, 0),
            [only] => (*only, *only),
            [first, .., last] => (*first, *last),
        };
        let (first, last) = (first.to_ascii_lowercase() as usize, last.to_ascii_lowercase() as usize);
        1 << ((name.len() * 5 + first * 3 + last) % 64)
    }

    fn add(&mut self, name: &[u8]) {
        self.0 |= NameFilter::bit(name);
    }

    #[inline(always)]
    fn may_contain(self, name: &str) -> bool {
        self.0 & NameFilter::bit(name.as_bytes()) != 0
    }
}

#[derive(Clone)]
struct Field {
    name: Span,
    value: Span,
}

/// A range of bytes in a block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(range: Range<usize>) -> Span {
        // A block is a head, bounded by `Limits::max_head_bytes`, and the little that is added to it.
        Span { start: range.start as u32, end: range.end as u32 }
    }

    pub(crate) fn of(self, block: &[u8]) -> &[u8] {
        &block[self.start as usize..self.end as usize]
    }
}

/// Field lines up to this number are parsed without an allocation; browsers send about 15.
const FEW_FIELDS: usize = 32;

impl FieldSection {
    /// An empty section.
    pub fn new() -> FieldSection {
        FieldSection::default()
    }

    /// An empty section whose block starts with `text`.
    pub(crate) fn with_block(text: &str) -> FieldSection {
        FieldSection { block: text.into(), ..FieldSection::default() }
    }

    /// Parses the `lines` field lines that stand in `block` from `start` to its end, empty line included.
    pub(crate) fn parse(block: Vec<u8>, start: usize, lines: usize) -> Result<FieldSection, Refusal> {
        let fields = if lines <= FEW_FIELDS {
            parse_fields(&block, start, &mut [httparse::EMPTY_HEADER; FEW_FIELDS])
        } else {
            parse_fields(&block, start, &mut vec![httparse::EMPTY_HEADER; lines])
        };
        match fields {
            Some((fields, names)) => Ok(FieldSection { block, fields, names }),
            None => Err(diagnose(&block[start..])),
        }
    }

    pub(crate) fn block(&self) -> &[u8] {
        &self.block
    }

    /// The number of field lines.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field line.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| (field.name.of(&self.block), field.value.of(&self.block)))
    }

    /// The values of all field lines of that name, in order.
    #[inline]
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let fields = if self.names.may_contain(name) { &self.fields[..] } else { &[] };
        fields
            .iter()
            .filter(move |field| field.name.of(&self.block).eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| field.value.of(&self.block))
    }

    /// The value of the first field line of that name; `None` if there is none.
    #[inline]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.span(name).map(|span| span.of(&self.block))
    }

    /// Whether there is a field of that name.
    #[inline]
    pub fn contains(&self, name: &str) -> bool {
        self.span(name).is_some()
    }

    /// The members of a field that is a comma-separated list, over all its lines, without white space around
    /// them and without empty ones (RFC 9110 section 5.6.1).
    #[inline]
    pub fn list(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.get_all(name)
            .flat_map(|value| value.split(|&byte| byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|member| !member.is_empty())
    }

    /// Whether a list field has that member, compared without case.
    pub fn list_contains(&self, name: &str, member: &str) -> bool {
        self.list(name).any(|other| other.eq_ignore_ascii_case(member.as_bytes()))
    }

    /// Adds a field line at the end.
    ///
    /// Control characters in the value, but for HTAB, become spaces (RFC 9110 section 5.5), so that no value can start a
    /// new line, or be refused by the next recipient.
    pub fn append(&mut self, name: &'static str, value: impl AsRef<[u8]>) {
        let name = self.append_name(name);
        let value = self.append_to_block(value.as_ref());
        for byte in &mut self.block[value.start as usize..value.end as usize] {
            if *byte != b'\t' && (*byte < b' ' || *byte == 0x7f) {
                *byte = b' ';
            }
        }
        self.fields.push(Field { name, value });
    }

    /// Adds a field line at the end whose value is written as text that cannot hold CR, LF or NUL.
    pub(crate) fn append_text(&mut self, name: &'static str, put_value: impl FnOnce(&mut Vec<u8>)) {
        let name = self.append_name(name);
        let start = self.block.len();
        put_value(&mut self.block);
        self.fields.push(Field { name, value: Span::new(start..self.block.len()) });
    }

    /// Adds a field line at the end whose value stands in the block already.
    pub(crate) fn append_span(&mut self, name: &'static str, value: Span) {
        let name = self.append_name(name);
        self.fields.push(Field { name, value });
    }

    /// Where the value of the first field line of that name lies in the block.
    #[inline]
    pub(crate) fn span(&self, name: &str) -> Option<Span> {
        if self.names.may_contain(name) { self.find(name) } else { None }
    }

    fn find(&self, name: &str) -> Option<Span> {
        let is_named = |field: &&Field| field.name.of(&self.block).eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().find(is_named).map(|field| field.value)
    }

    /// Puts one field line of that name in the place of all that there are.
    pub fn set(&mut self, name: &'static str, value: impl AsRef<[u8]>) {
        self.remove(name);
        self.append(name, value);
    }

    /// Removes all field lines of that name.
    pub fn remove(&mut self, name: &str) {
        if !self.names.may_contain(name) {
            return;
        }
        self.retain(|other, _| !other.eq_ignore_ascii_case(name.as_bytes()));
    }

    /// Removes all field lines for which `keep(name, value)` is false.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], &[u8]) -> bool) {
        let block = &self.block;
        self.fields.retain(|field| keep(field.name.of(block), field.value.of(block)));
    }

    fn append_name(&mut self, name: &'static str) -> Span {
        self.names.add(name.as_bytes());
        self.append_to_block(name.as_bytes())
    }

    fn append_to_block(&mut self, bytes: &[u8]) -> Span {
        let start = self.block.len();
        self.block.extend_from_slice(bytes);
        Span::new(start..self.block.len())
    }
}

impl fmt::Debug for FieldSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes| String::from_utf8_lossy(bytes);
        f.debug_map().entries(self.iter().map(|(name, value)| (text(name), text(value)))).finish()
    }
}

/// Where each field lies in `block`, and which names there are; `None` if httparse refuses one.
fn parse_fields<'block>(
    block: &'block [u8],
    start: usize,
    headers: &mut [httparse::Header<'block>],
) -> Option<(Vec<Field>, NameFilter)> {
    let Ok(httparse::Status::Complete((_, headers))) = httparse::parse_headers(&block[start..], headers)
    else {
        return None;
    };
    let span = |part: &[u8]| {
        let start = part.as_ptr() as usize - block.as_ptr() as usize;
        Span::new(start..start + part.len())
    };
    let mut fields = Vec::with_capacity(headers.len() + ADDED_FIELDS);
    let mut names = NameFilter::default();
    for header in headers {
        names.add(header.name.as_bytes());
        // httparse lends an empty value from elsewhere.
        let value = if header.value.is_empty() { Span::default() } else { span(header.value) };
        fields.push(Field { name: span(header.name.as_bytes()), value });
    }
    Some((fields, names))
}

/// Room for what a proxy adds to a head: Via and three X-Forwarded fields.
const ADDED_FIELDS: usize = 4;

/// Which rule a field section broke that httparse refused: it tells only the kind of byte that it met.
fn diagnose(lines: &[u8]) -> Refusal {
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
            // RFC 9112 section 5.1: no white space between the name and the colon.
            let trimmed = name.trim_ascii_end();
            let only_space = trimmed.len() < name.len() && is_token(trimmed);
            return if only_space { Refusal::WhitespaceBeforeColon } else { Refusal::InvalidFieldName };
        }
        // RFC 9110 section 5.5: no control characters but HTAB.
        if value.iter().any(|&byte| byte != b'\t' && (byte < b' ' || byte == 0x7f)) {
            return Refusal::InvalidFieldValue;
        }
        first = false;
    }
    Refusal::InvalidFieldValue
}

/// Whether these bytes are a token (RFC 9110 section 5.6.2).
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte))
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
