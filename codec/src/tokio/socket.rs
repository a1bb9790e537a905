//! Reading and writing with a deadline.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, Sleep, sleep};

use super::timer::Timer;
use crate::signal::{ResponseEnd, Signal};
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
    loop {
        ready!(poll_readable(cx, stream.as_ref(), (timer, deadline, wait)))?;
        let mut space = ReadBuf::new(decoder.space(limits));
        if let Poll::Ready(read) = Pin::new(&mut *stream).poll_read(cx, &mut space) {
            read.map_err(Cause::Io)?;
            let length = space.filled().len();
            decoder.filled(length);
            return Poll::Ready(Ok(()));
        }
        // Nothing was there after all.
        decoder.release();
    }
}

/// Waits until there is something to read, until `deadline` at most.
pub(super) fn poll_readable(
    cx: &mut Context<'_>,
    stream: &TcpStream,
    (timer, deadline, wait): (&mut Timer, Instant, Wait),
) -> Poll<Result<(), Cause>> {
    if let Poll::Ready(ready) = stream.poll_read_ready(cx) {
        return Poll::Ready(ready.map_err(Cause::Io));
    }
    ready!(timer.poll(cx, deadline));
    Poll::Ready(Err(Cause::TimedOut(wait)))
}

/// How long a write may wait for the other side to take more.
#[derive(Clone, Copy)]
pub(super) enum Patience<'a> {
    /// So long without any progress.
    For(Duration),
    /// For as long as the response takes, and so long without any progress after it; each progress is signalled.
    WithResponse { progressed: &'a Signal, end: &'a ResponseEnd, after_it: Duration },
}

/// Writes all parts, with patience.
///
/// Not cancel-safe: what had left when it was dropped is unknown.
pub(super) fn write_all<'a>(
    stream: &'a mut WriteHalf<'_>,
    parts: [&'a [u8]; 3],
    patience: Patience<'a>,
) -> impl Future<Output = Result<(), Cause>> {
    let mut written = 0;
    // Set only if the other side takes nothing: most writes never wait.
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    // No async function, which would keep room for its arguments twice.
    poll_fn(move |cx| {
        loop {
            if let Patience::WithResponse { end, .. } = patience {
                end.check()?;
            }
            let stream = Pin::new(&mut *stream);
            let wrote = match parts {
                // A vector costs the kernel more than what it holds, and most messages are one part.
                [only, [], []] => match &only[written..] {
                    [] => return Poll::Ready(Ok(())),
                    rest => stream.poll_write(cx, rest),
                },
                _ => {
                    let mut slices = parts.map(IoSlice::new);
                    match unwritten(&mut slices, written) {
                        [] => return Poll::Ready(Ok(())),
                        rest => stream.poll_write_vectored(cx, rest),
                    }
                }
            };
            match (wrote, patience) {
                (Poll::Ready(Ok(0)), _) => return Poll::Ready(Err(Cause::Io(ErrorKind::WriteZero.into()))),
                (Poll::Ready(Ok(length)), _) => written += length,
                (Poll::Ready(Err(error)), _) => return Poll::Ready(Err(Cause::Io(error))),
                // The end of the response polls the upload again.
                (Poll::Pending, Patience::WithResponse { end, .. }) if !end.has_come() => {
                    return Poll::Pending;
                }
                (
                    Poll::Pending,
                    Patience::For(timeout) | Patience::WithResponse { after_it: timeout, .. },
                ) => {
                    ready!(timer.get_or_insert_with(|| Box::pin(sleep(timeout))).as_mut().poll(cx));
                    return Poll::Ready(Err(Cause::TimedOut(Wait::Write)));
                }
            }
            timer = None;
            if let Patience::WithResponse { progressed, .. } = patience {
                progressed.set();
            }
        }
    })
}

/// What is left of the parts after so many bytes, without empty parts at its end: nothing is never written.
fn unwritten<'a, 'b>(parts: &'a mut [IoSlice<'b>], written: usize) -> &'a mut [IoSlice<'b>] {
    let end = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
    let mut rest = &mut parts[..end];
    IoSlice::advance_slices(&mut rest, written);
    rest
}

/// The error that a connection has failed with: if it was read already, a reset.
pub(super) fn error_of(stream: &TcpStream) -> io::Error {
    stream.take_error().ok().flatten().unwrap_or_else(|| ErrorKind::ConnectionReset.into())
}

/// Makes closing the connection reset it, or not.
///
/// A body that only the end of the connection ends looks whole however it ends: while one is on its way, whatever
/// closes the connection must reset it (RFC 9112 section 8). It costs a system call, and only where it matters.
pub(super) fn reset_on_close(stream: &TcpStream, reset: bool) {
    // If it fails, the client sees an ordinary end.
    let _ = SockRef::from(stream).set_linger(reset.then_some(Duration::ZERO));
}

/// Closes the write side: the peer reads an end of file.
pub(super) fn end(stream: &TcpStream) {
    // Fails only if the connection is gone already.
    let _ = SockRef::from(stream).shutdown(Shutdown::Write);
}
