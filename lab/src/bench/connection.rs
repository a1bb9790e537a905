//! One connection of the load generator: it sends a request and verifies every byte of the response.
//!
//! It is leaner than `testkit::Client`, which keeps everything that it reads: CPU time of the load generator
//! is not available to the proxy under test.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than a proxy waits for its backend, so that its 504 is received.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
const BUFFER_BYTES: usize = 64 * 1024;

/// What every response must be.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The status code.
    pub status: u16,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// Whether a 503 with any body is accepted too, as a refusal.
    pub or_refusal: bool,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Expected,
    /// A 503 in its place.
    Refusal,
}

/// Whether the connection can be used for another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    KeepAlive,
    Close,
}

/// A connection to the proxy that is measured.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// The bounds of the unused bytes in the buffer.
    start: usize,
    end: usize,
}

#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

struct Head {
    status: u16,
    framing: Framing,
    persistence: Persistence,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Connection, String> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)
            .map_err(|error| format!("cannot connect to the proxy: {error}"))?;
        let set = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(PATIENCE)));
        set.and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .map_err(|error| format!("cannot set up a socket: {error}"))?;
        Ok(Connection { stream, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0 })
    }

    /// Sends a complete request and reads its complete response.
    ///
    /// # Errors
    /// The response differs from the expected one. The message says how, and the connection is unusable.
    pub(crate) fn exchange(
        &mut self,
        request: &[u8],
        expected: &Expected,
    ) -> Result<(Answer, Persistence), String> {
        self.stream.write_all(request).map_err(|error| format!("cannot send a request: {error}"))?;
        let mut head = self.read_head()?;
        while (100..200).contains(&head.status) {
            head = self.read_head()?;
        }
        if expected.or_refusal && head.status == 503 {
            self.discard(head.framing)?;
            return Ok((Answer::Refusal, head.persistence));
        }
        if head.status != expected.status {
            return Err(format!("status {} instead of {}", head.status, expected.status));
        }
        let mut rest = expected.body.as_slice();
        match head.framing {
            Framing::Length(length) if length != rest.len() => {
                return Err(format!("{length} bytes of body instead of {}", rest.len()));
            }
            Framing::Length(length) => self.compare(length, &mut rest)?,
            Framing::Chunked => self.compare_chunks(&mut rest)?,
            Framing::UntilClose => self.compare_to_end(&mut rest)?,
        }
        match (rest.is_empty(), self.start == self.end) {
            (true, true) => Ok((Answer::Expected, head.persistence)),
            (false, _) => Err(format!("the body ended {} bytes too soon", rest.len())),
            (_, false) => Err("there are unexpected bytes after a response".to_owned()),
        }
    }

    fn read_head(&mut self) -> Result<Head, String> {
        let mut head = match parse_status(self.read_line()?) {
            Some(status) => {
                Head { status, framing: Framing::UntilClose, persistence: Persistence::KeepAlive }
            }
            None => return Err("the status line is not valid".to_owned()),
        };
        loop {
            let line = self.read_line()?;
            let Some(colon) = line.iter().position(|&byte| byte == b':') else {
                break;
            };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-length") {
                head.framing = Framing::Length(parse_number(value, 10)?);
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                head.framing = Framing::Chunked;
            } else if name.eq_ignore_ascii_case(b"connection") && value.eq_ignore_ascii_case(b"close") {
                head.persistence = Persistence::Close;
            }
        }
        match (head.status, head.framing) {
            (204 | 304, _) => head.framing = Framing::Length(0),
            (_, Framing::UntilClose) => head.persistence = Persistence::Close,
            _ => {}
        }
        Ok(head)
    }

    /// The next line, without its line end.
    fn read_line(&mut self) -> Result<&[u8], String> {
        let mut searched = 0;
        loop {
            let unused = &self.buffer[self.start..self.end];
            if let Some(found) = unused[searched..].iter().position(|&byte| byte == b'\n') {
                let first = self.start;
                self.start += searched + found + 1;
                return Ok(self.buffer[first..self.start].trim_ascii_end());
            }
            searched = unused.len();
            if self.fill()? == 0 {
                return Err("the connection was closed before the end of a response".to_owned());
            }
        }
    }

    fn compare(&mut self, mut missing: usize, rest: &mut &[u8]) -> Result<(), String> {
        while missing > 0 {
            if self.start == self.end && self.fill()? == 0 {
                return Err(format!("the body was cut short, {missing} bytes before its end"));
            }
            let length = missing.min(self.end - self.start);
            self.compare_piece(length, rest)?;
            missing -= length;
        }
        Ok(())
    }

    /// Reads the body of a refusal, which any proxy sends with its length.
    fn discard(&mut self, framing: Framing) -> Result<(), String> {
        let Framing::Length(mut missing) = framing else {
            return Err("a refusal has no Content-Length".to_owned());
        };
        while missing > 0 {
            if self.start == self.end && self.fill()? == 0 {
                return Err("the body of a refusal was cut short".to_owned());
            }
            let length = missing.min(self.end - self.start);
            self.start += length;
            missing -= length;
        }
        Ok(())
    }

    fn compare_chunks(&mut self, rest: &mut &[u8]) -> Result<(), String> {
        loop {
            let line = self.read_line()?;
            let digits = line.split(|&byte| byte == b';').next().unwrap_or_default();
            let length = parse_number(digits, 16)?;
            if length == 0 {
                // The trailer section ends with an empty line.
                while !self.read_line()?.is_empty() {}
                return Ok(());
            }
            self.compare(length, rest)?;
            if !self.read_line()?.is_empty() {
                return Err("a chunk is longer than its size".to_owned());
            }
        }
    }

    fn compare_to_end(&mut self, rest: &mut &[u8]) -> Result<(), String> {
        loop {
            self.compare_piece(self.end - self.start, rest)?;
            if self.fill()? == 0 {
                return Ok(());
            }
        }
    }

    /// Compares the next `length` bytes with the expected ones.
    fn compare_piece(&mut self, length: usize, rest: &mut &[u8]) -> Result<(), String> {
        let piece = &self.buffer[self.start..self.start + length];
        match rest.split_at_checked(length) {
            Some((same, after)) if same == piece => *rest = after,
            _ => return Err("the body is not the one that the backend sends".to_owned()),
        }
        self.start += length;
        Ok(())
    }

    /// Reads more bytes; 0 at the end of the connection.
    fn fill(&mut self) -> Result<usize, String> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            return Err("a line is too long".to_owned());
        }
        let length = self.stream.read(&mut self.buffer[self.end..]).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                format!("no response within {} s", PATIENCE.as_secs())
            }
            _ => format!("the connection broke: {error}"),
        })?;
        self.end += length;
        Ok(length)
    }
}

fn parse_status(line: &[u8]) -> Option<u16> {
    let status = line.strip_prefix(b"HTTP/1.1 ").or(line.strip_prefix(b"HTTP/1.0 "))?;
    str::from_utf8(status.get(..3)?).ok()?.parse().ok()
}

fn parse_number(digits: &[u8], radix: u32) -> Result<usize, String> {
    let number = str::from_utf8(digits).ok().and_then(|digits| usize::from_str_radix(digits, radix).ok());
    number.ok_or_else(|| format!("the framing is not valid: \"{}\"", digits.escape_ascii()))
}
