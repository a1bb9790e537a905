//! The connection to a backend: writes requests, reads responses.

use std::time::Instant;

use super::request_writer::RequestWriter;
use super::response_reader::ResponseReader;
use super::socket::Socket;
use crate::backend_state::BackendState;
use crate::connect_failure::ConnectFailure;
use crate::{BackendAddress, Error, Limits, Persistence, RequestHead};

/// A connection to a backend, for one exchange at a time.
#[derive(Debug)]
pub struct BackendConnection {
    socket: Socket,
    state: BackendState,
}

impl BackendConnection {
    /// Connects to the first address that answers, within [`Limits::connect_timeout`] for all of them.
    ///
    /// # Errors
    /// Blames the backend if none of its addresses accepts, and this proxy if no descriptor or port is left.
    /// Of several failures, the most informative is reported.
    pub fn connect(backend: &BackendAddress, limits: &'static Limits) -> Result<BackendConnection, Error> {
        let deadline = Instant::now() + limits.connect_timeout;
        let mut failure = ConnectFailure::default();
        for (address, left) in backend.addresses().iter().zip((1..=backend.addresses().len() as u32).rev()) {
            // Each address gets its share of the time, so that an unresponsive address does not hide the next.
            let share = deadline.saturating_duration_since(Instant::now()) / left;
            match Socket::connect(address, share, limits) {
                Ok(socket) => return Ok(BackendConnection::new(socket, backend)),
                Err(error) => failure.add(address, error),
            }
        }
        Err(failure.into_error(backend))
    }

    fn new(socket: Socket, backend: &BackendAddress) -> BackendConnection {
        BackendConnection { socket, state: BackendState::new(backend) }
    }

    /// Makes the next request the last: it carries `Connection: close` (RFC 9112 section 9.6).
    pub fn close_after_response(&mut self) {
        self.state.request.persistence = Persistence::Close;
    }

    /// Returns the two directions of an exchange.
    pub fn split(&mut self, request: &RequestHead) -> (RequestWriter<'_>, ResponseReader<'_>) {
        self.state.begin_exchange(request);
        let (read, write) = self.socket.split();
        let BackendState { request, response, signals } = &mut self.state;
        let writer = RequestWriter { stream: write, state: request, signals };
        let reader = ResponseReader { stream: read, state: response, signals };
        (writer, reader)
    }
}
