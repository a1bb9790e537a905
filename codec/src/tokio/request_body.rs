//! The request's half of an exchange, on the client's side.

use std::time::Instant;

use super::socket::ReadHalf;
use crate::response_state::ClientSignals;
use crate::{Cause, Decoded, Decoder, Error, Piece, Refusal, Wait};

/// The body of a request, as received from the client.
#[derive(Debug)]
pub struct RequestBody<'a> {
    pub(super) stream: ReadHalf<'a>,
    pub(super) decoder: &'a mut Decoder,
    pub(super) signals: &'a ClientSignals,
}

impl RequestBody<'_> {
    /// Returns the next piece, or `None` after the last. The first call does not wait: it returns what
    /// arrived with the head. May be dropped and called again.
    ///
    /// # Errors
    /// Blames the client if the framing is invalid, if the body pauses for longer than
    /// [`Limits::request_body_timeout`](crate::Limits::request_body_timeout), or if it ends too early.
    pub async fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        self.stream.settle(self.decoder);
        loop {
            match self.decoder.decode_piece(self.stream.limits) {
                Ok(Decoded::Piece) => {
                    let piece = self.stream.piece(self.decoder);
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

    async fn fill(&mut self) -> Result<(), Cause> {
        // A client that has received the beginning of the response may send no more, and still read the rest of it.
        if self.decoder.is_at_end_of_file() && self.signals.response_began.is_set() {
            return Err(Cause::Stopped);
        }
        let deadline = Instant::now() + self.stream.limits.request_body_timeout;
        let deadline = || self.signals.response_end.check().map(|()| deadline);
        self.stream.fill(self.decoder, Wait::Body, deadline).await
    }
}

impl Drop for RequestBody<'_> {
    fn drop(&mut self) {
        self.stream.settle(self.decoder);
        self.signals.upload_ended.set();
    }
}
