//! Combines the outcomes of the two directions of an exchange. All rules of precedence are in this file.

use crate::{Blame, Cause, Error};

/// Combines the outcome of the upload (request) with that of the download (response).
pub(crate) fn outcome(uploaded: Result<(), Error>, downloaded: Result<(), Error>) -> Result<(), Error> {
    match (uploaded, downloaded) {
        // A complete response decides, even if the request was not read to its end: an early 413 is a valid
        // answer (RFC 9112 section 9.3).
        (_, Ok(())) => Ok(()),
        // A fault of the client comes first: a truncated request makes the response fail too.
        (Err(upload), Err(_)) if decides(&upload) => Err(upload),
        // Otherwise the failure of the response decides: a backend that accepts no more of the request may
        // still answer.
        (_, Err(download)) => Err(download),
    }
}

/// Whether a complete response with this status stops an upload that is not complete.
///
/// Below 300 the backend has accepted the request and may read the rest of it. The upload then continues
/// until it is complete, until the backend accepts nothing for `write_timeout` or a write to it fails, or
/// until the client pauses for `request_body_timeout`. On the client's side, `Expect` can also stop the
/// upload: see `ResponseState::decide_upload`.
pub(crate) fn stops_upload(status: u16) -> bool {
    status >= 300
}

/// Whether a failed upload decides the outcome of the exchange. A backend that accepts no more may still
/// answer, and a stopped upload is only a consequence of the other direction.
pub(crate) fn decides(upload: &Error) -> bool {
    upload.blame() != Blame::Backend && !matches!(upload.cause(), Cause::Stopped)
}
