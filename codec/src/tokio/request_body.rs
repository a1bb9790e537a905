//! The request's half of an exchange, on the client's side.

use std::future::poll_fn;

use tokio::io::Interest;
use tokio::net::tcp::ReadHalf;
use tokio::time::Instant;

use super::socket;
use super::timer::Timer;
use crate::signal::Signal;
use crate::{Cause, Decoded, Decoder, Error, Limits, Piece, Wait};

/// The body of a request, as it comes from the client.
#[derive(Debug)]
pub struct RequestBody<'a> {
    pub(super) stream: ReadHalf<'a>,
    pub(super) limits: &'static Limits,
    pub(super) decoder: &'a mut Decoder,
    pub(super) ended: &'a Signal,
    pub(super) response_began: &'a Signal,
    pub(super) timer: &'a mut Timer,
}

impl RequestBody<'_> {
    /// The next piece; `None` after the last. The first call does not wait: it gives what came with the head.
    /// May be dropped and called again.
    ///
    /// # Errors
    /// The client's: broken framing, a pause over [`Limits::request_body_timeout`], or an end too soon.
    pub async fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        loop {
            match self.decoder.decode_piece(self.limits).map_err(Error::client)? {
                Decoded::Piece => {
                    let piece = self.decoder.piece();
                    if piece.is_last() {
                        self.ended.set();
                    }
                    return Ok(Some(piece));
                }
                Decoded::End => return Ok(None),
                Decoded::NeedsMore => self.fill().await.map_err(Error::client)?,
            }
        }
    }

    /// Waits until the client resets the connection: it has left, and a response would be for nobody.
    ///
    /// An end of file is no such sign: a client may close its side and wait (RFC 9112 section 9.6). For the end of an
    /// upload, which is dropped with the exchange. May be dropped.
    ///
    /// # Errors
    /// Always, once it returns: the client's.
    pub async fn wait_for_reset(&mut self) -> Result<(), Error> {
        // A reset wakes a reader too, which costs little to wait for, and mostly nothing wakes it.
        poll_fn(|cx| self.stream.as_ref().poll_read_ready(cx)).await.map_err(Error::client)?;
        // Perhaps the next request came, or the end of the client's side. Boxed, because few exchanges get here.
        Box::pin(self.stream.ready(Interest::ERROR)).await.map_err(Error::client)?;
        Err(Error::client(socket::error_of(self.stream.as_ref())))
    }

    async fn fill(&mut self) -> Result<(), Cause> {
        // A client that has seen the beginning of the response may send no more, and still want the rest of it.
        if self.decoder.is_at_end_of_file() && self.response_began.is_set() {
            return Err(Cause::Stopped);
        }
        let deadline = Instant::now() + self.limits.request_body_timeout;
        poll_fn(|cx| {
            let waiting = (&mut *self.timer, deadline, Wait::Body);
            socket::poll_fill(cx, &mut self.stream, self.decoder, self.limits, waiting)
        })
        .await
    }
}
