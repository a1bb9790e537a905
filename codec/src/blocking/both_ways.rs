//! Runs the two directions of an exchange, each in a thread.

use std::thread;

use crate::{Error, RequestHead, both_ways};

/// Runs the two directions of an exchange at once, and returns the outcome.
///
/// `upload` sends `request` and its body to the backend, and `download` sends the response to the client. `request`
/// decides whether the upload gets a thread: one for each GET as well would cost part1 180 µs of processor time a
/// request in place of 110.
///
/// Each must own its halves of the connections (`move`): dropping them ends the other direction, unless the
/// response is complete. The upload then continues if the response accepts the request, for as long as the
/// backend accepts bytes and the client does not pause.
///
/// # Errors
/// None if the complete response was sent to the client. Otherwise the error that is the answer to the client.
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
