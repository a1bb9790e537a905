//! The request's half of an exchange, on the backend's side.

use tokio::net::tcp::WriteHalf;

use super::socket::{self, Patience};
use crate::signal::{ResponseEnd, Signal};
use crate::{Encoder, Error, Host, Limits, Persistence, Piece, RequestHead};

/// The request, as sent to the backend.
///
/// If it is dropped before the complete request has left, it closes the write side if a response has begun,
/// which may then complete. Otherwise the exchange has failed, or the backend accepts no more and may still
/// answer.
#[derive(Debug)]
pub struct RequestWriter<'a> {
    pub(super) stream: WriteHalf<'a>,
    pub(super) host: &'a Host,
    pub(super) limits: &'static Limits,
    pub(super) encoder: &'a mut Encoder,
    pub(super) persistence: Persistence,
    pub(super) progressed: &'a Signal,
    pub(super) response_end: &'a ResponseEnd,
    pub(super) response_began: &'a Signal,
}

impl RequestWriter<'_> {
    /// Queues the head, in origin-form. It leaves with the first piece of the body.
    pub fn write_head(&mut self, head: &RequestHead) {
        self.encoder.queue_request(head, self.host, self.persistence);
    }

    /// Sends a piece of the body. Until the response has ended, it waits without a bound until the backend
    /// accepts more, because the limits of the response apply. After that it waits for
    /// [`Limits::write_timeout`] at most. If the future is dropped, the connection is not used again.
    ///
    /// # Errors
    /// Blames the backend if it accepts no more, or if its response stops the upload.
    #[expect(clippy::manual_async_fn, reason = "an async function keeps room for its arguments twice")]
    pub fn write_piece(&mut self, piece: Piece<'_>) -> impl Future<Output = Result<(), Error>> {
        async move {
            let parts = self.encoder.parts(piece)?;
            let patience = Patience::WithResponse {
                progressed: self.progressed,
                end: self.response_end,
                after_it: self.limits.write_timeout,
            };
            socket::write_all(&mut self.stream, parts, patience).await.map_err(Error::backend)?;
            self.encoder.written(piece.is_last());
            Ok(())
        }
    }
}

impl Drop for RequestWriter<'_> {
    fn drop(&mut self) {
        if !self.encoder.is_clean() && self.response_began.is_set() {
            socket::end(self.stream.as_ref());
        }
    }
}
