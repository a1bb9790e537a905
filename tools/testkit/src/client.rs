//! A raw-socket client that sends any bytes, valid or not, and reads responses strictly.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::Head;
use crate::PATIENCE;
use crate::fault::{invalid, is_reset};
use crate::wire::{End, Framing, Wire};

/// A connection to the proxy under test.
pub struct Client {
    wire: Wire,
}

/// A final response, and the interim ones before it.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The interim (1xx) responses that preceded it.
    pub interim: Vec<Head>,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The status line and the fields.
    pub head: Head,
    /// The body without its framing; empty if it was read piece by piece.
    pub body: Vec<u8>,
    /// The trailer section; without fields if there is none.
    pub trailers: Head,
    /// How the body ended.
    pub ended: Ended,
}

/// How the body of a response ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ended {
    /// The response has no body: it answers HEAD, or its status is 1xx, 204 or 304.
    #[default]
    WithoutBody,
    /// Complete, by `Content-Length`.
    ContentLength,
    /// Complete, by the last chunk.
    Chunked,
    /// Complete as far as the client can tell: the close of the connection delimits the body.
    CloseDelimited,
    /// Cut short: the connection was closed before the end.
    Cut,
    /// Cut short: the connection was reset.
    Reset,
}

impl Response {
    /// The value of the first field of that name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.field(name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the complete body was received.
    pub fn is_complete(&self) -> bool {
        !matches!(self.ended, Ended::Cut | Ended::Reset)
    }
}

impl Client {
    /// Connects. All later reads and writes wait for at most [`PATIENCE`].
    pub fn connect(address: SocketAddr) -> io::Result<Client> {
        Client::connect_with(address, PATIENCE)
    }

    /// As [`Client::connect`]; `patience` is the longest pause between two reads or writes.
    pub fn connect_with(address: SocketAddr, patience: Duration) -> io::Result<Client> {
        Ok(Client { wire: Wire::connect(address, patience)? })
    }

    /// Connects to the first of these addresses that accepts the connection.
    ///
    /// # Errors
    /// None of them accepts. A refusal takes precedence over other errors, since a machine answered.
    pub fn connect_to_any(addresses: &[SocketAddr], patience: Duration) -> io::Result<Client> {
        let mut told = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for &address in addresses {
            match Client::connect_with(address, patience) {
                Ok(client) => return Ok(client),
                Err(_) if told.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) => told = error,
            }
        }
        Err(told)
    }

    /// Sends these bytes unchanged.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.send(bytes.as_ref())
    }

    /// A second handle to the connection, to send while this handle reads.
    pub fn sender(&self) -> io::Result<Client> {
        Ok(Client { wire: Wire::new(self.wire.stream.try_clone()?, PATIENCE)? })
    }

    /// Half-closes the connection; reading continues.
    pub fn half_close(&self) -> io::Result<()> {
        self.wire.half_close()
    }

    /// Closes the connection with a reset.
    pub fn reset(self) -> io::Result<()> {
        self.wire.reset()
    }

    /// Reads the head of one response, interim or final; `None` if the connection ends before it starts.
    pub fn read_head(&mut self) -> io::Result<Option<Response>> {
        let Some(head) = self.wire.read_head()? else {
            return Ok(None);
        };
        // RFC 9112 section 4: version SP three digits SP reason.
        let line = head.start_line.strip_prefix("HTTP/1.1 ").or(head.start_line.strip_prefix("HTTP/1.0 "));
        let (status, reason) = line.and_then(|line| line.split_once(' ')).unwrap_or_default();
        let number = status.parse().ok().filter(|&number: &u16| status.len() == 3 && number >= 100);
        let Some(status) = number else {
            return Err(invalid("status line", &head.raw));
        };
        Ok(Some(Response { status, reason: reason.to_owned(), head, ..Response::default() }))
    }

    /// Reads the next final response, with its body, to a request with this method.
    ///
    /// # Errors
    /// The response is invalid or late. A truncated body is not an error: see [`Response::ended`].
    pub fn read_response(&mut self, method: &str) -> io::Result<Response> {
        let mut body = Vec::new();
        let response = self.read_streamed(method, &mut |piece| {
            body.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(Response { body, ..response })
    }

    /// Reads the next final response and passes each piece of its body to `take`.
    ///
    /// # Errors
    /// As [`Client::read_response`], and those of `take`.
    pub fn read_streamed(
        &mut self,
        method: &str,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Response> {
        let mut interim = Vec::new();
        loop {
            let Some(mut response) = self.read_head()? else {
                let message = "the connection was closed without a response";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
            };
            if (100..200).contains(&response.status) && response.status != 101 {
                interim.push(response.head);
                continue;
            }
            let framing = response.framing(method)?;
            let (end, trailers) = self.wire.read_body(framing, take)?;
            response.ended = match (framing, end) {
                (_, End::Reset) => Ended::Reset,
                (Framing::CloseDelimited, _) => Ended::CloseDelimited,
                (_, End::EndOfFile) => Ended::Cut,
                (Framing::Empty, _) => Ended::WithoutBody,
                (Framing::ContentLength(_), _) => Ended::ContentLength,
                (Framing::Chunked, _) => Ended::Chunked,
            };
            return Ok(Response { interim, trailers, ..response });
        }
    }

    /// The next `count` bytes, unchanged; fewer only if the connection ends first.
    pub fn read_bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        self.wire.read_bytes(count)
    }

    /// All bytes until the connection ends, and how it ends.
    pub fn read_to_end(&mut self) -> io::Result<(Vec<u8>, End)> {
        self.wire.read_to_end()
    }

    /// Sends a complete request and reads its response. Ignores a reset of the upload: a response may be
    /// early.
    pub fn exchange(&mut self, request: impl AsRef<[u8]>) -> io::Result<Response> {
        let request = request.as_ref();
        match self.send(request) {
            Err(error) if !is_reset(&error) => return Err(error),
            _ => {}
        }
        let method = if request.starts_with(b"HEAD ") { "HEAD" } else { "GET" };
        self.read_response(method)
    }
}

impl Response {
    /// RFC 9112 section 6.3, but stricter: a proxy must not send both framing fields, or one twice.
    fn framing(&self, method: &str) -> io::Result<Framing> {
        let announced = self.head.framing()?;
        Ok(match self.status {
            // No Content-Length (RFC 9110 section 8.6) and no Transfer-Encoding (RFC 9112 section 6.1).
            100..=199 | 204 if announced.is_some() => {
                return Err(invalid("framing of a response without a body", &self.head.raw));
            }
            100..=199 | 204 | 304 => Framing::Empty,
            _ if method == "HEAD" => Framing::Empty,
            _ => announced.unwrap_or(Framing::CloseDelimited),
        })
    }
}
