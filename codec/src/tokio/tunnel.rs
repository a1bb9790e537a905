//! A tunnel: bytes go both ways between a client and a backend (RFC 9110 section 7.8). What is spoken in it is not looked
//! at: docs/src/limits.md.
//!
//! Invariant: an end of file is forwarded as one. Whatever else ends a tunnel resets both connections, because neither
//! side may take it for an ordinary end. What a side sent before it failed is still forwarded.

use std::io::{self, ErrorKind};
use std::sync::OnceLock;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::{select, try_join};

use super::socket::{self, Patience};
use crate::buffer::ReadBuffer;
use crate::{Cause, Error, Limits};

/// How many keep-alive probes are sent, with no answer to any, before a peer is given up.
const PROBES: u32 = 4;

/// A side of a tunnel: its connection, what came from it right after its head, and the error that blames it.
pub(super) struct Side<'a> {
    pub(super) stream: &'a mut TcpStream,
    pub(super) unread: Vec<u8>,
    pub(super) blame: fn(Cause) -> Error,
}

/// Copies bytes both ways until both sides have ended; one that ends does not end the other. Adds to `to_client` what
/// the client was sent. If it is dropped, both connections are reset when they are closed.
///
/// # Errors
/// Those of the side that failed, is gone, or took nothing for [`Limits::tunnel_timeout`].
pub(super) async fn run(
    client: Side<'_>,
    backend: Side<'_>,
    limits: &Limits,
    to_client: &mut u64,
) -> Result<(), Error> {
    for stream in [&*client.stream, &*backend.stream] {
        // It fails only on a connection that is gone already, which the first read reports.
        let _ = find_dead_peer(stream, limits.tunnel_timeout);
        // Until the tunnel has ended in order: it may also be dropped.
        socket::reset_on_close(stream, true);
    }
    let (from_client, into_client) = client.stream.split();
    let (from_backend, into_backend) = backend.stream.split();
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
        socket::reset_on_close(client.stream, false);
        socket::reset_on_close(backend.stream, false);
    }
    copied
}

/// Makes the system find out within `timeout` that the peer is gone. A peer that is there answers, so an idle
/// connection lives on.
fn find_dead_peer(stream: &TcpStream, timeout: Duration) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let idle = timeout / 2;
    let probes = TcpKeepalive::new().with_time(idle).with_interval(idle / PROBES).with_retries(PROBES);
    socket.set_tcp_keepalive(&probes)?;
    // While bytes are on their way no probe is sent, and the system repeats them for a quarter of an hour.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    socket.set_tcp_user_timeout(Some(timeout))?;
    Ok(())
}

/// Why a direction has ended before `from` did.
enum Failed {
    Reading(io::Error),
    Writing(Cause),
}

/// One direction, until `from` ends. If `to` has failed, that is stored in `failure` and is not returned: the other
/// direction still reads what `to` sent before it failed, and then ends too.
async fn copy(
    (from, blame_reader): (ReadHalf<'_>, fn(Cause) -> Error),
    unread: Vec<u8>,
    (mut to, blame_writer): (WriteHalf<'_>, fn(Cause) -> Error),
    (limits, failure): (&Limits, &OnceLock<Error>),
    copied: &mut u64,
) -> Result<(), Error> {
    let mut ended = copy_to_end(&from, unread, &mut to, limits, copied).await;
    // After a failure an end of file may be a reset whose error was taken, so it is not forwarded.
    if ended.is_ok() && failure.get().is_none() {
        ended = to.shutdown().await.map_err(|error| Failed::Writing(error.into()));
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
    from: &ReadHalf<'_>,
    unread: Vec<u8>,
    to: &mut WriteHalf<'_>,
    limits: &Limits,
    copied: &mut u64,
) -> Result<(), Failed> {
    let patience = Patience::For(limits.tunnel_timeout);
    socket::write_all(to, [&unread, &[], &[]], patience).await.map_err(Failed::Writing)?;
    *copied += unread.len() as u64;
    drop(unread);
    let mut buffer = ReadBuffer::default();
    loop {
        // Waits first and takes a buffer then, so that an idle tunnel holds none.
        select! {
            readable = from.readable() => readable.map_err(Failed::Reading)?,
            // A peer that has ended its side and disappears later is found here: nothing else looks at it.
            failed = to.as_ref().ready(Interest::ERROR) => {
                failed.map_err(|error| Failed::Writing(error.into()))?;
                return Err(Failed::Writing(socket::error_of(to.as_ref()).into()));
            }
        }
        match from.try_read(buffer.space(limits.max_buffer_bytes)) {
            Ok(0) => return Ok(()),
            Ok(length) => buffer.filled(length),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(Failed::Reading(error)),
        }
        let length = buffer.unread().len();
        socket::write_all(to, [buffer.unread(), &[], &[]], patience).await.map_err(Failed::Writing)?;
        *copied += length as u64;
        buffer.consume(length);
        buffer.release();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{SockRef, TcpStream, find_dead_peer};
    use crate::Limits;

    #[tokio::test]
    async fn a_peer_that_disappears_is_found_within_the_timeout_of_a_tunnel() -> std::io::Result<()> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let stream = TcpStream::connect(listener.local_addr()?).await?;
        let timeout = Limits::DEFAULT.tunnel_timeout;
        find_dead_peer(&stream, timeout)?;
        let socket = SockRef::from(&stream);
        let probes = socket.tcp_keepalive_interval()? * socket.tcp_keepalive_retries()?;
        assert!(socket.keepalive()?);
        assert_eq!(socket.tcp_keepalive_time()? + probes, timeout);
        assert_eq!(socket.tcp_user_timeout()?, Some(timeout));
        Ok(())
    }
}
