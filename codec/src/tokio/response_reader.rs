//! The response's half of an exchange, on the backend's side.

use std::future::poll_fn;

use tokio::net::tcp::ReadHalf;
use tokio::time::Instant;

use super::borrowed::{Borrow, may_return};
use super::socket;
use super::timer::Timer;
use crate::both_ways::stops_upload;
use crate::signal::{ResponseEnd, Signal};
use crate::{
    BodyFraming, Cause, Decoded, Decoder, Error, Expected, Limits, Persistence, Piece, ResponseHead, Wait,
};

/// What a response means for the connection that it arrived on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseState {
    /// No byte of the response was received.
    Nothing,
    /// The response has begun.
    Begun,
    /// The head was received, and says whether another exchange may follow.
    Head(Persistence),
    /// As `Head`, and no byte of a body follows the head.
    BareHead(Persistence),
    /// The response was 101: a tunnel follows.
    SwitchedProtocols,
}

/// The response, as received from the backend. Dropping it before the response is complete stops the upload
/// of the request.
#[derive(Debug)]
pub struct ResponseReader<'a> {
    pub(super) stream: ReadHalf<'a>,
    pub(super) limits: &'static Limits,
    pub(super) decoder: &'a mut Decoder,
    pub(super) timer: &'a mut Timer,
    pub(super) expected: Expected,
    /// The deadline of the head. Its time starts with the first wait for the head.
    pub(super) head_deadline: Option<Instant>,
    pub(super) state: &'a mut ResponseState,
    pub(super) request_progressed: &'a Signal,
    pub(super) borrow: &'a mut Option<Borrow>,
    pub(super) began: &'a Signal,
    pub(super) end: &'a ResponseEnd,
    pub(super) stops_upload: bool,
}

impl Drop for ResponseReader<'_> {
    /// Releases the buffer, so that an idle connection in a pool holds none.
    fn drop(&mut self) {
        self.decoder.release();
        self.end.complete_or_stop();
    }
}

impl ResponseReader<'_> {
    /// Reads the head of a response, interim or final, for [`Limits::response_head_timeout`] at most,
    /// counted from the last piece of the request that left. May be dropped and called again.
    ///
    /// # Errors
    /// Blames the backend if the response breaks a rule, arrives too late, or does not arrive.
    pub async fn read_response(&mut self) -> Result<ResponseHead, Error> {
        loop {
            if let Some(head) =
                self.decoder.decode_response(self.expected, self.limits).map_err(Error::backend)?
            {
                self.head_deadline = None;
                let persistence = head.persistence(self.expected.response_to);
                *self.state = match head.framing() {
                    _ if head.status() == 101 => ResponseState::SwitchedProtocols,
                    BodyFraming::Empty | BodyFraming::ContentLength(0) => {
                        ResponseState::BareHead(persistence)
                    }
                    _ => ResponseState::Head(persistence),
                };
                if !head.is_interim() && !may_return(&head, persistence) {
                    *self.borrow = None;
                }
                self.stops_upload = stops_upload(head.status());
                if !head.is_interim() {
                    self.began.set();
                }
                return Ok(head);
            }
            self.fill(Wait::Head).await.map_err(Error::backend)?;
        }
    }

    /// Returns the next piece of the body, or `None` after the last. The first call does not wait: it returns
    /// what arrived with the head. May be dropped and called again.
    ///
    /// # Errors
    /// Blames the backend if the framing is invalid, if the body pauses for longer than
    /// [`Limits::response_body_timeout`], or if it ends too early.
    pub async fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        loop {
            match self.decoder.decode_piece(self.limits).map_err(Error::backend)? {
                Decoded::Piece => return Ok(Some(self.decoder.piece())),
                Decoded::End => {
                    // The caller has processed the last piece.
                    self.end.complete(self.stops_upload);
                    return Ok(None);
                }
                Decoded::NeedsMore => self.fill(Wait::Body).await.map_err(Error::backend)?,
            }
        }
    }

    async fn fill(&mut self, wait: Wait) -> Result<(), Cause> {
        let timeout = match wait {
            Wait::Head => self.limits.response_head_timeout,
            _ => self.limits.response_body_timeout,
        };
        // A response cannot be late while the request is being sent.
        if self.request_progressed.clear() {
            self.head_deadline = None;
        }
        let now = Instant::now();
        let mut deadline = now + timeout;
        if wait == Wait::Head {
            // The bound is a total, because a backend that sends a byte now and then would never exceed one
            // between bytes.
            deadline = *self.head_deadline.get_or_insert(deadline);
            if now >= deadline {
                return Err(Cause::TimedOut(wait));
            }
        }
        let filled = poll_fn(|cx| {
            if self.request_progressed.clear() {
                deadline = Instant::now() + timeout;
                self.head_deadline = Some(deadline);
            }
            let waiting = (&mut *self.timer, deadline, wait);
            socket::poll_fill(cx, &mut self.stream, self.decoder, self.limits, waiting)
        });
        filled.await?;
        if *self.state == ResponseState::Nothing && !self.decoder.is_at_end_of_file() {
            *self.state = ResponseState::Begun;
        }
        Ok(())
    }
}
