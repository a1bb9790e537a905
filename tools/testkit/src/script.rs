//! The operations of a scripted backend on one connection: read requests, answer, wait, close early.
//!
//! Everything it reads is added to the backend's record as it arrives.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crate::Head;
use crate::PATIENCE;
use crate::record::{Received, Shared};
use crate::wire::{End, Framing, Wire};

/// The most bytes of a body, and of all connections, that are kept in the record. All bytes are counted.
const KEPT_BYTES: usize = 16 * 1024 * 1024;

/// A connection that a backend has accepted.
pub struct Connection {
    wire: Wire,
    shared: Arc<Shared>,
    framing: Framing,
    /// The index of the current request in the record.
    request: usize,
    is_in_flight: bool,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, shared: Arc<Shared>) -> io::Result<Connection> {
        // Makes the close wait until the peer's system has acknowledged it. It is counted as closed after
        // that.
        socket2::SockRef::from(&stream).set_linger(Some(PATIENCE))?;
        let mut wire = Wire::new(stream, PATIENCE)?;
        let record = Arc::clone(&shared);
        wire.record(move |bytes| {
            record.change(|record| {
                let room = KEPT_BYTES.saturating_sub(record.bytes.len());
                record.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
            });
        });
        Ok(Connection { wire, shared, framing: Framing::Empty, request: 0, is_in_flight: false })
    }

    /// Sets the timeout of each read and write, in place of [`PATIENCE`].
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.wire.stream.set_read_timeout(Some(patience))?;
        self.wire.stream.set_write_timeout(Some(patience))
    }

    /// The address of the other side.
    pub fn peer(&self) -> io::Result<SocketAddr> {
        self.wire.stream.peer_addr()
    }

    /// Reads the head of the next request, which is then in flight; `None` if there is none.
    pub fn read_head(&mut self) -> io::Result<Option<Head>> {
        let Some(head) = self.wire.read_head()? else {
            return Ok(None);
        };
        self.framing = head.framing()?.unwrap_or(Framing::Empty);
        self.is_in_flight = true;
        let received = Received { head: head.clone(), ..Received::default() };
        self.request = self.shared.change(|record| {
            record.in_flight += 1;
            record.in_flight_max = record.in_flight_max.max(record.in_flight);
            record.requests.push(received);
            record.requests.len() - 1
        });
        Ok(Some(head))
    }

    /// Reads the body of the current request into the record.
    pub fn read_body(&mut self) -> io::Result<End> {
        self.pass_body(true, |_, _| Ok(()))
    }

    /// Reads the body of the current request and sends each piece back in a chunk as it arrives. The record
    /// counts the body and does not keep it.
    pub fn echo_body(&mut self) -> io::Result<End> {
        self.pass_body(false, |mut stream, piece| {
            use io::Write;
            if piece.is_empty() {
                return Ok(());
            }
            let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            stream.write_all(&chunk)
        })
    }

    /// Reads the next complete request; `None` if there is none.
    pub fn read_request(&mut self) -> io::Result<Option<Head>> {
        let head = self.read_head()?;
        match head.is_some() && self.read_body()? != End::Framed {
            true => Ok(None),
            false => Ok(head),
        }
    }

    /// Sends the end of an answer. The current request is no longer in flight.
    pub fn answer(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        // Before the bytes are sent, because the next request may arrive at once.
        self.land();
        self.send(bytes)
    }

    /// Sends bytes of an answer that continues.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.send(bytes.as_ref())
    }

    /// Waits until the test calls [`release`](crate::Backend::release). Each release ends one wait.
    pub fn wait_for_release(&self) -> io::Result<()> {
        self.shared.wait_until("a release", PATIENCE, |record| {
            let is_released = record.released > 0;
            record.released -= usize::from(is_released);
            is_released
        })
    }

    /// Waits until `count` requests are in flight; false if `patience` elapses first.
    pub fn wait_for_in_flight(&self, count: usize, patience: Duration) -> bool {
        self.shared.wait_until("requests", patience, |record| record.in_flight >= count).is_ok()
    }

    /// Half-closes the connection.
    pub fn half_close(&self) -> io::Result<()> {
        self.wire.half_close()
    }

    /// Makes the connection end with a reset when the script ends.
    pub fn reset(&self) -> io::Result<()> {
        self.wire.reset()
    }

    /// Reads and discards bytes until the other side ends the connection.
    pub fn wait_for_end(&mut self) -> io::Result<End> {
        self.wire.read_to_end().map(|(_, end)| end)
    }

    /// Reads all bytes until the other side ends the connection, and returns how it ends.
    pub fn read_to_end(&mut self) -> io::Result<(Vec<u8>, End)> {
        self.wire.read_to_end()
    }

    /// The next `count` bytes, unchanged; fewer only if the connection ends first.
    pub fn read_bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        self.wire.read_bytes(count)
    }

    fn pass_body(
        &mut self,
        is_kept: bool,
        mut pass: impl FnMut(&TcpStream, &[u8]) -> io::Result<()>,
    ) -> io::Result<End> {
        let stream = Arc::clone(&self.wire.stream);
        let (shared, index) = (Arc::clone(&self.shared), self.request);
        let (end, trailers) = self.wire.read_body(self.framing, &mut |piece| {
            shared.change(|record| {
                let request = &mut record.requests[index];
                request.body_bytes += piece.len() as u64;
                let room = if is_kept { KEPT_BYTES.saturating_sub(request.body.len()) } else { 0 };
                request.body.extend_from_slice(&piece[..piece.len().min(room)]);
            });
            pass(&stream, piece)
        })?;
        self.shared.change(|record| {
            record.requests[index].trailers = trailers;
            record.requests[index].ended = Some(end);
        });
        Ok(end)
    }

    fn land(&mut self) {
        if std::mem::take(&mut self.is_in_flight) {
            self.shared.change(|record| record.in_flight -= 1);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.land();
        self.wire.end();
    }
}
