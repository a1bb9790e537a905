//! How reads and writes wait: they ask the runtime to wake the task.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::socket::{ReadHalf, WriteHalf};
use crate::patience::Patience;
use crate::{Cause, Decoder, Wait};

impl ReadHalf<'_> {
    /// Reads once into the decoder. `deadline` is called before each attempt; its error ends the wait.
    pub(super) fn fill(
        &mut self,
        decoder: &mut Decoder,
        wait: Wait,
        mut deadline: impl FnMut() -> Result<Instant, Cause>,
    ) -> impl Future<Output = Result<(), Cause>> {
        poll_fn(move |cx| {
            let deadline = deadline()?;
            self.poll_fill(cx, decoder, wait, deadline)
        })
    }

    /// Reads once into the decoder, until `deadline` at most.
    ///
    /// It waits before it takes a buffer, so that a waiting connection holds none.
    pub(super) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        decoder: &mut Decoder,
        wait: Wait,
        deadline: Instant,
    ) -> Poll<Result<(), Cause>> {
        if decoder.is_at_end_of_file() {
            return Poll::Ready(Err(Cause::Closed(wait)));
        }
        // A read from a peer that sends a byte now and then never waits, so check the deadline of a head that has
        // begun before every read.
        if wait == Wait::Head && !decoder.unread().is_empty() && Instant::now() >= deadline {
            return Poll::Ready(Err(Cause::TimedOut(wait)));
        }
        loop {
            ready!(self.poll_readable(cx, wait, deadline))?;
            if wait == Wait::Body
                && let Some(length) = self.promise(decoder.expected_bytes())
            {
                decoder.filled_outside(length);
                return Poll::Ready(Ok(()));
            }
            if let read @ Poll::Ready(_) = self.poll_read(cx, decoder) {
                return read;
            }
        }
    }

    /// Reads once into the decoder, and takes no buffer if the socket is not readable after all.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        decoder: &mut Decoder,
    ) -> Poll<Result<(), Cause>> {
        let mut space = ReadBuf::new(decoder.space(self.limits));
        let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, &mut space) else {
            decoder.release();
            return Poll::Pending;
        };
        read.map_err(Cause::Io)?;
        let length = space.filled().len();
        decoder.filled(length);
        Poll::Ready(Ok(()))
    }

    /// Waits until the socket is readable, until `deadline` at most.
    pub(super) fn poll_readable(
        &mut self,
        cx: &mut Context<'_>,
        wait: Wait,
        deadline: Instant,
    ) -> Poll<Result<(), Cause>> {
        if let Poll::Ready(ready) = self.stream.as_ref().poll_read_ready(cx) {
            return Poll::Ready(ready.map_err(Cause::Io));
        }
        ready!(self.timer.poll(cx, deadline.into()));
        Poll::Ready(Err(Cause::TimedOut(wait)))
    }
}

impl WriteHalf<'_> {
    /// Writes all parts, and waits as long as `patience` allows.
    ///
    /// Not an async function, which would reserve space for its arguments twice.
    pub(super) fn write_all(
        &mut self,
        parts: [&[u8]; 3],
        patience: Patience<'_>,
    ) -> impl Future<Output = Result<(), Cause>> {
        let mut written = 0;
        // Set only if the other side accepts nothing: most writes never wait.
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        poll_fn(move |cx| {
            loop {
                patience.check()?;
                let stream = Pin::new(&mut self.stream);
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
                match wrote {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(Cause::Io(ErrorKind::WriteZero.into()))),
                    Poll::Ready(Ok(length)) => written += length,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(Cause::Io(error))),
                    Poll::Pending => return Poll::Ready(Err(ready!(impatient(&mut timer, patience, cx)))),
                }
                timer = None;
                patience.progressed();
            }
        })
    }
}

/// Ready with the error once a write has waited for as long as `patience` allows. The timer is set at the first wait.
pub(super) fn impatient(
    timer: &mut Option<Pin<Box<Sleep>>>,
    patience: Patience<'_>,
    cx: &mut Context<'_>,
) -> Poll<Cause> {
    let Some(timeout) = patience.timeout() else {
        // The upload is polled again at the end of the response.
        return Poll::Pending;
    };
    ready!(timer.get_or_insert_with(|| Box::pin(sleep(timeout))).as_mut().poll(cx));
    Poll::Ready(Cause::TimedOut(Wait::Write))
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
