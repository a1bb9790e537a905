//! The response's half of an exchange, on the backend's side.

use super::reuse::Reuse;
use super::socket::ReadHalf;
use crate::backend_state::{BackendSignals, IncomingResponse};
use crate::{Cause, Decoded, Error, Piece, ResponseHead, Wait};

/// The response, as received from the backend. Dropping it before the response is complete stops the upload
/// of the request.
#[derive(Debug)]
pub struct ResponseReader<'a> {
    pub(super) stream: ReadHalf<'a>,
    pub(super) state: &'a mut IncomingResponse,
    pub(super) signals: &'a BackendSignals,
    pub(super) reuse: &'a mut Reuse,
}

impl ResponseReader<'_> {
    /// Reads the head of a response, interim or final, for
    /// [`Limits::response_head_timeout`](crate::Limits::response_head_timeout) at most, counted from the last
    /// piece of the request that left. May be dropped and called again.
    ///
    /// # Errors
    /// Blames the backend if the response breaks a rule, arrives too late, or does not arrive.
    pub async fn read_response(&mut self) -> Result<ResponseHead, Error> {
        loop {
            let head = self.state.decode_head(self.stream.limits, self.signals).map_err(Error::backend)?;
            if let Some(head) = head {
                self.reuse.head_received(&head, self.state.expected.response_to);
                return Ok(head);
            }
            self.fill(Wait::Head).await.map_err(Error::backend)?;
        }
    }

    /// Returns the next piece of the body, or `None` after the last. The first call does not wait: it returns
    /// what arrived with the head. May be dropped and called again.
    ///
    /// # Errors
    /// Blames the backend if the framing is invalid, if the body pauses for longer than
    /// [`Limits::response_body_timeout`](crate::Limits::response_body_timeout), or if it ends too early.
    pub async fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        self.stream.settle(&mut self.state.decoder);
        loop {
            match self.state.decoder.decode_piece(self.stream.limits).map_err(Error::backend)? {
                Decoded::Piece => return Ok(Some(self.stream.piece(&self.state.decoder))),
                Decoded::End => {
                    self.state.complete(self.signals);
                    return Ok(None);
                }
                Decoded::NeedsMore => self.fill(Wait::Body).await.map_err(Error::backend)?,
            }
        }
    }

    async fn fill(&mut self, wait: Wait) -> Result<(), Cause> {
        let IncomingResponse { decoder, deadline, .. } = &mut *self.state;
        deadline.begin(wait, self.stream.limits);
        self.stream.fill(decoder, wait, || Ok(deadline.get(self.signals))).await?;
        self.reuse.received(decoder);
        Ok(())
    }
}

impl Drop for ResponseReader<'_> {
    fn drop(&mut self) {
        self.stream.settle(&mut self.state.decoder);
        // An idle connection in a pool holds no buffer.
        self.state.decoder.release();
        self.signals.response_end.complete_or_stop();
    }
}
