//! The position of a part of a head in its block: half the size of a `Range<usize>`, and `Copy`.

use std::ops::Range;

/// A range of bytes in a block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(range: Range<usize>) -> Span {
        // 32 bits are enough: a block is a head, bounded by `Limits::max_head_bytes`, and the little that is
        // added to it.
        Span { start: range.start as u32, end: range.end as u32 }
    }

    pub(crate) fn slice(self, block: &[u8]) -> &[u8] {
        &block[self.range()]
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}
