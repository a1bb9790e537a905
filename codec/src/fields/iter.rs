//! Iterates over the fields of a section, compares sections, and shows them.

use std::fmt;
use std::iter::FusedIterator;
use std::slice;

use super::{Field, FieldSection};

/// The fields of a [`FieldSection`], in order: name and value.
#[derive(Clone)]
pub struct Fields<'a> {
    block: &'a [u8],
    fields: slice::Iter<'a, Field>,
}

impl FieldSection {
    /// All fields, in order: name and value.
    pub fn iter(&self) -> Fields<'_> {
        Fields { block: &self.block, fields: self.fields.iter() }
    }
}

impl<'a> IntoIterator for &'a FieldSection {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = Fields<'a>;

    fn into_iter(self) -> Fields<'a> {
        self.iter()
    }
}

impl<'a> Fields<'a> {
    fn parts(&self, field: &Field) -> (&'a [u8], &'a [u8]) {
        (field.name.slice(self.block), field.value.slice(self.block))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        self.fields.next().map(|field| self.parts(field))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.fields.size_hint()
    }
}

impl DoubleEndedIterator for Fields<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.fields.next_back().map(|field| self.parts(field))
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy;
        f.debug_map().entries(self.clone().map(|(name, value)| (text(name), text(value)))).finish()
    }
}

impl ExactSizeIterator for Fields<'_> {}

impl FusedIterator for Fields<'_> {}

/// RFC 9110 section 5.1: names are compared without case. The order of the fields matters.
impl PartialEq for FieldSection {
    fn eq(&self, other: &FieldSection) -> bool {
        let is_same = |((name, value), (other, other_value)): ((&[u8], _), (&[u8], _))| {
            name.eq_ignore_ascii_case(other) && value == other_value
        };
        self.len() == other.len() && self.iter().zip(other).all(is_same)
    }
}

impl Eq for FieldSection {}

impl fmt::Debug for FieldSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().fmt(f)
    }
}
