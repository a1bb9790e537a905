//! Watches a client for a reset while its response is on its way. Over `std::net` nothing can watch.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use tokio::io::Interest;

use super::poll::error_of;
use super::request_body::RequestBody;
use crate::Error;
use crate::signal::ResponseEnd;

impl RequestBody<'_> {
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
        let (stream, response_end) = (self.stream.stream.as_ref(), &self.signals.response_end);
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
        Err(Error::client(error_of(stream)))
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
