//! A socket and its two directions.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpStream, tcp};
use tokio::time;

use super::promise::Promised;
use super::timer::Timer;
use crate::Limits;

/// The socket of a connection.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    pub(super) limits: &'static Limits,
    timer: Timer,
}

/// The direction from the peer.
#[derive(Debug)]
pub(super) struct ReadHalf<'a> {
    pub(super) stream: tcp::ReadHalf<'a>,
    pub(super) limits: &'static Limits,
    pub(super) timer: &'a mut Timer,
    /// The bytes of the current piece, if they are still in the socket.
    pub(super) promised: Option<Box<Promised>>,
}

/// The direction to the peer.
#[derive(Debug)]
pub(super) struct WriteHalf<'a> {
    pub(super) stream: tcp::WriteHalf<'a>,
    pub(super) limits: &'static Limits,
}

impl Socket {
    /// Takes over a connected socket.
    pub(super) fn new(stream: TcpStream, limits: &'static Limits) -> Socket {
        // Each message is written as a whole, so waiting for more bytes to send with it only costs time.
        // It fails only if the connection is already gone, which the first read reports.
        let _ = stream.set_nodelay(true);
        Socket { stream, limits, timer: Timer::default() }
    }

    /// Connects within `timeout`.
    pub(super) async fn connect(
        address: &SocketAddr,
        timeout: Duration,
        limits: &'static Limits,
    ) -> io::Result<Socket> {
        time::timeout(timeout, TcpStream::connect(address)).await?.map(|stream| Socket::new(stream, limits))
    }

    /// Returns the two directions.
    pub(super) fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        let Socket { stream, limits, timer } = self;
        let (read, write) = stream.split();
        (ReadHalf { stream: read, limits, timer, promised: None }, WriteHalf { stream: write, limits })
    }

    pub(super) fn options(&self) -> SockRef<'_> {
        SockRef::from(&self.stream)
    }
}

impl WriteHalf<'_> {
    pub(super) fn options(&self) -> SockRef<'_> {
        SockRef::from(self.stream.as_ref())
    }
}
