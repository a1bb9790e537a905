//! Messages that are read or written whole: for programs that answer by themselves, and for those that ask.
//!
//! Invariant: nothing is kept in memory without a bound.

use super::{ClientConnection, ResponseReader, ResponseWriter};
use crate::{BodyFraming, Error, Piece, RequestHead, ResponseHead, body};

impl ClientConnection {
    /// Reads the whole body of the request that [`read_request`](ClientConnection::read_request) returned. If the client
    /// may wait for a 100 (Continue), it is sent first. Not to be dropped.
    ///
    /// # Errors
    /// The client's: as [`RequestBody::next_piece`](super::RequestBody::next_piece), and a body of more than `max_bytes`,
    /// answered 413.
    pub async fn read_body(&mut self, request: &RequestHead, max_bytes: usize) -> Result<Vec<u8>, Error> {
        // RFC 9110 section 10.1.1: a final response in place of the 100, so that the body is not sent in vain.
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
    /// Sends a 100 (Continue) if the client may wait for it with its body (RFC 9110 section 10.1.1). Not to be dropped.
    ///
    /// # Errors
    /// As [`write_interim`](ResponseWriter::write_interim).
    pub async fn write_continue(&mut self) -> Result<(), Error> {
        if self.state.awaits_continue {
            self.write_interim(&ResponseHead::new(100, BodyFraming::Empty)).await?;
        }
        Ok(())
    }

    /// Sends a whole response: the head, and a body of the length that it announces. Not to be dropped.
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
    /// Reads the head of the final response, and discards the interim ones before it (RFC 9110 section 15.2). May be
    /// dropped and called again.
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

    /// Reads the whole body of the response. If it is dropped, what it has read is lost.
    ///
    /// # Errors
    /// The backend's: as [`next_piece`](ResponseReader::next_piece), and a body of more than `max_bytes`
    /// ([`Refusal::BodyTooLarge`](crate::Refusal::BodyTooLarge)).
    pub async fn read_body(&mut self, max_bytes: usize) -> Result<Vec<u8>, Error> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next_piece().await? {
            body::collect(&mut whole, &piece, max_bytes).map_err(Error::backend)?;
        }
        Ok(whole)
    }
}
