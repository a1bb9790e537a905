//! Bytes of a body that stay in the socket until they are sent on, so that they need not enter the program.
//!
//! Invariant: only bytes that the system has received are promised, so reading or moving them never waits. The next
//! read of the connection begins behind them, whatever became of the piece.

use std::io::{ErrorKind, Read};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use socket2::SockRef;

use super::pipe;
use super::socket::ReadHalf;
use crate::body::Promise;
use crate::buffer::ReadBuffer;
use crate::{Decoder, Piece};

/// The most bytes that are promised at once: a pipe of 16 pages takes them in one call, although they begin and end
/// within a page.
const MAX_PROMISED_BYTES: usize = 56 * 1024;

/// The promised bytes of a connection.
#[derive(Debug, Default)]
pub(super) struct Promised {
    length: usize,
    /// The number of bytes that a writer has moved out of the socket.
    moved: AtomicUsize,
    /// The bytes that `moved` leaves, once they were asked for.
    read: OnceLock<ReadBuffer>,
}

impl ReadHalf<'_> {
    /// Promises the next bytes in the socket, if there are enough of them and all are among the `expected` bytes of a
    /// body. Returns their number.
    pub(super) fn promise(&mut self, expected: u64) -> Option<usize> {
        let least = self.limits.min_spliced_bytes?;
        if expected < least as u64 || !pipe::admit_piece() {
            return None;
        }
        let length =
            pipe::received(self.stream.as_ref()).min(expected).min(MAX_PROMISED_BYTES as u64) as usize;
        if length < least.max(1) {
            return None;
        }
        self.promised = Some(Box::new(Promised { length, ..Promised::default() }));
        Some(length)
    }

    /// As [`Decoder::piece`], with the promised bytes.
    pub(super) fn piece<'a>(&'a self, decoder: &'a Decoder) -> Piece<'a> {
        let promise = self.promised.as_ref().map(|_| self as &dyn Promise);
        decoder.piece().with_promise(promise)
    }

    /// Ends the promise: discards its bytes if nothing has taken them. Call it before the next piece is decoded. If the
    /// bytes cannot be read, the connection counts as closed by the peer.
    pub(super) fn settle(&mut self, decoder: &mut Decoder) {
        if self.promised.is_some() {
            let length = self.bytes().len() + self.moved_bytes();
            if length < self.length() {
                decoder.filled(0);
            }
            self.promised = None;
        }
    }

    fn moved_bytes(&self) -> usize {
        self.promised.as_ref().map_or(0, |promised| promised.moved.load(Ordering::Relaxed))
    }
}

impl Promise for ReadHalf<'_> {
    fn length(&self) -> usize {
        self.promised.as_ref().map_or(0, |promised| promised.length)
    }

    fn bytes(&self) -> &[u8] {
        let Some(promised) = &self.promised else {
            return &[];
        };
        let read = || read(&self.socket(), promised.length - self.moved_bytes());
        promised.read.get_or_init(read).unread()
    }

    fn is_read(&self) -> bool {
        self.promised.as_ref().is_some_and(|promised| promised.read.get().is_some())
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(self.stream.as_ref())
    }

    fn moved(&self, length: usize) {
        if let Some(promised) = &self.promised {
            promised.moved.fetch_add(length, Ordering::Relaxed);
        }
    }
}

/// Reads `length` bytes that the socket holds. Fewer only if it fails.
fn read(socket: &SockRef<'_>, length: usize) -> ReadBuffer {
    let mut buffer = ReadBuffer::default();
    while buffer.unread().len() < length {
        let left = length - buffer.unread().len();
        let space = buffer.space(length);
        let most = left.min(space.len());
        match (&**socket).read(&mut space[..most]) {
            Ok(0) => break,
            Ok(length) => buffer.filled(length),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    buffer
}
