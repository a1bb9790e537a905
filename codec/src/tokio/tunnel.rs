//! A tunnel: bytes flow both ways between a client and a backend (RFC 9110 section 7.8). Their content is not
//! inspected: docs/src/limits.md.
//!
//! Invariant: an end of file is forwarded as an end of file. Any other end of a tunnel resets both
//! connections, so that neither side takes it for an ordinary end. Bytes that a side sent before it failed
//! are still forwarded.

use std::io::{self, ErrorKind};
use std::sync::OnceLock;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::{select, try_join};

use super::backend::BackendConnection;
use super::client::ClientConnection;
use super::poll::error_of;
use super::socket::{ReadHalf, Socket, WriteHalf};
use crate::buffer::ReadBuffer;
use crate::patience::Patience;
use crate::{Cause, Error, Limits, socket_options};

/// The number of keep-alive probes without an answer after which a peer is considered gone.
const PROBES: u32 = 4;

impl ClientConnection {
    /// If the response was 101, copies bytes in both directions until both sides have ended
    /// (RFC 9110 section 7.8). After any other response it does nothing. The end of one side is forwarded, and the
    /// other direction continues. If this is dropped, both connections are reset when they are closed.
    ///
    /// # Errors
    /// Blames the side that failed, is gone, or accepted nothing for [`Limits::tunnel_timeout`].
    pub async fn tunnel(&mut self, backend: &mut BackendConnection) -> Result<(), Error> {
        if !self.0.state.get().response.has_switched_protocols() {
            return Ok(());
        }
        // No HTTP request follows a tunnel, however the tunnel ends.
        self.0.state.get().close_after_response();
        let limits = self.0.socket.limits;
        let unread = self.0.state.get().decoder.take_unread();
        let client = Side { socket: &mut self.0.socket, unread, blame: Error::client };
        let unread = backend.0.state.response.decoder.take_unread();
        let backend = Side { socket: &mut backend.0.socket, unread, blame: Error::backend };
        let mut to_client = 0;
        // Boxed, because few exchanges get here.
        let outcome = Box::pin(run(client, backend, limits, &mut to_client)).await;
        self.0.state.get().tunnelled(to_client);
        // Nothing more is read from the client, so `close` does not wait for it.
        self.0.state.get().decoder.filled(0);
        outcome
    }
}

/// A side of a tunnel: its connection, the bytes that arrived right after its head, and the error that blames it.
struct Side<'a> {
    socket: &'a mut Socket,
    unread: Vec<u8>,
    blame: fn(Cause) -> Error,
}

/// Copies bytes in both directions until both sides have ended; the end of one side does not end the other.
/// Adds the number of bytes sent to the client to `to_client`. If this is dropped, both connections are reset
/// when they are closed.
///
/// # Errors
/// Blames the side that failed, is gone, or accepted nothing for [`Limits::tunnel_timeout`].
async fn run(client: Side<'_>, backend: Side<'_>, limits: &Limits, to_client: &mut u64) -> Result<(), Error> {
    for socket in [&*client.socket, &*backend.socket] {
        // Fails only if the connection is already gone, which the first read reports.
        let _ = find_dead_peer(&socket.options(), limits.tunnel_timeout);
        // Set until the tunnel has ended in order, because the future may also be dropped.
        socket_options::reset_on_close(&socket.options(), true);
    }
    let (from_client, into_client) = client.socket.split();
    let (from_backend, into_backend) = backend.socket.split();
    let mut to_backend = 0;
    let failure = OnceLock::new();
    let upload = copy(
        (from_client, client.blame),
        client.unread,
        (into_backend, backend.blame),
        (limits, &failure),
        &mut to_backend,
    );
    let download = copy(
        (from_backend, backend.blame),
        backend.unread,
        (into_client, client.blame),
        (limits, &failure),
        to_client,
    );
    let copied = try_join!(upload, download).map(drop);
    let copied = failure.into_inner().map_or(copied, Err);
    if copied.is_ok() {
        socket_options::reset_on_close(&client.socket.options(), false);
        socket_options::reset_on_close(&backend.socket.options(), false);
    }
    copied
}

/// Makes the system detect within `timeout` that the peer is gone. A live peer answers the probes, so an idle
/// connection stays open.
fn find_dead_peer(socket: &SockRef<'_>, timeout: Duration) -> io::Result<()> {
    let idle = timeout / 2;
    let probes = TcpKeepalive::new().with_time(idle).with_interval(idle / PROBES).with_retries(PROBES);
    socket.set_tcp_keepalive(&probes)?;
    // While bytes are in flight, the system sends no probes, and retransmits the bytes for a quarter of an hour.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    socket.set_tcp_user_timeout(Some(timeout))?;
    Ok(())
}

/// Why copying failed before `from` ended.
enum Failed {
    Reading(io::Error),
    Writing(Cause),
}

/// Copies one direction until `from` ends. If `to` fails, the failure is stored in `failure` and is not
/// returned: the other direction still reads what `to` sent before it failed, and then ends too.
async fn copy(
    (mut from, blame_reader): (ReadHalf<'_>, fn(Cause) -> Error),
    unread: Vec<u8>,
    (mut to, blame_writer): (WriteHalf<'_>, fn(Cause) -> Error),
    (limits, failure): (&Limits, &OnceLock<Error>),
    copied: &mut u64,
) -> Result<(), Error> {
    let mut ended = copy_to_end(&mut from, unread, &mut to, limits, copied).await;
    // After a failure, an end of file may be a reset whose error was already taken, so it is not forwarded.
    if ended.is_ok() && failure.get().is_none() {
        ended = to.stream.shutdown().await.map_err(|error| Failed::Writing(error.into()));
    }
    match ended {
        Ok(()) => Ok(()),
        Err(Failed::Reading(error)) => Err(blame_reader(error.into())),
        Err(Failed::Writing(cause @ Cause::Io(_))) => {
            failure.get_or_init(|| blame_writer(cause));
            Ok(())
        }
        Err(Failed::Writing(cause)) => Err(blame_writer(cause)),
    }
}

async fn copy_to_end(
    from: &mut ReadHalf<'_>,
    unread: Vec<u8>,
    to: &mut WriteHalf<'_>,
    limits: &Limits,
    copied: &mut u64,
) -> Result<(), Failed> {
    let patience = Patience::For(limits.tunnel_timeout);
    to.write_all([&unread, &[], &[]], patience).await.map_err(Failed::Writing)?;
    *copied += unread.len() as u64;
    drop(unread);
    let mut buffer = ReadBuffer::default();
    loop {
        // Waits before it takes a buffer, so that an idle tunnel holds none.
        select! {
            readable = from.stream.readable() => readable.map_err(Failed::Reading)?,
            // Detects a peer that has closed its side and disappeared later, which nothing else detects.
            failed = to.stream.as_ref().ready(Interest::ERROR) => {
                failed.map_err(|error| Failed::Writing(error.into()))?;
                return Err(Failed::Writing(error_of(to.stream.as_ref()).into()));
            }
        }
        if let Some(length) = from.promise(u64::MAX) {
            to.write_promised(from, [&[], &[]], patience).await.map_err(Failed::Writing)?;
            *copied += length as u64;
            from.promised = None;
            continue;
        }
        match from.stream.try_read(buffer.space(limits.max_buffer_bytes)) {
            Ok(0) => return Ok(()),
            Ok(length) => buffer.filled(length),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(Failed::Reading(error)),
        }
        let length = buffer.unread().len();
        to.write_all([buffer.unread(), &[], &[]], patience).await.map_err(Failed::Writing)?;
        *copied += length as u64;
        buffer.consume(length);
        buffer.release();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::net::TcpStream;

    use super::{SockRef, find_dead_peer};
    use crate::Limits;

    #[tokio::test]
    async fn a_peer_that_disappears_is_found_within_the_timeout_of_a_tunnel() -> std::io::Result<()> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let stream = TcpStream::connect(listener.local_addr()?).await?;
        let timeout = Limits::DEFAULT.tunnel_timeout;
        let socket = SockRef::from(&stream);
        find_dead_peer(&socket, timeout)?;
        let probes = socket.tcp_keepalive_interval()? * socket.tcp_keepalive_retries()?;
        assert!(socket.keepalive()?);
        assert_eq!(socket.tcp_keepalive_time()? + probes, timeout);
        assert_eq!(socket.tcp_user_timeout()?, Some(timeout));
        Ok(())
    }
}
