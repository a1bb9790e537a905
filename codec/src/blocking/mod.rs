//! The codec over `std::net`: each call waits until it is done.
//!
//! A direction of an exchange is a closure; [`both_ways`] runs the two, the upload in a thread of its own if the
//! request has a body. A thread that waits looks every 100 ms whether the other direction has ended.

mod backend;
mod client;
mod socket;
mod whole;

use std::thread;

pub use backend::{BackendConnection, RequestWriter, ResponseReader};
pub use client::{ClientConnection, RequestBody, ResponseWriter};

use crate::{Error, RequestHead, both_ways};

/// Runs the two directions of an exchange at once, and returns what it came to.
///
/// `upload` sends `request` and its body to the backend, `download` sends the response to the client. Each must
/// own its halves of the connections (`move`): dropping them ends the other direction, unless the response is complete.
/// Then the upload goes on if the response accepts the request, for as long as the backend takes it and the client
/// does not pause.
///
/// # Errors
/// None if the response has gone to the client whole; else the error that the client should be told.
pub fn both_ways(
    request: &RequestHead,
    upload: impl FnOnce() -> Result<(), Error> + Send,
    download: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    if !request.has_body() {
        let uploaded = upload();
        return both_ways::outcome(uploaded, download());
    }
    thread::scope(|scope| {
        let upload = thread::Builder::new().spawn_scoped(scope, upload).map_err(Error::proxy)?;
        let downloaded = download();
        let uploaded = upload.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        both_ways::outcome(uploaded, downloaded)
    })
}
