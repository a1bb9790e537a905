//! The response's half of an exchange, on the client's side.

use super::socket::WriteHalf;
use crate::patience::Patience;
use crate::response_state::{ClientSignals, ResponseState};
use crate::{Error, Piece, ResponseHead};

/// The response, as sent to the client. Dropping it before the response is complete ends the reading of the
/// request.
#[derive(Debug)]
pub struct ResponseWriter<'a> {
    pub(super) stream: WriteHalf<'a>,
    pub(super) state: &'a mut ResponseState,
    pub(super) signals: &'a ClientSignals,
}

impl ResponseWriter<'_> {
    /// Sends an interim response, if the client's version supports it (RFC 9110 section 15.2).
    ///
    /// # Errors
    /// Blames the client if it accepts nothing for [`Limits::write_timeout`](crate::Limits::write_timeout), or
    /// is gone.
    pub fn write_interim(&mut self, head: &ResponseHead) -> Result<(), Error> {
        if self.state.queue_interim(head) {
            let parts = [self.state.encoder.queued(), &[], &[]];
            let patience = Patience::For(self.stream.limits.write_timeout);
            self.stream.write_all(parts, patience).map_err(Error::client)?;
            self.state.encoder.written(false);
        }
        Ok(())
    }

    /// Queues the head of the final response, with a framing that the client can read. It leaves with the first piece.
    pub fn write_head(&mut self, head: &ResponseHead) {
        self.state.queue_final(head, self.signals, &self.stream.options());
    }

    /// Sends a piece of the body, and returns the number of body bytes that were sent.
    ///
    /// # Errors
    /// Blames the client if it accepts nothing for [`Limits::write_timeout`](crate::Limits::write_timeout), or
    /// is gone. Blames this proxy if the body does not have the length that its head announced.
    pub fn write_piece(&mut self, piece: Piece<'_>) -> Result<u64, Error> {
        let length = self.state.encoder.body_length(&piece);
        let parts = self.state.encoder.parts(&piece)?;
        let patience = Patience::For(self.stream.limits.write_timeout);
        self.stream.write_all(parts, patience).map_err(Error::client)?;
        self.state.written(length, piece.is_last(), self.signals, &self.stream.options());
        Ok(length)
    }
}

impl Drop for ResponseWriter<'_> {
    fn drop(&mut self) {
        self.signals.response_end.complete_or_stop();
    }
}
