//! Reading and writing with a deadline.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::Instant;

use super::timer::Timer;
use crate::signal::Signal;
use crate::{Cause, Decoder, Limits, Wait};

/// Reads once into the decoder, until `deadline` at most.
///
/// It waits first and takes a buffer then, so that a connection that waits holds none.
pub(super) fn poll_fill(
    cx: &mut Context<'_>,
    stream: &mut ReadHalf<'_>,
    decoder: &mut Decoder,
    limits: &Limits,
    (timer, deadline, wait): (&mut Timer, Instant, Wait),
) -> Poll<Result<(), Cause>> {
    if decoder.is_at_end_of_file() {
        return Poll::Ready(Err(Cause::Closed(wait)));
    }
    if let Poll::Ready(ready) = stream.as_ref().poll_read_ready(cx) {
        ready.map_err(Cause::Io)?;
        let mut space = ReadBuf::new(decoder.space(limits));
        if let Poll::Ready(read) = Pin::new(stream).poll_read(cx, &mut space) {
            read.map_err(Cause::Io)?;
            let length = space.filled().len();
            decoder.filled(length);
            return Poll::Ready(Ok(()));
        }
        decoder.release();
    }
    ready!(timer.poll(cx, deadline));
    Poll::Ready(Err(Cause::TimedOut(wait)))
}

/// How long a write may wait for the other side to take more.
#[derive(Clone, Copy)]
pub(super) enum Patience<'a> {
    /// So long without any progress.
    For(Duration),
    /// For as long as it takes; each progress is signalled.
    UntilProgress(&'a Signal),
}

/// Writes all parts, with patience.
///
/// Not cancel-safe: what had left when it was dropped is unknown.
pub(super) async fn write_all(
    stream: &mut WriteHalf<'_>,
    parts: [&[u8]; 3],
    patience: Patience<'_>,
) -> Result<(), Cause> {
    let mut slices = parts.map(IoSlice::new);
    let mut rest = &mut slices[..];
    // Skips empty parts, which would make a write of nothing look like a closed connection.
    IoSlice::advance_slices(&mut rest, 0);
    // Set only if the other side takes nothing: most writes never wait.
    let mut timer = Timer::default();
    let mut deadline = None;
    while !rest.is_empty() {
        let length = poll_fn(|cx| {
            let stream = Pin::new(&mut *stream);
            // A vector costs the kernel more than what it holds, and most messages are one part.
            let written = match rest {
                [only] => stream.poll_write(cx, only),
                _ => stream.poll_write_vectored(cx, rest),
            };
            if let Poll::Ready(written) = written {
                return Poll::Ready(written.map_err(Cause::Io));
            }
            if let Patience::For(timeout) = patience {
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + timeout);
                ready!(timer.poll(cx, deadline));
                return Poll::Ready(Err(Cause::TimedOut(Wait::Write)));
            }
            Poll::Pending
        })
        .await?;
        if length == 0 {
            return Err(Cause::Io(io::Error::from(ErrorKind::WriteZero)));
        }
        IoSlice::advance_slices(&mut rest, length);
        deadline = None;
        if let Patience::UntilProgress(progressed) = patience {
            progressed.set();
        }
    }
    Ok(())
}

/// Makes closing the connection reset it, or not.
///
/// A body that only the end of the connection ends looks whole however it ends: while one is on its way, whatever
/// closes the connection must reset it (RFC 9112 section 8). It costs a system call, and only where it matters.
pub(super) fn reset_on_close(stream: &TcpStream, reset: bool) {
    // If it fails, the client sees an ordinary end.
    let _ = SockRef::from(stream).set_linger(reset.then_some(Duration::ZERO));
}
