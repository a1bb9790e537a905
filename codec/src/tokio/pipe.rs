//! Pipes, through which the kernel moves bytes from one socket to another. Linux only: elsewhere nothing is promised,
//! and all bodies are copied.
//!
//! Invariant: a pipe that may hold bytes is never used again. Only an empty pipe is given back.

use std::sync::atomic::{AtomicUsize, Ordering};
#[cfg(all(test, target_os = "linux"))]
pub(super) use system::free;

pub(super) use system::{Pipe, admit_piece, received};

/// The most pipes of the process. Each has two descriptors and up to 64 KiB. If all are in use, bodies are copied.
pub const MAX_PIPES: usize = 64;

/// The most pipes that the process may have.
static ALLOWED: AtomicUsize = AtomicUsize::new(MAX_PIPES);

/// Allows at most `most` pipes, for a process that may open few files. Never more than [`MAX_PIPES`].
pub fn limit_pipes(most: usize) {
    ALLOWED.store(most.min(MAX_PIPES), Ordering::Relaxed);
}

#[cfg(target_os = "linux")]
mod system {
    use std::io::{self, ErrorKind};
    use std::os::fd::OwnedFd;
    use std::sync::atomic::AtomicU32;
    use std::sync::{Mutex, PoisonError};

    use rustix::io::{ioctl_fionread, write};
    use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, pipe_with, splice};
    use socket2::Socket;
    use tokio::net::TcpStream;

    use super::{ALLOWED, AtomicUsize, Ordering};

    /// The size of a pipe. It is the default of Linux: a larger pipe has to be asked for, which the system refuses once the
    /// pipes of a user without privileges hold many pages.
    const PIPE_BYTES: usize = 64 * 1024;

    /// After a pipe could not be had, so many pieces are copied before another pipe is tried.
    const COPIED_PIECES: u32 = 1000;

    /// The pieces that are still copied.
    static COPIED: AtomicU32 = AtomicU32::new(0);
    /// The pipes of the process, used or free.
    static PIPES: AtomicUsize = AtomicUsize::new(0);
    /// The free pipes. One list for all threads: the free pipes of a thread would count against the others.
    static FREE: Mutex<Vec<Pipe>> = Mutex::new(Vec::new());

    /// A pipe, and how many bytes it holds. It is closed when it is dropped.
    #[derive(Debug)]
    pub(in super::super) struct Pipe {
        read: OwnedFd,
        write: OwnedFd,
        held: usize,
        _counted: Counted,
    }

    /// One of [`PIPES`].
    #[derive(Debug)]
    struct Counted;

    impl Counted {
        fn new() -> Option<Counted> {
            let more = |pipes| (pipes < ALLOWED.load(Ordering::Relaxed)).then_some(pipes + 1);
            PIPES.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Counted)
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            PIPES.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The number of bytes that the system has received for this socket; 0 if this is unknown.
    pub(in super::super) fn received(stream: &TcpStream) -> u64 {
        ioctl_fionread(stream).unwrap_or(0)
    }

    /// Returns whether the next piece may use a pipe. While splicing is paused, counts it as one of the
    /// `COPIED_PIECES`.
    pub(in super::super) fn admit_piece() -> bool {
        // `checked_sub` returns `None` at 0, so the update fails.
        let less = |pieces: u32| pieces.checked_sub(1);
        ALLOWED.load(Ordering::Relaxed) > 0
            && (COPIED.load(Ordering::Relaxed) == 0
                || COPIED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_err())
    }

    /// The number of free pipes.
    #[cfg(test)]
    pub(in super::super) fn free() -> usize {
        FREE.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    impl Pipe {
        /// An empty pipe; `None` if none can be had.
        pub(in super::super) fn take() -> Option<Pipe> {
            // No code that can panic runs under the lock.
            let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
            free.or_else(|| Pipe::open(Counted::new()?).inspect_err(|_| Pipe::pause()).ok())
        }

        /// Stops splicing for the next `COPIED_PIECES` pieces: the system refuses pipes, or cannot splice.
        pub(in super::super) fn pause() {
            COPIED.store(COPIED_PIECES, Ordering::Relaxed);
        }

        fn open(counted: Counted) -> io::Result<Pipe> {
            let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
            // A user without privileges whose pipes hold many pages gets pipes of two pages: pipe(7).
            match fcntl_getpipe_size(&write)? < PIPE_BYTES {
                true => Err(ErrorKind::QuotaExceeded.into()),
                false => Ok(Pipe { read, write, held: 0, _counted: counted }),
            }
        }

        /// Makes the pipe available to others, if it is empty.
        pub(in super::super) fn give_back(self) {
            if self.is_empty() {
                FREE.lock().unwrap_or_else(PoisonError::into_inner).push(self);
            }
        }

        pub(in super::super) fn is_empty(&self) -> bool {
            self.held == 0
        }

        /// Puts bytes into the pipe, as many as it takes, and removes them from `bytes`.
        pub(in super::super) fn put(&mut self, bytes: &mut &[u8]) -> io::Result<()> {
            while !bytes.is_empty() {
                match write(&self.write, bytes) {
                    Ok(length) => {
                        self.held += length;
                        *bytes = &bytes[length..];
                    }
                    Err(rustix::io::Errno::AGAIN) => break,
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        }

        /// Moves bytes out of a socket into the pipe, at most `length`, and returns their number. 0 if the pipe takes
        /// no more, or if the socket holds none.
        pub(in super::super) fn fill_from(&mut self, socket: &Socket, length: usize) -> io::Result<usize> {
            let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
            match splice(socket, None, &self.write, None, length, flags) {
                Ok(length) => {
                    self.held += length;
                    Ok(length)
                }
                Err(rustix::io::Errno::AGAIN) => Ok(0),
                Err(error) => Err(error.into()),
            }
        }

        /// Moves bytes out of the pipe into a socket.
        ///
        /// # Errors
        /// [`ErrorKind::WouldBlock`] if the socket takes no more for the moment.
        pub(in super::super) fn drain_to(&mut self, stream: &TcpStream) -> io::Result<()> {
            let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
            match splice(&self.read, None, stream, None, self.held, flags)? {
                0 => Err(ErrorKind::WriteZero.into()),
                length => {
                    self.held -= length;
                    Ok(())
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    use socket2::Socket;
    use tokio::net::TcpStream;

    /// There is none.
    #[derive(Debug)]
    pub(in super::super) enum Pipe {}

    pub(in super::super) fn received(_: &TcpStream) -> u64 {
        0
    }

    pub(in super::super) fn admit_piece() -> bool {
        false
    }

    impl Pipe {
        pub(in super::super) fn take() -> Option<Pipe> {
            None
        }

        pub(in super::super) fn pause() {}

        pub(in super::super) fn give_back(self) {
            match self {}
        }

        pub(in super::super) fn is_empty(&self) -> bool {
            match *self {}
        }

        pub(in super::super) fn put(&mut self, _: &mut &[u8]) -> io::Result<()> {
            match *self {}
        }

        pub(in super::super) fn fill_from(&mut self, _: &Socket, _: usize) -> io::Result<usize> {
            match *self {}
        }

        pub(in super::super) fn drain_to(&mut self, _: &TcpStream) -> io::Result<()> {
            match *self {}
        }
    }
}
