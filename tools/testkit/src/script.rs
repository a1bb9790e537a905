//! What a scripted backend can do with one connection: read requests, answer, wait, break off.
//!
//! All that it reads goes into the backend's record as it comes.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crate::PATIENCE;
use crate::record::{Received, Shared};
use crate::wire::{End, Framing, Head, Wire};

/// The most bytes of a body, and of a connection, that are kept in the record; all are counted.
const KEPT_BYTES: usize = 16 * 1024 * 1024;

/// A connection that a backend has accepted.
pub struct Connection {
    wire: Wire,
    shared: Arc<Shared>,
    framing: Framing,
    /// The place of the current request in the record.
    request: usize,
    is_in_flight: bool,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, shared: Arc<Shared>) -> io::Result<Connection> {
        // To close it then takes until the other side's system has been told: it is counted as closed after that.
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

    /// Makes each read and write give up after that time, in the place of [`PATIENCE`].
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.wire.stream.set_read_timeout(Some(patience))?;
        self.wire.stream.set_write_timeout(Some(patience))
    }

    /// Where the connection comes from.
    pub fn peer(&self) -> io::Result<SocketAddr> {
        self.wire.stream.peer_addr()
    }

    /// Reads the head of the next request, which is in flight from then on; `None` if there is none.
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

    /// Reads the body of the current request, and sends each piece back in a chunk as it comes. It is counted
    /// in the record and not kept.
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

    /// Reads the next request whole; `None` if there is none.
    pub fn read_request(&mut self) -> io::Result<Option<Head>> {
        let head = self.read_head()?;
        match head.is_some() && self.read_body()? != End::Framed {
            true => Ok(None),
            false => Ok(head),
        }
    }

    /// Sends the end of an answer: the current request is no longer in flight.
    pub fn answer(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        // Before the bytes leave: the next request may come at once.
        self.land();
        self.send(bytes)
    }

    /// Sends bytes of an answer that goes on.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.send(bytes.as_ref())
    }

    /// Waits until the test calls [`release`](crate::Backend::release): each release ends one wait.
    pub fn wait_for_release(&self) -> io::Result<()> {
        self.shared.wait_until("a release", PATIENCE, |record| {
            let is_released = record.released > 0;
            record.released -= usize::from(is_released);
            is_released
        })
    }

    /// Waits for so many requests to be in flight; false if they are not after `patience`.
    pub fn wait_for_in_flight(&self, count: usize, patience: Duration) -> bool {
        self.shared.wait_until("requests", patience, |record| record.in_flight >= count).is_ok()
    }

    /// Says that nothing more will be sent.
    pub fn half_close(&self) -> io::Result<()> {
        self.wire.half_close()
    }

    /// Makes the connection end with a reset, once the script ends.
    pub fn reset(&self) -> io::Result<()> {
        self.wire.reset()
    }

    /// Reads, and throws away, until the other side ends the connection.
    pub fn wait_for_end(&mut self) -> io::Result<End> {
        self.wire.read_to_end().map(|(_, end)| end)
    }

    /// All bytes until the other side ends the connection, and how it ends.
    pub fn read_to_end(&mut self) -> io::Result<(Vec<u8>, End)> {
        self.wire.read_to_end()
    }

    /// The next bytes as they are: fewer only if the connection ends before.
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
    }
}
