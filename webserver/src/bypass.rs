//! The experiments that the codec cannot write: they use the socket directly, and end the connection.
//!
//! An error here means that the client has disconnected, so it is only logged.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use codec::tokio::ClientStream;
use codec::{Limits, Report, ResponseTo, reason_phrase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::counters::InFlight;
use crate::experiments::status_text;
use crate::pattern;
use crate::recent::RecentRequest;
use crate::router::Bypass;

/// Short, and not similar to a status line.
const GARBAGE: &[u8] = b"\x00\x01\x02 this is not HTTP\r\n\r\n";

/// The size of one read of what a client still sends.
const READ_BYTES: usize = 16 * 1024;

/// A response that bypasses the codec, and what is known of its request.
#[derive(Debug)]
pub struct Bypassing {
    pub bypass: Bypass,
    pub response_to: ResponseTo,
    pub in_flight: Option<InFlight<'static>>,
    pub record: Option<RecentRequest<'static>>,
}

/// A connection that has left the codec.
#[derive(Debug)]
pub struct RawConnection {
    socket: ClientStream,
    limits: &'static Limits,
    status: Option<u16>,
    body_bytes: u64,
}

impl RawConnection {
    pub fn new(socket: ClientStream, limits: &'static Limits) -> RawConnection {
        RawConnection { socket, limits, status: None, body_bytes: 0 }
    }

    /// Answers, ends the connection, and adds the outcome to `report`. `unread` holds the bytes after the request.
    pub async fn run(mut self, bypassing: Bypassing, unread: &[u8], report: &mut Report) {
        let (bypass, start) = (bypassing.bypass, Instant::now());
        if let Err(error) = self.answer(bypassing, unread).await {
            log::debug!("{bypass:?}: {error}");
        }
        report.status = self.status;
        report.body_bytes = self.body_bytes;
        report.elapsed += start.elapsed();
    }

    async fn answer(&mut self, bypassing: Bypassing, unread: &[u8]) -> io::Result<()> {
        let Bypassing { bypass, response_to, in_flight, mut record } = bypassing;
        if let Some(record) = &mut record {
            record.answering();
        }
        match bypass {
            Bypass::Early(status) => {
                drop(in_flight);
                self.early(status, response_to).await?;
            }
            Bypass::CloseDelimited(length) => {
                self.close_delimited(if response_to == ResponseTo::Head { 0 } else { length }).await?;
                drop(in_flight);
            }
            Bypass::Upgrade => {
                self.upgrade(unread).await?;
                drop(in_flight);
            }
            Bypass::Garbage => {
                drop(in_flight);
                self.write(GARBAGE).await?;
                drop(record);
                return self.end().await;
            }
            Bypass::Reset => {
                drop(in_flight);
                return self.socket.stream.set_zero_linger();
            }
        }
        if let Some(record) = record {
            record.done();
        }
        self.end().await
    }

    /// The codec would decide about `Connection` before it is known that the body stays unread.
    async fn early(&mut self, status: u16, response_to: ResponseTo) -> io::Result<()> {
        let text = status_text(status).unwrap_or_default();
        let framing = match status {
            // RFC 9110 section 8.6: no Content-Length with 204; with 304 it would be that of the content.
            204 | 304 => String::new(),
            _ => format!("Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n", text.len()),
        };
        let body = if response_to == ResponseTo::Head { "" } else { &text };
        self.write_head(status, &format!("{framing}Cache-Control: no-cache\r\nConnection: close\r\n"), body)
            .await
    }

    /// The codec would send a body of unknown length in chunks to a client that can read them.
    async fn close_delimited(&mut self, length: u64) -> io::Result<()> {
        let fields = "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n";
        self.write_head(200, fields, "").await?;
        while self.body_bytes < length {
            let bytes = pattern::next_bytes(length - self.body_bytes);
            self.write(bytes).await?;
            self.body_bytes += bytes.len() as u64;
        }
        Ok(())
    }

    /// Sends back all received bytes, until the client half-closes or is silent for too long.
    async fn upgrade(&mut self, unread: &[u8]) -> io::Result<()> {
        self.write_head(101, "Connection: upgrade\r\nUpgrade: echo\r\n", unread).await?;
        loop {
            timeout(self.limits.idle_timeout, self.socket.stream.readable()).await??;
            // Allocated when there is something to read, so that a silent connection holds no buffer.
            let mut bytes = Vec::with_capacity(READ_BYTES);
            match self.socket.stream.try_read_buf(&mut bytes) {
                Ok(0) => return Ok(()),
                Ok(length) => {
                    self.write(&bytes).await?;
                    self.body_bytes += length as u64;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Head and body are sent in one write.
    async fn write_head(&mut self, status: u16, fields: &str, body: impl AsRef<[u8]>) -> io::Result<()> {
        let reason = reason_phrase(status);
        let mut message = format!("HTTP/1.1 {status} {reason}\r\n{fields}\r\n").into_bytes();
        message.extend_from_slice(body.as_ref());
        self.write(&message).await?;
        (self.status, self.body_bytes) = (Some(status), body.as_ref().len() as u64);
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        write_all(&mut self.socket.stream, bytes, self.limits.write_timeout).await
    }

    /// Half-closes, and reads the remaining bytes: closing with unread bytes would reset the connection, and discard
    /// what the client has not read yet (RFC 9112 section 9.6).
    async fn end(&mut self) -> io::Result<()> {
        self.socket.stream.shutdown().await?;
        let stream = &mut self.socket.stream;
        let discard = async {
            let mut discarded = vec![0; READ_BYTES];
            while stream.read(&mut discarded).await? > 0 {}
            Ok(())
        };
        timeout(self.limits.linger_timeout, discard).await?
    }
}

/// Waits at most `limit` for each progress, because a slow client may still be reading.
async fn write_all(stream: &mut TcpStream, bytes: &[u8], limit: Duration) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match timeout(limit, stream.write(rest)).await?? {
            0 => return Err(ErrorKind::WriteZero.into()),
            length => rest = &rest[length..],
        }
    }
    Ok(())
}
