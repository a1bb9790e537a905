//! The response's half of an exchange, on the client's side.

use tokio::net::tcp::WriteHalf;

use super::connections::ConnectionGuard;
use super::socket::{self, Patience};
use crate::client_state::{ResponseState, Signals};
use crate::{Error, Limits, Piece, ResponseHead};

/// The response, as sent to the client. Dropping it before the response is complete ends the reading of the
/// request.
#[derive(Debug)]
pub struct ResponseWriter<'a> {
    pub(super) stream: WriteHalf<'a>,
    pub(super) limits: &'static Limits,
    pub(super) state: &'a mut ResponseState,
    pub(super) signals: &'a Signals,
    pub(super) guard: &'a ConnectionGuard,
}

impl ResponseWriter<'_> {
    /// Sends an interim response, if the client's version supports it (RFC 9110 section 15.2). The future
    /// must not be dropped.
    ///
    /// # Errors
    /// Blames the client if it accepts nothing for [`Limits::write_timeout`], or is gone.
    pub async fn write_interim(&mut self, head: &ResponseHead) -> Result<(), Error> {
        if self.state.queue_interim(head) {
            let parts = [self.state.encoder.queued(), &[], &[]];
            let patience = Patience::For(self.limits.write_timeout);
            socket::write_all(&mut self.stream, parts, patience).await.map_err(Error::client)?;
            self.state.encoder.written(false);
        }
        Ok(())
    }

    /// Queues the head of the final response, with a framing that the client can read. It leaves with the first piece.
    pub fn write_head(&mut self, head: &ResponseHead) {
        if self.guard.is_closing() {
            self.state.close_after_response();
        }
        self.state.decide_upload(head, self.signals);
        self.state.queue_head(head);
        self.signals.response_began.set();
        if self.state.encoder.is_close_delimited() {
            socket::reset_on_close(self.stream.as_ref(), true);
        }
    }

    /// Sends a piece of the body, and returns the number of body bytes that were sent. The future must not be dropped.
    ///
    /// # Errors
    /// Blames the client if it accepts nothing for [`Limits::write_timeout`], or is gone. Blames this proxy
    /// if the body does not have the length that its head announced.
    #[expect(clippy::manual_async_fn, reason = "an async function keeps room for its arguments twice")]
    pub fn write_piece(&mut self, piece: Piece<'_>) -> impl Future<Output = Result<u64, Error>> {
        async move {
            let length = self.state.encoder.body_length(&piece);
            let parts = self.state.encoder.parts(piece)?;
            let patience = Patience::For(self.limits.write_timeout);
            socket::write_all(&mut self.stream, parts, patience).await.map_err(Error::client)?;
            self.state.written(length, piece.is_last());
            if piece.is_last() {
                if self.state.encoder.is_close_delimited() {
                    socket::reset_on_close(self.stream.as_ref(), false);
                }
                if self.state.ends_before_request(self.signals) {
                    socket::end(self.stream.as_ref());
                }
                self.signals.response_end.complete(self.state.stops_upload);
            }
            Ok(length)
        }
    }
}

impl Drop for ResponseWriter<'_> {
    fn drop(&mut self) {
        self.signals.response_end.complete_or_stop();
    }
}
