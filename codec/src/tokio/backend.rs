//! The connection to a backend: writes requests, reads responses.

use std::time::Instant;

use super::request_writer::RequestWriter;
use super::response_reader::ResponseReader;
use super::reuse::Reuse;
use super::socket::Socket;
use crate::backend_state::BackendState;
use crate::connect_failure::ConnectFailure;
use crate::{BackendAddress, Error, Limits, Persistence, RequestHead};

/// A connection to a backend, for one exchange at a time.
#[derive(Debug)]
pub struct BackendConnection(
    /// Boxed, because a pool moves it often.
    pub(super) Box<Inner>,
);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) socket: Socket,
    pub(super) state: BackendState,
    pub(super) reuse: Reuse,
}

impl BackendConnection {
    /// Connects to the first address that answers, within [`Limits::connect_timeout`] for all of them.
    /// May be dropped.
    ///
    /// # Errors
    /// Blames the backend if none of its addresses accepts, and this proxy if no descriptor or port is left.
    /// Of several failures, the most informative is reported.
    pub async fn connect(
        backend: &BackendAddress,
        limits: &'static Limits,
    ) -> Result<BackendConnection, Error> {
        let deadline = Instant::now() + limits.connect_timeout;
        let mut failure = ConnectFailure::default();
        for (address, left) in backend.addresses().iter().zip((1..=backend.addresses().len() as u32).rev()) {
            // Each address gets its share of the time, so that an unresponsive address does not hide the next.
            let share = deadline.saturating_duration_since(Instant::now()) / left;
            match Socket::connect(address, share, limits).await {
                Ok(socket) => return Ok(BackendConnection::new(socket, backend)),
                Err(error) => failure.add(address, error),
            }
        }
        Err(failure.into_error(backend))
    }

    fn new(socket: Socket, backend: &BackendAddress) -> BackendConnection {
        BackendConnection(Box::new(Inner {
            socket,
            state: BackendState::new(backend),
            reuse: Reuse::default(),
        }))
    }

    /// Makes the next request the last: it carries `Connection: close` (RFC 9112 section 9.6).
    pub fn close_after_response(&mut self) {
        self.0.state.request.persistence = Persistence::Close;
    }

    /// Returns the two directions of an exchange.
    pub fn split(&mut self, request: &RequestHead) -> (RequestWriter<'_>, ResponseReader<'_>) {
        self.0.state.begin_exchange(request);
        self.0.reuse.begin_exchange();
        let (read, write) = self.0.socket.split();
        let BackendState { request, response, signals } = &mut self.0.state;
        let writer = RequestWriter { stream: write, state: request, signals };
        let reader = ResponseReader { stream: read, state: response, signals, reuse: &mut self.0.reuse };
        (writer, reader)
    }
}
