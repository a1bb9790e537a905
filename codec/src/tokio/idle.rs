//! A client that waits between two requests. It holds no state, no buffer and no timer.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Instant;

use super::client::{ClientConnection, Inner};
use super::connections::ClientStream;
use crate::Cause;

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
    /// The bytes, the sweep or the stop of the server wake it.
    fn poll_first_bytes(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<Result<(), Cause>> {
        if self.guard.is_closing() {
            return Poll::Ready(Err(Cause::Stopped));
        }
        let was_idle = match self.state.held() {
            Some(state) => {
                state.decoder.release();
                false
            }
            None => true,
        };
        let (mut stream, _) = self.socket.split();
        if stream.stream.as_ref().poll_read_ready(cx)?.is_ready() {
            if let read @ Poll::Ready(_) = stream.poll_read(cx, &mut self.state.get().decoder) {
                self.guard.end_wait();
                return read;
            }
            // The runtime takes a new socket for readable.
            if was_idle {
                self.state.stay_idle();
            }
        }
        stream.timer.free_if_elapsed();
        self.guard.poll_end(cx, deadline, stream.limits.idle_timeout).map(Err)
    }
}

#[cfg(all(test, target_os = "linux", target_pointer_width = "64"))]
mod tests {
    use super::Inner;

    #[test]
    fn an_idle_connection_fits_between_two_aligned_allocations() {
        // The allocator of glibc leaves room for 104 bytes before an allocation that is aligned to 128 bytes, and tokio
        // makes two of these for each client. mio adds 8 bytes to a socket in a debug build.
        const MAX_BYTES: usize = if cfg!(debug_assertions) { 112 } else { 104 };
        assert!(size_of::<Inner>() <= MAX_BYTES, "{} bytes, at most {MAX_BYTES} may be", size_of::<Inner>());
    }
}
