//! A client that waits between two requests. It holds no state and no buffer, and the stop of the server wakes it.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use super::client::{ClientConnection, Inner};
use super::connections::ClientStream;
use crate::{Cause, Wait};

impl ClientConnection {
    /// Reads the first bytes of a request; an error if none will arrive.
    pub(super) fn read_first_bytes(&mut self, deadline: Instant) -> impl Future<Output = Result<(), Cause>> {
        poll_fn(move |cx| self.0.poll_first_bytes(cx, deadline))
    }

    /// Returns the socket and the bytes that arrived after the request: for a tunnel, or any protocol that is not HTTP.
    pub fn into_socket(mut self) -> (ClientStream, Vec<u8>) {
        let unread = self.0.state.get().decoder.take_unread();
        (ClientStream { stream: self.0.socket.stream, guard: self.0.guard }, unread)
    }
}

impl Inner {
    /// The bytes, the timer or the stop of the server wake it.
    fn poll_first_bytes(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<Result<(), Cause>> {
        if self.guard.poll_closing(cx) {
            return Poll::Ready(Err(Cause::Stopped));
        }
        let (mut stream, _) = self.socket.split();
        match self.state.held() {
            Some(state) => state.decoder.release(),
            None => ready!(stream.poll_readable(cx, Wait::Head, deadline))?,
        }
        stream.poll_fill(cx, &mut self.state.get().decoder, Wait::Head, deadline)
    }
}
