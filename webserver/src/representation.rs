//! The response to a GET or HEAD of a representation: all of it, a part of it, or a response without it.

use std::borrow::Cow;

use codec::{BodyFraming, Error, RequestHead, ResponseHead};

use crate::answer::{Answer, TEXT, revalidated_head};
use crate::conditional::{self, Preconditions};
use crate::content::Content;
use crate::range::{self, Selection};
use crate::validators::Validators;

/// The current state of a resource (RFC 9110 section 3.2).
#[derive(Debug)]
pub struct Representation {
    pub content: Content,
    pub length: u64,
    /// The value of `Content-Type`.
    pub media_type: Cow<'static, str>,
    pub validators: Validators,
}

impl Representation {
    pub async fn respond(self, request: &RequestHead, answer: &mut Answer<'_>) -> Result<(), Error> {
        match conditional::evaluate(request, &self.validators) {
            Preconditions::NotModified => return answer.write_head_alone(&self.not_modified()).await,
            // RFC 9110 section 15.5.13.
            Preconditions::Failed => {
                return answer.write_text(412, "it has another state than asked for\n").await;
            }
            Preconditions::Hold => {}
        }
        match range::select(request, &self.validators, self.length) {
            Selection::Whole => {
                let head = self.head(200, self.length);
                self.content.send(&head, 0..self.length, answer).await
            }
            Selection::Part(part) => {
                // RFC 9110 section 15.3.7.1: Content-Range says which part it is.
                let content_range = format!("bytes {}-{}/{}", part.start, part.end - 1, self.length);
                let head = self.head(206, part.end - part.start).with("Content-Range", content_range);
                self.content.send(&head, part, answer).await
            }
            Selection::Unsatisfiable => {
                let text = format!("there are {} bytes\n", self.length);
                let head = |framing| {
                    // RFC 9110 section 15.5.17: 416 names the length.
                    let content_range = format!("bytes */{}", self.length);
                    revalidated_head(416, framing)
                        .with("Content-Type", TEXT)
                        .with("Content-Range", content_range)
                };
                answer.write_whole(text.as_bytes(), head).await
            }
        }
    }

    fn head(&self, status: u16, length: u64) -> ResponseHead {
        let mut head = revalidated_head(status, BodyFraming::ContentLength(length))
            .with("Content-Type", self.media_type.as_bytes())
            // RFC 9110 section 14.3.
            .with("Accept-Ranges", "bytes");
        self.validators.add_to(&mut head);
        head
    }

    /// RFC 9110 section 15.4.5: the validator and `Cache-Control` as with 200, and nothing that describes the content.
    fn not_modified(&self) -> ResponseHead {
        let mut head = revalidated_head(304, BodyFraming::Empty);
        self.validators.add_best_to(&mut head);
        head
    }
}
