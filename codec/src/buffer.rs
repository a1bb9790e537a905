//! The read buffer of a connection: bytes that were received and not yet consumed.

use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The first size of a buffer.
const FIRST_BYTES: usize = 16 * 1024;
/// The factor by which a buffer grows.
const GROWTH: usize = 4;
/// The most bytes of free buffers of each size that a thread keeps for later connections. The allocator would
/// return a large buffer to the kernel, which would then provide it again page by page.
const KEPT_BYTES: usize = 4 * 1024 * 1024;

/// No buffer grows only for speed while the grown buffers in use hold this many bytes. A slow reader keeps
/// its buffer: ten thousand of them would hold gigabytes.
const MAX_GROWN_BYTES: usize = 32 * 1024 * 1024;

/// The bytes of the buffers in use that are larger than the first size.
static GROWN_BYTES: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Free buffers, by size: 16 KiB, 64 KiB, 256 KiB.
    static FREE: RefCell<[Vec<Vec<u8>>; 3]> = const { RefCell::new([Vec::new(), Vec::new(), Vec::new()]) };
}

/// The index of a size in the free list; `None` if buffers of that size are not kept.
fn class(bytes: usize) -> Option<usize> {
    const SECOND_BYTES: usize = FIRST_BYTES * GROWTH;
    const THIRD_BYTES: usize = SECOND_BYTES * GROWTH;
    match bytes {
        FIRST_BYTES => Some(0),
        SECOND_BYTES => Some(1),
        THIRD_BYTES => Some(2),
        _ => None,
    }
}

fn take_buffer(bytes: usize) -> Vec<u8> {
    if bytes > FIRST_BYTES {
        GROWN_BYTES.fetch_add(bytes, Ordering::Relaxed);
    }
    let kept = class(bytes).and_then(|class| FREE.with_borrow_mut(|free| free[class].pop()));
    kept.unwrap_or_else(|| vec![0; bytes])
}

fn give_back(buffer: Vec<u8>) {
    if buffer.len() > FIRST_BYTES {
        GROWN_BYTES.fetch_sub(buffer.len(), Ordering::Relaxed);
    }
    let Some(class) = class(buffer.len()) else {
        return;
    };
    // A thread that is exiting no longer has a free list.
    let _ = FREE.try_with(|free| {
        let free = &mut free.borrow_mut()[class];
        if free.len() < KEPT_BYTES / buffer.len() {
            free.push(buffer);
        }
    });
}

/// A buffer that is filled at its end and consumed at its start. It holds no memory until space is first requested.
#[derive(Default)]
pub(crate) struct ReadBuffer {
    /// Zeroed once when allocated, so that sockets can write into it without unsafe code.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Whether the last read filled all available space. If so, more data is waiting, and a larger buffer pays off.
    was_filled: bool,
}

impl ReadBuffer {
    /// The bytes that are not yet consumed.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(crate) fn unread_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The offset of the unread bytes, for [`ReadBuffer::at`].
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Bytes by their offset. Consumed bytes stay in place until the next [`ReadBuffer::space`].
    pub(crate) fn at(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    pub(crate) fn consume(&mut self, length: usize) {
        self.start += length;
    }

    /// Free space for the next read, at least one byte. The buffer grows to `max_bytes` at most, or further
    /// if unread bytes fill it. The scanner and the decoder bound what must be kept complete (a head, a chunk
    /// size).
    pub(crate) fn space(&mut self, max_bytes: usize) -> &mut [u8] {
        if self.is_empty() {
            self.start = 0;
            self.end = 0;
        } else if self.end == self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let larger = (self.bytes.len() * GROWTH).clamp(FIRST_BYTES, max_bytes.max(FIRST_BYTES));
        if self.end == self.bytes.len() {
            let mut bytes = take_buffer(larger.max(self.bytes.len() * 2));
            bytes[..self.end].copy_from_slice(&self.bytes[..self.end]);
            give_back(mem::replace(&mut self.bytes, bytes));
        } else if self.is_empty()
            && self.was_filled
            && larger > self.bytes.len()
            && GROWN_BYTES.load(Ordering::Relaxed) < MAX_GROWN_BYTES
        {
            give_back(mem::replace(&mut self.bytes, take_buffer(larger)));
        }
        self.was_filled = false;
        &mut self.bytes[self.end..]
    }

    /// Reports that `length` bytes were read into [`ReadBuffer::space`].
    pub(crate) fn filled(&mut self, length: usize) {
        assert!(length <= self.bytes.len() - self.end, "more bytes than there was space for");
        self.end += length;
        self.was_filled = self.end == self.bytes.len();
    }

    /// Releases the memory if no byte is unread.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            *self = ReadBuffer::default();
        }
    }
}

impl fmt::Debug for ReadBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadBuffer(\"{}\")", self.unread().escape_ascii())
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        give_back(mem::take(&mut self.bytes));
    }
}
