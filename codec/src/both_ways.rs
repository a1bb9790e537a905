//! What an exchange came to, when its two directions ended each for itself. All rules of precedence are here.

use crate::{Blame, Cause, Error};

/// Joins what the upload (request) and the download (response) came to.
pub(crate) fn outcome(uploaded: Result<(), Error>, downloaded: Result<(), Error>) -> Result<(), Error> {
    match (uploaded, downloaded) {
        // A response that has gone to the client whole is what counts, also if the request was never read to
        // its end: an early 413 is a good answer (RFC 9112 section 9.3).
        (_, Ok(())) => Ok(()),
        // The client's fault comes first: a request that it cut short makes the backend's answer fail too.
        (Err(upload), Err(_)) if decides(&upload) => Err(upload),
        // Else the response's failure: if the backend took no more of the request, it might still have answered.
        (_, Err(download)) => Err(download),
    }
}

/// Whether a complete response with this status stops an upload that is not complete.
///
/// Below 300 the request is accepted: the backend may read the rest, which it has not refused. The upload then goes on
/// until it is complete, until the backend takes nothing for `write_timeout` or a write to it fails, or until the client
/// pauses for `request_body_timeout`. On the client's side, `Expect` may stop it too: see `ResponseState::decide_upload`.
pub(crate) fn stops_upload(status: u16) -> bool {
    status >= 300
}

/// Whether a failed upload decides what the exchange came to. A backend that takes no more may still answer, and
/// an upload that was stopped says nothing.
pub(crate) fn decides(upload: &Error) -> bool {
    upload.blame() != Blame::Backend && !matches!(upload.cause(), Cause::Stopped)
}
