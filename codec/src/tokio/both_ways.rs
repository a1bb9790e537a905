//! Runs the two directions of an exchange, both in one task.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::{Error, both_ways};

/// Runs the two directions of an exchange at once, and returns the outcome.
///
/// `upload` sends the request and its body to the backend, and `download` sends the response to the client.
/// When `download` has ended with `Ok`, the upload continues if the response accepts the request, for as long
/// as the backend accepts bytes and the client does not pause. After an error of `download`, the upload is
/// not polled again.
///
/// # Errors
/// None if the complete response was sent to the client. Otherwise the error that is the answer to the client.
pub fn both_ways<Upload, Download>(upload: Upload, download: Download) -> BothWays<Upload, Download>
where
    Upload: Future<Output = Result<(), Error>>,
    Download: Future<Output = Result<(), Error>>,
{
    BothWays { upload, uploaded: None, download, has_downloaded: false }
}

pin_project! {
    /// The future of [`both_ways`]. Written by hand, because an async function reserves space for its arguments
    /// twice, and these two are most of the memory of an exchange: 984 bytes in part5, and 1736 with an async
    /// function, which also takes 620 instructions more for a GET (18,680 in place of 18,060).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct BothWays<Upload, Download> {
        #[pin]
        upload: Upload,
        uploaded: Option<Result<(), Error>>,
        #[pin]
        download: Download,
        has_downloaded: bool,
    }
}

impl<Upload, Download> Future for BothWays<Upload, Download>
where
    Upload: Future<Output = Result<(), Error>>,
    Download: Future<Output = Result<(), Error>>,
{
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut this = self.project();
        if !*this.has_downloaded {
            if this.uploaded.is_none()
                && let Poll::Ready(outcome) = this.upload.as_mut().poll(cx)
            {
                // Without a complete request, no response is worth waiting for, unless it was the backend
                // that accepted no more: it may still answer.
                match outcome {
                    Err(error) if both_ways::decides(&error) => return Poll::Ready(Err(error)),
                    outcome => *this.uploaded = Some(outcome),
                }
            }
            let downloaded = ready!(this.download.poll(cx));
            if downloaded.is_err() {
                return Poll::Ready(both_ways::outcome(this.uploaded.take().unwrap_or(Ok(())), downloaded));
            }
            *this.has_downloaded = true;
        }
        // The upload is polled here, because the end of the response wakes no task and may end the upload.
        let uploaded = match this.uploaded.take() {
            Some(uploaded) => uploaded,
            None => ready!(this.upload.poll(cx)),
        };
        Poll::Ready(both_ways::outcome(uploaded, Ok(())))
    }
}
