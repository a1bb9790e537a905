//! Memory of heads that are done with, for the next heads of the same thread.
//!
//! Many exchanges at once take and give memory in bursts, for which an allocator's own lists are too short.

use std::cell::RefCell;

/// How many pieces of memory a thread keeps: more than the heads of a few hundred exchanges at once are seldom needed.
const KEPT: usize = 256;

/// The largest piece that is kept. Most heads are smaller, and many large ones would be a lot of memory.
const MAX_KEPT_BYTES: usize = 2048;

/// Vectors that nobody uses.
pub(crate) struct Spares<T>(RefCell<Vec<Vec<T>>>);

impl<T> Spares<T> {
    pub(crate) const fn new() -> Spares<T> {
        Spares(RefCell::new(Vec::new()))
    }

    /// An empty vector with room for `length` items.
    pub(crate) fn take(&self, length: usize) -> Vec<T> {
        let mut vector = self.0.borrow_mut().pop().unwrap_or_default();
        vector.reserve(length);
        vector
    }

    /// Takes back a vector, whatever is in it.
    pub(crate) fn give_back(&self, mut vector: Vec<T>) {
        vector.clear();
        let bytes = vector.capacity() * size_of::<T>();
        let mut kept = self.0.borrow_mut();
        if (1..=MAX_KEPT_BYTES).contains(&bytes) && kept.len() < KEPT {
            kept.push(vector);
        }
    }
}
