//! The codec over tokio: each call gives way to other tasks until it is done.
//!
//! A direction of an exchange is a future; [`both_ways`] polls the two in one task. Dropping a future that reads loses
//! nothing; dropping one that writes leaves a connection that is not used again.

mod backend;
mod client;
mod connections;
mod socket;
mod timer;

use std::future::poll_fn;
use std::pin::pin;

use std::task::Poll;

pub use backend::{BackendConnection, RequestWriter, ResponseReader};
pub use client::{ClientConnection, RequestBody, ResponseWriter};
pub use connections::{ClientStream, ConnectionGuard, Connections};

use crate::{Error, both_ways};

/// Runs the two directions of an exchange at once, and returns what it came to.
///
/// `upload` sends the request and its body to the backend, `download` sends the response to the client.
/// When the response has ended, the upload is polled no more.
///
/// # Errors
/// None if the response has gone to the client whole; else the error that the client should be told.
pub async fn both_ways(
    upload: impl Future<Output = Result<(), Error>>,
    download: impl Future<Output = Result<(), Error>>,
) -> Result<(), Error> {
    let (mut upload, mut download) = (pin!(upload), pin!(download));
    let mut uploaded = None;
    poll_fn(|cx| {
        if uploaded.is_none()
            && let Poll::Ready(outcome) = upload.as_mut().poll(cx)
        {
            // Without a whole request no response is worth waiting for. But if it was the backend that took no
            // more, its answer may still come.
            match outcome {
                Err(error) if both_ways::decides(&error) => return Poll::Ready(Err(error)),
                outcome => uploaded = Some(outcome),
            }
        }
        let Poll::Ready(downloaded) = download.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        Poll::Ready(both_ways::outcome(uploaded.take().unwrap_or(Ok(())), downloaded))
    })
    .await
}
