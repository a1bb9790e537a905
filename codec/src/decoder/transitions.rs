//! The transitions of an incoming message: from a head to its body, to the next head, or to a refusal.

use super::{Body, Decoder, State};
use crate::body::BodyDecoder;
use crate::head::HeadDecoder;
use crate::names::Name;
use crate::{BodyFraming, Decoded, Expected, Limits, Refusal, RequestHead, ResponseHead};

impl Decoder {
    /// Begins the next message if the last one has ended.
    pub(super) fn next_message(&mut self) -> Result<(), Refusal> {
        if self.has_ended() {
            self.state = State::default();
        }
        match self.state {
            State::Head { .. } => Ok(()),
            // Not an error of the message, so it is not stored: the body can still be decoded.
            State::Body(_) => Err(Refusal::UnreadBody),
            State::Refused(refusal) => Err(refusal),
        }
    }

    /// The result for an incomplete head: more of it may arrive, or no head has begun.
    fn no_head<T>(&self, is_begun: bool) -> Result<Option<T>, Refusal> {
        // RFC 9112 section 8: a message that the end of the connection truncates is incomplete.
        match self.at_end_of_file && (is_begun || !matches!(self.buffer.unread(), b"" | b"\r")) {
            true => Err(Refusal::IncompleteHead),
            false => Ok(None),
        }
    }

    pub(super) fn refuse_on_error<T>(&mut self, result: Result<T, Refusal>) -> Result<T, Refusal> {
        if let Err(refusal) = result {
            self.state = State::Refused(refusal);
        }
        result
    }

    pub(super) fn request_head(&mut self, limits: &Limits) -> Result<Option<RequestHead>, Refusal> {
        let State::Head { decoder, .. } = &mut self.state else {
            return Ok(None);
        };
        let Some(head) = decoder.request(&mut self.buffer, limits)? else {
            return self.no_head(false);
        };
        self.start_body(head.framing(), true);
        Ok(Some(head))
    }

    pub(super) fn response_head(
        &mut self,
        expected: Expected,
        limits: &Limits,
    ) -> Result<Option<ResponseHead>, Refusal> {
        let State::Head { decoder, interim_responses } = &mut self.state else {
            return Ok(None);
        };
        let Some(head) = decoder.response(&mut self.buffer, expected.response_to, limits)? else {
            let follows_interim = *interim_responses > 0;
            return self.no_head(follows_interim);
        };
        if head.is_interim() {
            // RFC 9110 section 15.2: any number may arrive. The bound stops an endless stream from a broken backend.
            if *interim_responses == limits.max_interim_responses {
                return Err(Refusal::TooManyInterimResponses);
            }
            *interim_responses += 1;
            *decoder = HeadDecoder::default();
            return Ok(Some(head));
        }
        // RFC 9110 section 15.2.2: 101 answers an Upgrade. Without an Upgrade, the bytes after it have no meaning.
        if head.status() == 101 && !expected.upgrade {
            return Err(Refusal::SwitchedProtocolsUnasked);
        }
        // RFC 9110 section 15.2.2: a 101 MUST name the protocol that is in effect after it.
        if head.status() == 101 && !head.fields.has(Name::Upgrade) {
            return Err(Refusal::SwitchedProtocolsUnnamed);
        }
        self.start_body(head.framing(), false);
        Ok(Some(head))
    }

    fn start_body(&mut self, framing: BodyFraming, is_bounded: bool) {
        let decoder = BodyDecoder::new(framing);
        self.state = State::Body(Body { decoder, has_piece: true, has_ended: false, is_bounded, decoded: 0 });
    }

    pub(super) fn body_piece(&mut self, limits: &Limits) -> Result<Decoded, Refusal> {
        let body = match &mut self.state {
            State::Body(body) => body,
            State::Refused(refusal) => return Err(*refusal),
            State::Head { .. } => return Ok(Decoded::End),
        };
        if body.has_ended {
            return Ok(Decoded::End);
        }
        let start = self.buffer.start();
        let part = body.decoder.decode(self.buffer.unread_mut(), self.at_end_of_file, limits)?;
        self.buffer.consume(part.consumed);
        self.piece = start + part.content.start..start + part.content.end;
        body.decoded += self.piece.len() as u64;
        // RFC 9110 section 15.5.14: a body without an announced length is rejected when it grows too large.
        if body.is_bounded && limits.max_body_bytes.is_some_and(|max| body.decoded > max) {
            return Err(Refusal::BodyTooLarge);
        }
        body.has_ended = part.end;
        if self.piece.is_empty() && !part.end && !body.has_piece {
            // RFC 9112 section 8: a body that the end of the connection truncates is incomplete.
            return if self.at_end_of_file { Err(Refusal::IncompleteBody) } else { Ok(Decoded::NeedsMore) };
        }
        body.has_piece = false;
        Ok(Decoded::Piece)
    }
}
