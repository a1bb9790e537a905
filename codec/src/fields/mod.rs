//! Field sections: the fields of a head or of a trailer section, in the received order and spelling.
//!
//! A section is one block of bytes and, for each field, the positions of its name and value in the block, so
//! that a field needs no allocation.
//!
//! Invariant: names are compared without case (RFC 9110 section 5.1), and values are bytes.

mod iter;
mod parser;

use std::mem;
use std::ops::Range;

use bytes::{BufMut, BytesMut};

use crate::Refusal;
use crate::lines::put_field;
use crate::names::{Name, Names};
use crate::span::Span;
use crate::token::{is_control, is_token};

pub use iter::Fields;
pub(crate) use parser::{ParsedFields, parse_at_once};
use parser::{diagnose, parse_fields};

/// An ordered list of fields (RFC 9110 section 5).
#[derive(Clone, Default)]
pub struct FieldSection {
    /// The received bytes, start line included, followed by the fields that were added here.
    block: Vec<u8>,
    /// The length of the start line. 0 if this section was not made with a head.
    start_line_bytes: u32,
    fields: Vec<Field>,
    /// The names that occur.
    names: Names,
}

/// Space for what a proxy adds to a head: Via and three X-Forwarded fields.
const ADDED_FIELDS: usize = 4;
const ADDED_BYTES: usize = 256;

/// A copy of a head, with space for what a proxy adds to it.
pub(crate) fn block_of(head: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(head.len() + ADDED_BYTES);
    block.extend_from_slice(head);
    block
}

/// A field line, by its positions in the block.
#[derive(Clone)]
struct Field {
    name: Span,
    value: Span,
    known: Name,
}

impl Field {
    /// The position of the complete line in the block; `None` if it is not stored exactly as it would be written.
    fn line(&self, block: &[u8]) -> Option<Range<usize>> {
        let (name, value) = (self.name.range(), self.value.range());
        let is_plain = block.get(name.end..value.start) == Some(b": ")
            && block.get(value.end..value.end + 2) == Some(b"\r\n");
        is_plain.then_some(name.start..value.end + 2)
    }
}

/// Up to this number, field lines are parsed without an allocation. Browsers send about 15.
const FEW_FIELDS: usize = 32;

impl FieldSection {
    /// An empty section.
    pub fn new() -> FieldSection {
        FieldSection::default()
    }

    /// An empty section whose block starts with `text`, in place of a start line.
    pub(crate) fn with_block(text: &str) -> FieldSection {
        FieldSection {
            block: block_of(text.as_bytes()),
            start_line_bytes: text.len() as u32,
            fields: Vec::new(),
            names: Names::default(),
        }
    }

    /// Parses the `lines` field lines in `block` from `start`, the end of the start line, to its end, empty line included.
    pub(crate) fn parse(block: Vec<u8>, start: usize, lines: usize) -> Result<FieldSection, Refusal> {
        let parsed = if lines <= FEW_FIELDS {
            parse_fields(&block, start, &mut [httparse::EMPTY_HEADER; FEW_FIELDS])
        } else {
            parse_fields(&block, start, &mut vec![httparse::EMPTY_HEADER; lines])
        };
        match parsed {
            Some(parsed) => Ok(FieldSection::of_parsed(block, start, parsed)),
            None => Err(diagnose(&block[start..])),
        }
    }

    /// Makes a section of fields that were parsed in the bytes that `block` copies, from `start` on.
    pub(crate) fn of_parsed(block: Vec<u8>, start: usize, parsed: ParsedFields) -> FieldSection {
        FieldSection { block, start_line_bytes: start as u32, fields: parsed.fields, names: parsed.names }
    }

    pub(crate) fn start_line_bytes(&self) -> u32 {
        self.start_line_bytes
    }

    /// The start line, if it has this length. `None` means that this section was made with another head, or with none.
    pub(crate) fn start_line(&self, bytes: u32) -> Option<&[u8]> {
        (self.start_line_bytes == bytes).then(|| &self.block[..bytes as usize])
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

    /// The values of all field lines of that name, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.named(name).map(|field| field.value.slice(&self.block))
    }

    /// The value of the first field line of that name; `None` if there is none.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// Whether there is a field of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }

    /// The members of a field that is a comma-separated list, over all its lines, without surrounding white
    /// space and without empty members (RFC 9110 section 5.6.1).
    pub fn list(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        members(self.get_all(name))
    }

    /// Whether a list field has that member, compared without case.
    pub fn list_contains(&self, name: &str, member: &str) -> bool {
        self.list(name).any(|other| other.eq_ignore_ascii_case(member.as_bytes()))
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Field> {
        let fields = if self.has(Name::from_bytes(name.as_bytes())) { &self.fields[..] } else { &[] };
        fields.iter().filter(move |field| field.name.slice(&self.block).eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Whether there is a field of that name. Does not search the fields.
    pub(crate) fn has(&self, name: Name) -> bool {
        self.names.contains(name)
    }

    /// As [`FieldSection::get_all`], for a known name.
    pub(crate) fn values(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.spans(name).map(|span| span.slice(&self.block))
    }

    /// As [`FieldSection::list`], for a known name.
    pub(crate) fn list_of(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        members(self.values(name))
    }

    /// The positions in the block of the values of all field lines of that name.
    pub(crate) fn spans(&self, name: Name) -> impl Iterator<Item = Span> {
        let fields = if self.has(name) { &self.fields[..] } else { &[] };
        fields.iter().filter(move |field| field.known == name).map(|field| field.value)
    }

    /// Adds a field line at the end, with a name that is fixed in the program. For other names, use
    /// [`try_append`](FieldSection::try_append).
    ///
    /// Control characters in the value, except HTAB, become spaces (RFC 9110 section 5.5), so that no value
    /// can start a new line or be rejected by the next recipient. The encoder writes Host, Content-Length,
    /// Transfer-Encoding, Connection and Keep-Alive itself, and ignores those that are added here.
    ///
    /// # Panics
    /// If the name is not a token (RFC 9110 section 5.1).
    pub fn append(&mut self, name: &'static str, value: impl AsRef<[u8]>) {
        assert!(is_token(name.as_bytes()), "not a field name: {name:?}");
        self.append_text(name, Name::from_bytes(name.as_bytes()), |block| put_clean(block, value.as_ref()));
    }

    /// Adds a field line at the end, with a name and a value from outside the program.
    ///
    /// # Errors
    /// [`Refusal::InvalidFieldName`] if the name is not a token (RFC 9110 section 5.1).
    /// [`Refusal::InvalidFieldValue`] if the value has a control character other than HTAB (RFC 9110 section 5.5).
    pub fn try_append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), Refusal> {
        let value = value.as_ref();
        if !is_token(name.as_bytes()) {
            return Err(Refusal::InvalidFieldName);
        }
        if value.iter().any(|&byte| is_control(byte)) {
            return Err(Refusal::InvalidFieldValue);
        }
        self.append_text(name, Name::from_bytes(name.as_bytes()), |block| block.extend_from_slice(value));
        Ok(())
    }

    /// Adds a field line at the end. `put_value` appends the value, without control characters, to the block.
    /// `known` is the [`Name`] of the field.
    pub(crate) fn append_text(&mut self, name: &str, known: Name, put_value: impl FnOnce(&mut Vec<u8>)) {
        let block = &mut self.block;
        let start = block.len();
        block.extend_from_slice(name.as_bytes());
        let name = Span::new(start..block.len());
        block.extend_from_slice(b": ");
        let start = block.len();
        put_value(block);
        let value = Span::new(start..block.len());
        block.extend_from_slice(b"\r\n");
        self.names.add(known);
        self.fields.push(Field { name, value, known });
    }

    /// Replaces all field lines of that name by one.
    ///
    /// # Panics
    /// As [`append`](FieldSection::append).
    pub fn set(&mut self, name: &'static str, value: impl AsRef<[u8]>) {
        self.remove(name);
        self.append(name, value);
    }

    /// Removes all field lines of that name.
    pub fn remove(&mut self, name: &str) {
        if self.contains(name) {
            self.retain(|other, _| !other.eq_ignore_ascii_case(name.as_bytes()));
        }
    }

    /// Removes all field lines that have one of these names.
    pub(crate) fn remove_all(&mut self, names: Names) {
        if self.names.intersects(names) {
            self.fields.retain(|field| !names.contains(field.known));
            self.names.remove(names);
        }
    }

    /// Removes all field lines for which `keep(name, value)` is false.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], &[u8]) -> bool) {
        let block = &self.block;
        self.fields.retain(|field| keep(field.name.slice(block), field.value.slice(block)));
        self.names = Names::default();
        for field in &self.fields {
            self.names.add(field.known);
        }
    }

    /// Writes all field lines except those with a name in `except`.
    ///
    /// Lines that are adjacent in the block are copied together.
    pub(crate) fn put_lines(&self, out: &mut BytesMut, except: Names) {
        let mut together = 0..0;
        for field in self.fields.iter().filter(|field| !except.contains(field.known)) {
            let Some(line) = field.line(&self.block) else {
                out.put_slice(&self.block[mem::take(&mut together)]);
                put_field(out, field.name.slice(&self.block), field.value.slice(&self.block));
                continue;
            };
            if line.start != together.end {
                out.put_slice(&self.block[together]);
                together = line.start..line.start;
            }
            together.end = line.end;
        }
        out.put_slice(&self.block[together]);
    }
}

/// Appends a value to the block, with its control characters replaced by spaces.
pub(crate) fn put_clean(block: &mut Vec<u8>, value: &[u8]) {
    block.extend(value.iter().map(|&byte| if is_control(byte) { b' ' } else { byte }));
}

/// The members of a list field (RFC 9110 section 5.6.1), of all its lines.
fn members<'a>(values: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    values
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}
