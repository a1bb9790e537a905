//! The response to one request: writes it, ends its count before its last bytes are sent, and its record after that.

use codec::tokio::ResponseWriter;
use codec::{BodyFraming, Error, Piece, RequestHead, ResponseHead, ResponseTo};

use crate::counters::InFlight;
use crate::recent::RecentRequest;

pub const TEXT: &str = "text/plain; charset=utf-8";

/// The head of a response that may differ the next time.
///
/// RFC 9111 section 5.2.2.4: with `no-cache` a cache asks before each use. Without it, a cache may guess for how long a
/// response stays fresh (RFC 9111 section 4.2.2): browsers do so from `Last-Modified`, and keep 301, 308 and 410
/// forever.
pub fn revalidated_head(status: u16, framing: BodyFraming) -> ResponseHead {
    ResponseHead::new(status, framing).with("Cache-Control", "no-cache")
}

pub struct Answer<'a> {
    writer: ResponseWriter<'a>,
    in_flight: Option<InFlight<'static>>,
    /// `None` for a request that is for the lab, and after the last bytes of the response.
    record: Option<RecentRequest<'static>>,
    response_to: ResponseTo,
}

impl<'a> Answer<'a> {
    pub fn new(
        request: &RequestHead,
        writer: ResponseWriter<'a>,
        in_flight: Option<InFlight<'static>>,
        record: Option<RecentRequest<'static>>,
    ) -> Answer<'a> {
        Answer { writer, in_flight, record, response_to: request.response_to() }
    }

    /// Records that the backend waits for no more of the request's body.
    pub fn begin(&mut self) {
        if let Some(record) = &mut self.record {
            record.answering();
        }
    }

    /// Whether the response has a body: none after HEAD, so there is no need to make one.
    pub fn has_body(&self) -> bool {
        self.response_to == ResponseTo::Other
    }

    /// Sends a 100 to a client that may wait for it with its body.
    pub async fn ask_for_body(&mut self) -> Result<(), Error> {
        self.writer.write_continue().await
    }

    pub async fn write_interim(&mut self, head: &ResponseHead) -> Result<(), Error> {
        self.writer.write_interim(head).await
    }

    pub fn write_head(&mut self, head: &ResponseHead) {
        self.writer.write_head(head);
    }

    pub async fn write_piece(&mut self, piece: Piece<'_>) -> Result<(), Error> {
        let is_last = piece.is_last();
        if is_last {
            self.in_flight = None;
        }
        self.writer.write_piece(piece).await?;
        if is_last {
            self.end();
        }
        Ok(())
    }

    /// Writes a complete response of a known length; `head` makes its head from the framing.
    pub async fn write_whole(
        &mut self,
        body: &[u8],
        head: impl FnOnce(BodyFraming) -> ResponseHead,
    ) -> Result<(), Error> {
        self.in_flight = None;
        self.writer.write_response(&head(BodyFraming::ContentLength(body.len() as u64)), body).await?;
        self.end();
        Ok(())
    }

    pub async fn write_text(&mut self, status: u16, text: &str) -> Result<(), Error> {
        self.write_whole(text.as_bytes(), |framing| {
            revalidated_head(status, framing).with("Content-Type", TEXT)
        })
        .await
    }

    pub async fn write_empty(&mut self, status: u16) -> Result<(), Error> {
        self.write_head_alone(&revalidated_head(status, BodyFraming::Empty)).await
    }

    /// Writes a response without a body.
    pub async fn write_head_alone(&mut self, head: &ResponseHead) -> Result<(), Error> {
        self.in_flight = None;
        self.writer.write_response(head, &[]).await?;
        self.end();
        Ok(())
    }

    /// Returns the count and the record, for a response that bypasses the codec.
    pub fn into_parts(self) -> (Option<InFlight<'static>>, Option<RecentRequest<'static>>) {
        (self.in_flight, self.record)
    }

    fn end(&mut self) {
        if let Some(record) = self.record.take() {
            record.done();
        }
    }
}
