//! Reads and writes with a deadline.

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
/// It waits before it takes a buffer, so that a waiting connection holds none.
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
        // The socket was not readable after all.
        decoder.release();
    }
}

/// Waits until the stream is readable, until `deadline` at most.
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

/// How long a write may wait until the other side accepts more.
#[derive(Clone, Copy)]
pub(super) enum Patience<'a> {
    /// This long without any progress.
    For(Duration),
    /// Without a bound until the response ends, and then this long without any progress. Each progress is signalled.
    WithResponse { progressed: &'a Signal, end: &'a ResponseEnd, after_it: Duration },
}

/// Writes all parts, and waits as long as `patience` allows.
///
/// Not cancel-safe: if it is dropped, the number of bytes that have left is unknown.
pub(super) fn write_all<'a>(
    stream: &'a mut WriteHalf<'_>,
    parts: [&'a [u8]; 3],
    patience: Patience<'a>,
) -> impl Future<Output = Result<(), Cause>> {
    let mut written = 0;
    // Set only if the other side accepts nothing: most writes never wait.
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    // Not an async function, which would reserve space for its arguments twice.
    poll_fn(move |cx| {
        loop {
            if let Patience::WithResponse { end, .. } = patience {
                end.check()?;
            }
            let stream = Pin::new(&mut *stream);
            let wrote = match parts {
                // A vectored write costs the kernel more than it saves, and most messages are one part.
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
                // The upload is polled again at the end of the response.
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

/// The parts that remain after `written` bytes, without empty parts at the end: a write of no bytes never happens.
fn unwritten<'a, 'b>(parts: &'a mut [IoSlice<'b>], written: usize) -> &'a mut [IoSlice<'b>] {
    let end = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
    let mut rest = &mut parts[..end];
    IoSlice::advance_slices(&mut rest, written);
    rest
}

/// The error that a connection has failed with, or a reset if that error was already taken.
pub(super) fn error_of(stream: &TcpStream) -> io::Error {
    stream.take_error().ok().flatten().unwrap_or_else(|| ErrorKind::ConnectionReset.into())
}

/// Sets whether closing the connection resets it.
///
/// A body that ends with the connection looks complete however the connection ends. While such a body is
/// being sent, closing the connection must therefore reset it (RFC 9112 section 8). This costs a system call,
/// so it is done only for such a body.
pub(super) fn reset_on_close(stream: &TcpStream, reset: bool) {
    // If this fails, the client sees an ordinary end.
    let _ = SockRef::from(stream).set_linger(reset.then_some(Duration::ZERO));
}

/// Closes the write side: the peer reads an end of file.
pub(super) fn end(stream: &TcpStream) {
    // Fails only if the connection is already gone.
    let _ = SockRef::from(stream).shutdown(Shutdown::Write);
}
