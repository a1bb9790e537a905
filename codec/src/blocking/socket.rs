//! A socket and its two directions.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use super::tick;
use crate::Limits;

/// The socket of a connection.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    pub(super) limits: &'static Limits,
}

/// The direction from the peer.
#[derive(Debug)]
pub(super) struct ReadHalf<'a> {
    pub(super) stream: &'a TcpStream,
    pub(super) limits: &'static Limits,
}

/// The direction to the peer.
#[derive(Debug)]
pub(super) struct WriteHalf<'a> {
    pub(super) stream: &'a TcpStream,
    pub(super) limits: &'static Limits,
}

impl Socket {
    /// Takes over a connected socket.
    pub(super) fn new(stream: TcpStream, limits: &'static Limits) -> Socket {
        // Each message is written as a whole, so waiting for more bytes to send with it only costs time.
        // It fails only if the connection is already gone, which the first read reports.
        let _ = stream.set_nodelay(true);
        let _ = tick::set_timeouts(&stream);
        Socket { stream, limits }
    }

    /// Connects within `timeout`.
    pub(super) fn connect(
        address: &SocketAddr,
        timeout: Duration,
        limits: &'static Limits,
    ) -> io::Result<Socket> {
        if timeout.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        TcpStream::connect_timeout(address, timeout).map(|stream| Socket::new(stream, limits))
    }

    /// Returns the two directions.
    pub(super) fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        let Socket { stream, limits } = self;
        (ReadHalf { stream, limits }, WriteHalf { stream, limits })
    }

    pub(super) fn options(&self) -> SockRef<'_> {
        SockRef::from(&self.stream)
    }
}

impl WriteHalf<'_> {
    pub(super) fn options(&self) -> SockRef<'_> {
        SockRef::from(self.stream)
    }
}
