//! Heads and bodies read strictly from a socket.
//!
//! Written independently of `codec` on purpose: with shared code it would share the mistakes of the codec.
//! Invalid input is an error of the kind `InvalidData` that quotes the bytes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crate::Head;
use crate::fault::{explain_timeout, invalid, is_reset};

const MAX_HEAD_BYTES: usize = 256 * 1024;

/// How the end of a body is determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Empty,
    ContentLength(u64),
    Chunked,
    CloseDelimited,
}

/// How a body or a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At the end that its framing gives.
    Framed,
    /// The other side half-closed or closed the connection (FIN).
    EndOfFile,
    /// The other side reset the connection (RST).
    Reset,
}

type OnBytes = Box<dyn FnMut(&[u8]) + Send>;

/// A socket and the bytes that were read ahead.
pub struct Wire {
    /// Shared, so that another thread can cut the connection.
    pub stream: Arc<TcpStream>,
    unread: Vec<u8>,
    ended: Option<End>,
    on_bytes: OnBytes,
}

impl Wire {
    pub fn new(stream: TcpStream, patience: Duration) -> io::Result<Wire> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(Wire { stream: Arc::new(stream), unread: Vec::new(), ended: None, on_bytes: Box::new(|_| ()) })
    }

    pub fn connect(address: SocketAddr, patience: Duration) -> io::Result<Wire> {
        Wire::new(TcpStream::connect_timeout(&address, patience)?, patience)
    }

    /// Calls `on_bytes` with all bytes received from now on, as they arrive.
    pub fn record(&mut self, on_bytes: impl FnMut(&[u8]) + Send + 'static) {
        self.on_bytes = Box::new(on_bytes);
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&*self.stream).write_all(bytes).map_err(explain_timeout)
    }

    pub fn half_close(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Ends the connection before its descriptor is closed. Closing alone may end it later: a program that another thread
    /// is starting has a copy of the descriptor until it has begun. As with a close, unread bytes make it a reset.
    pub fn end(&self) {
        // What fails here, the peer has ended, or `reset`.
        let _ = self.stream.set_nonblocking(true);
        let has_unread = self.stream.peek(&mut [0]).is_ok_and(|length| length > 0);
        let _ = self.stream.set_nonblocking(false);
        let _ = if has_unread { self.reset() } else { self.stream.shutdown(Shutdown::Write) };
    }

    /// Resets the connection: on Linux at once, elsewhere when its last descriptor is closed.
    pub fn reset(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        return Ok(rustix::net::connect_unspec(&*self.stream)?);
        #[cfg(not(target_os = "linux"))]
        socket2::SockRef::from(&*self.stream).set_linger(Some(Duration::ZERO))
    }

    /// Reads the next head; `None` if the connection ends before its first byte.
    pub fn read_head(&mut self) -> io::Result<Option<Head>> {
        match self.read_section(b"\r\n\r\n")? {
            Section::Complete(raw) => Head::parse(raw, true).map(Some),
            Section::Ended(_) if self.unread.is_empty() => Ok(None),
            Section::Ended(_) => Err(invalid("end within a head", &self.unread)),
        }
    }

    /// Passes each piece of a body, without its framing, to `take`. Returns its end and the trailer section.
    pub fn read_body(
        &mut self,
        framing: Framing,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<(End, Head)> {
        let end = match framing {
            Framing::Empty => End::Framed,
            Framing::ContentLength(length) => self.read_exactly(length, take)?,
            Framing::Chunked => return self.read_chunks(take),
            Framing::CloseDelimited => self.read_exactly(u64::MAX, take)?,
        };
        Ok((end, Head::default()))
    }

    /// All bytes until the connection ends.
    pub fn read_to_end(&mut self) -> io::Result<(Vec<u8>, End)> {
        self.collect(u64::MAX)
    }

    /// The next `count` bytes; fewer only if the connection ends first.
    pub fn read_bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        self.collect(count as u64).map(|(bytes, _)| bytes)
    }

    fn collect(&mut self, count: u64) -> io::Result<(Vec<u8>, End)> {
        let mut bytes = Vec::new();
        let end = self.read_exactly(count, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok((bytes, end))
    }

    fn read_exactly(
        &mut self,
        mut missing: u64,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<End> {
        loop {
            let length = self.unread.len().min(usize::try_from(missing).unwrap_or(usize::MAX));
            take(&self.unread[..length])?;
            self.unread.drain(..length);
            missing -= length as u64;
            if missing == 0 {
                return Ok(End::Framed);
            }
            match self.fill()? {
                None => {}
                Some(end) => return Ok(end),
            }
        }
    }

    /// RFC 9112 section 7.1, nothing else: 1 to 15 hexadecimal digits, CR LF after the size and the data.
    fn read_chunks(&mut self, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<(End, Head)> {
        loop {
            let line = match self.read_section(b"\r\n")? {
                Section::Complete(line) => line,
                Section::Ended(end) => return Ok((end, Head::default())),
            };
            let text = String::from_utf8_lossy(&line[..line.len() - 2]);
            let digits = text.split(';').next().unwrap_or_default();
            let is_valid = (1..=15).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
                && !text.chars().any(char::is_control);
            let size = u64::from_str_radix(digits, 16).ok().filter(|_| is_valid);
            let size = size.ok_or_else(|| invalid("chunk size", &line))?;
            if size == 0 {
                break;
            }
            match self.read_exactly(size, take)? {
                End::Framed => {}
                end => return Ok((end, Head::default())),
            }
            match self.read_section(b"\r\n")? {
                Section::Complete(end) if end.len() == 2 => {}
                Section::Complete(end) => return Err(invalid("end of a chunk", &end)),
                Section::Ended(end) => return Ok((end, Head::default())),
            }
        }
        let mut raw = Vec::new();
        loop {
            match self.read_section(b"\r\n")? {
                Section::Complete(line) => raw.extend_from_slice(&line),
                Section::Ended(end) => return Ok((end, Head::default())),
            }
            if raw == b"\r\n" || raw.ends_with(b"\r\n\r\n") {
                return Ok((End::Framed, Head::parse(raw, false)?));
            }
        }
    }

    /// Reads bytes up to and including `mark`.
    fn read_section(&mut self, mark: &[u8]) -> io::Result<Section> {
        let mut searched = 0;
        loop {
            let found = self.unread[searched..].windows(mark.len()).position(|window| window == mark);
            if let Some(position) = found {
                return Ok(Section::Complete(
                    self.unread.drain(..searched + position + mark.len()).collect(),
                ));
            }
            if self.unread.len() > MAX_HEAD_BYTES {
                return Err(invalid("endless head", &self.unread[..100]));
            }
            searched = self.unread.len().saturating_sub(mark.len() - 1);
            if let Some(end) = self.fill()? {
                return Ok(Section::Ended(end));
            }
        }
    }

    /// Reads once; returns `Some` at the end of the connection.
    fn fill(&mut self) -> io::Result<Option<End>> {
        let mut space = [0; 64 * 1024];
        // A socket reports a reset only once.
        if self.ended.is_none() {
            self.ended = match (&*self.stream).read(&mut space) {
                Ok(0) => Some(End::EndOfFile),
                Ok(length) => {
                    self.unread.extend_from_slice(&space[..length]);
                    (self.on_bytes)(&space[..length]);
                    None
                }
                Err(error) if is_reset(&error) => Some(End::Reset),
                Err(error) if error.kind() == ErrorKind::Interrupted => None,
                Err(error) => return Err(explain_timeout(error)),
            };
        }
        Ok(self.ended)
    }
}

enum Section {
    Complete(Vec<u8>),
    Ended(End),
}
