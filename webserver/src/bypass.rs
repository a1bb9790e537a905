//! The experiments that the codec would not write: they go to the socket directly, and end the connection.
//!
//! Whoever edits this: an error here is a client that has gone. There is nobody left to tell, so it is logged only.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use codec::{Limits, RequestHead, ResponseTo, reason_phrase};

use crate::counters::InFlight;
use crate::experiments::status_text;
use crate::pattern;
use crate::router::Bypass;

/// Short, and in no point like a status line.
const GARBAGE: &[u8] = b"\x00\x01\x02 this is not HTTP\r\n\r\n";

/// How much is thrown away at once of what a client still sends.
const DISCARD_BYTES: usize = 16 * 1024;

/// What went around the codec, for the log.
#[derive(Debug, Default)]
pub struct Bypassed {
    pub status: Option<u16>,
    pub body_bytes: u64,
}

/// The second handle of a connection, and what is known of the request.
pub struct RawConnection<'a> {
    stream: &'a TcpStream,
    limits: &'a Limits,
    response_to: ResponseTo,
    in_flight: Option<InFlight<'static>>,
    sent: Bypassed,
}

impl<'a> RawConnection<'a> {
    pub fn new(
        stream: &'a TcpStream,
        limits: &'a Limits,
        request: &RequestHead,
        in_flight: Option<InFlight<'static>>,
    ) -> RawConnection<'a> {
        RawConnection {
            stream,
            limits,
            response_to: request.response_to(),
            in_flight,
            sent: Bypassed::default(),
        }
    }

    /// `unread` is what came behind the request.
    pub fn run(mut self, bypass: Bypass, unread: &[u8]) -> Bypassed {
        if let Err(error) = self.answer(bypass, unread) {
            log::debug!("{bypass:?}: {error}");
        }
        self.sent
    }

    fn answer(&mut self, bypass: Bypass, unread: &[u8]) -> io::Result<()> {
        // The codec's timeouts on the socket are those of its own loops.
        self.stream.set_write_timeout(Some(self.limits.write_timeout))?;
        match bypass {
            Bypass::Early(status) => self.early(status),
            Bypass::CloseDelimited(length) => self.close_delimited(length),
            Bypass::Upgrade => self.upgrade(unread),
            Bypass::Garbage => {
                self.in_flight = None;
                self.stream.write_all(GARBAGE)?;
                self.end()
            }
            Bypass::Reset => {
                // Closing with a linger time of 0 resets; all handles are closed when the connection's thread ends.
                socket2::SockRef::from(self.stream).set_linger(Some(Duration::ZERO))
            }
        }
    }

    /// The codec decides what a response says of the connection before it is known that the body stays unread.
    fn early(&mut self, status: u16) -> io::Result<()> {
        let body = status_text(status).unwrap_or_default();
        let framing = match status {
            // RFC 9110 section 8.6: no Content-Length with 204; with 304 it would be that of the content.
            204 | 304 => String::new(),
            _ => format!("Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n", body.len()),
        };
        self.in_flight = None;
        self.write_head(status, &format!("{framing}Connection: close\r\n"), &body)?;
        self.end()
    }

    /// The codec sends a body without a length in chunks to whoever can read them.
    fn close_delimited(&mut self, length: u64) -> io::Result<()> {
        self.write_head(200, "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n", "")?;
        while self.response_to == ResponseTo::Other && self.sent.body_bytes < length {
            let bytes = pattern::next_bytes(length - self.sent.body_bytes);
            self.stream.write_all(bytes)?;
            self.sent.body_bytes += bytes.len() as u64;
        }
        self.end()
    }

    /// Sends back whatever comes, until the client ends its side or is silent for too long.
    fn upgrade(&mut self, unread: &[u8]) -> io::Result<()> {
        self.write_head(101, "Connection: upgrade\r\nUpgrade: echo\r\n", "")?;
        self.stream.set_read_timeout(Some(self.limits.idle_timeout))?;
        (&mut &*self.stream).write_all(unread)?;
        self.sent.body_bytes = io::copy(&mut &*self.stream, &mut &*self.stream)? + unread.len() as u64;
        self.end()
    }

    /// Head and body leave in one write.
    fn write_head(&mut self, status: u16, fields: &str, body: &str) -> io::Result<()> {
        let body = if self.response_to == ResponseTo::Head { "" } else { body };
        let reason = reason_phrase(status);
        let message = format!("HTTP/1.1 {status} {reason}\r\n{fields}\r\n{body}");
        (&mut &*self.stream).write_all(message.as_bytes())?;
        self.sent = Bypassed { status: Some(status), body_bytes: body.len() as u64 };
        Ok(())
    }

    /// Ends our side, and reads what still comes: closing with unread bytes would reset the connection, and
    /// destroy what the client has not read yet (RFC 9112 section 9.6).
    fn end(&mut self) -> io::Result<()> {
        self.in_flight = None;
        self.stream.shutdown(Shutdown::Write)?;
        self.stream.set_read_timeout(Some(self.limits.linger_timeout))?;
        let deadline = Instant::now() + self.limits.linger_timeout;
        let mut discarded = vec![0; DISCARD_BYTES];
        while Instant::now() < deadline && self.stream.read(&mut discarded)? > 0 {}
        Ok(())
    }
}
