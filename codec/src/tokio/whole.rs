//! Reads and writes complete messages: for programs that answer requests themselves, and for those that send requests.
//!
//! Invariant: nothing is kept in memory without a bound.

use super::{ClientConnection, ResponseReader, ResponseWriter};
use crate::{BodyFraming, Error, Piece, RequestHead, ResponseHead, body};

impl ClientConnection {
    /// Reads the complete body of the request that [`read_request`](ClientConnection::read_request) returned.
    /// Sends a 100 (Continue) first if the client may be waiting for it. The future must not be dropped.
    ///
    /// # Errors
    /// As for [`RequestBody::next_piece`](super::RequestBody::next_piece). Blames the client also if the body
    /// exceeds `max_bytes`, which is answered 413.
    pub async fn read_body(&mut self, request: &RequestHead, max_bytes: usize) -> Result<Vec<u8>, Error> {
        // RFC 9110 section 10.1.1: a final response replaces the 100, so that the body is not sent in vain.
        body::check_length(request.framing(), max_bytes)?;
        let (mut request_body, mut to_client) = self.split();
        to_client.write_continue().await?;
        let mut whole = Vec::new();
        while let Some(piece) = request_body.next_piece().await? {
            body::collect(&mut whole, &piece, max_bytes)?;
        }
        Ok(whole)
    }
}

impl ResponseWriter<'_> {
    /// Sends a 100 (Continue) if the client may be waiting for it before it sends the body
    /// (RFC 9110 section 10.1.1). The future must not be dropped.
    ///
    /// # Errors
    /// As [`write_interim`](ResponseWriter::write_interim).
    pub async fn write_continue(&mut self) -> Result<(), Error> {
        if self.state.awaits_continue {
            self.write_interim(&ResponseHead::new(100, BodyFraming::Empty)).await?;
        }
        Ok(())
    }

    /// Sends a complete response: the head, and a body of the length that it announces. The future must not be dropped.
    ///
    /// # Errors
    /// As [`write_piece`](ResponseWriter::write_piece).
    pub async fn write_response(&mut self, head: &ResponseHead, body: &[u8]) -> Result<(), Error> {
        self.write_head(head);
        self.write_piece(Piece::last(body)).await?;
        Ok(())
    }
}

impl ResponseReader<'_> {
    /// Reads the head of the final response, and discards interim responses before it
    /// (RFC 9110 section 15.2). May be dropped and called again.
    ///
    /// # Errors
    /// As [`read_response`](ResponseReader::read_response).
    pub async fn read_final_response(&mut self) -> Result<ResponseHead, Error> {
        loop {
            let head = self.read_response().await?;
            if !head.is_interim() {
                return Ok(head);
            }
        }
    }

    /// Reads the complete body of the response. If the future is dropped, the bytes that it has read are lost.
    ///
    /// # Errors
    /// As for [`next_piece`](ResponseReader::next_piece). Blames the backend also if the body exceeds
    /// `max_bytes` ([`Refusal::BodyTooLarge`](crate::Refusal::BodyTooLarge)).
    pub async fn read_body(&mut self, max_bytes: usize) -> Result<Vec<u8>, Error> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next_piece().await? {
            body::collect(&mut whole, &piece, max_bytes).map_err(Error::backend)?;
        }
        Ok(whole)
    }
}
