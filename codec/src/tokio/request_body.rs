//! The request's half of an exchange, on the client's side.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use tokio::io::Interest;
use tokio::net::tcp::ReadHalf;
use tokio::time::Instant;

use super::socket;
use super::timer::Timer;
use crate::client_state::Signals;
use crate::signal::ResponseEnd;
use crate::{Cause, Decoded, Decoder, Error, Limits, Piece, Refusal, Wait};

/// The body of a request, as received from the client.
#[derive(Debug)]
pub struct RequestBody<'a> {
    pub(super) stream: ReadHalf<'a>,
    pub(super) limits: &'static Limits,
    pub(super) decoder: &'a mut Decoder,
    pub(super) signals: &'a Signals,
    pub(super) timer: &'a mut Timer,
}

impl RequestBody<'_> {
    /// Returns the next piece, or `None` after the last. The first call does not wait: it returns what
    /// arrived with the head. May be dropped and called again.
    ///
    /// # Errors
    /// Blames the client if the framing is invalid, if the body pauses for longer than
    /// [`Limits::request_body_timeout`], or if it ends too early.
    pub async fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        loop {
            match self.decoder.decode_piece(self.limits) {
                Ok(Decoded::Piece) => {
                    let piece = self.decoder.piece();
                    if piece.is_last() {
                        self.signals.request_ended.set();
                    }
                    return Ok(Some(piece));
                }
                Ok(Decoded::End) => {
                    self.signals.request_delivered.set();
                    return Ok(None);
                }
                // After the end of the connection, `fill` returns the error that fits the progress of the response.
                Ok(Decoded::NeedsMore) | Err(Refusal::IncompleteBody) => {
                    self.fill().await.map_err(Error::client)?;
                }
                Err(refusal) => return Err(Error::client(refusal)),
            }
        }
    }

    /// Waits until the client resets the connection: it is then gone and cannot receive a response. Returns
    /// `Ok` once the response has ended.
    ///
    /// An end of file is not enough: a client may close its side and wait (RFC 9112 section 9.6). Call it at
    /// the end of an upload, which [`both_ways`](super::both_ways) polls again when the response has ended.
    /// May be dropped.
    ///
    /// # Errors
    /// The client's: it has reset the connection.
    pub async fn wait_for_reset(&mut self) -> Result<(), Error> {
        let (stream, response_end) = (self.stream.as_ref(), &self.signals.response_end);
        // A reset also makes the socket readable. Waiting for that costs little, and usually nothing wakes the task.
        until(response_end, |cx| stream.poll_read_ready(cx)).await?;
        if response_end.has_come() {
            return Ok(());
        }
        // The next request or the end of the client's side may have arrived. Boxed, because few exchanges get here.
        let mut reset = Box::pin(stream.ready(Interest::ERROR));
        until(response_end, |cx| reset.as_mut().poll(cx).map_ok(drop)).await?;
        if response_end.has_come() {
            return Ok(());
        }
        Err(Error::client(socket::error_of(stream)))
    }

    async fn fill(&mut self) -> Result<(), Cause> {
        // A client that has received the beginning of the response may send no more, and still read the rest of it.
        if self.decoder.is_at_end_of_file() && self.signals.response_began.is_set() {
            return Err(Cause::Stopped);
        }
        let deadline = Instant::now() + self.limits.request_body_timeout;
        poll_fn(|cx| {
            self.signals.response_end.check()?;
            let waiting = (&mut *self.timer, deadline, Wait::Body);
            socket::poll_fill(cx, &mut self.stream, self.decoder, self.limits, waiting)
        })
        .await
    }
}

impl Drop for RequestBody<'_> {
    fn drop(&mut self) {
        self.signals.upload_ended.set();
    }
}

/// Waits for `ready`, or for the end of the response.
fn until<'a>(
    response_end: &'a ResponseEnd,
    mut ready: impl FnMut(&mut Context<'_>) -> Poll<io::Result<()>> + 'a,
) -> impl Future<Output = Result<(), Error>> + 'a {
    poll_fn(move |cx| match response_end.has_come() {
        true => Poll::Ready(Ok(())),
        false => ready(cx).map_err(Error::client),
    })
}
