//! A proxy before a backend, and what most tests ask of the two.

use std::net::SocketAddr;

use lab::{Backend, Client, Connection, Ended, Process, Received, Response};

use crate::{BINARY, NAME};

/// What a good backend answers.
pub const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// A request that nothing is wrong with.
pub const GET: &str = "GET / HTTP/1.1\r\nHost: example.test\r\n\r\n";

/// What a scripted backend does with a connection.
pub type Step = fn(&mut Connection) -> std::io::Result<()>;

/// A proxy, and the backend behind it.
pub struct Setup {
    pub proxy: Process,
    pub backend: Backend,
}

impl Setup {
    pub fn new(backend: std::io::Result<Backend>) -> Setup {
        let backend = backend.unwrap();
        Setup { proxy: start_before(backend.address()), backend }
    }

    /// A proxy before a backend that answers `hello`.
    pub fn hello() -> Setup {
        Setup::new(Backend::good(HELLO))
    }

    pub fn client(&self) -> Client {
        Client::connect(self.proxy.address()).unwrap()
    }

    /// Sends a request on a connection of its own, and reads the response to it.
    pub fn exchange(&self, request: impl AsRef<[u8]>) -> Response {
        let request = request.as_ref();
        let response = self.client().exchange(request);
        response.unwrap_or_else(|error| panic!("\"{}\": {error}", request.escape_ascii()))
    }

    /// The one request that has reached the backend.
    pub fn received(&self) -> Received {
        let faults = self.backend.faults();
        assert!(faults.is_empty(), "the backend got what is not valid: {faults:?}");
        let mut requests = self.backend.requests();
        assert_eq!(requests.len(), 1, "requests at the backend");
        requests.remove(0)
    }

    /// Sends a request, and returns what of it has reached the backend.
    pub fn forward(&self, request: impl AsRef<[u8]>) -> Received {
        let response = self.exchange(request);
        assert_eq!(response.status, 200, "{}", response.text());
        self.received()
    }

    /// Sends a request that is to be refused before a byte of it reaches the backend.
    pub fn refuses(&self, request: impl AsRef<[u8]>, status: u16, section: &str) {
        let request = request.as_ref();
        let shown = request.escape_ascii().to_string();
        let mut client = self.client();
        let response = client.exchange(request).unwrap_or_else(|error| panic!("\"{shown}\": {error}"));
        assert_is_error(&response, status, section, "http_request_error", &shown);
        // Nothing behind a request that was refused may be served.
        let (rest, _) = client.read_to_end().unwrap();
        assert_eq!(rest.escape_ascii().to_string(), "", "a second response to \"{shown}\"");
        assert_eq!(self.backend.accepted(), 0, "connections to the backend after \"{shown}\"");
    }
}

/// A proxy before whatever is at that address.
pub fn start_before(backend: SocketAddr) -> Process {
    Process::stage(BINARY, &["--listen", "127.0.0.1:0", "--backend", &backend.to_string()]).unwrap()
}

/// A response of the proxy's own: framed, with a text that names the rule, and the connection ends.
pub fn assert_is_error(response: &Response, status: u16, text: &str, error: &str, shown: &str) {
    assert_eq!(response.status, status, "\"{shown}\" was answered: {}", response.text());
    assert!(response.text().contains(text), "\"{shown}\" was answered: {}", response.text());
    assert_eq!(response.ended, Ended::ContentLength, "\"{shown}\"");
    assert_eq!(response.field("content-type"), Some("text/plain; charset=utf-8"), "\"{shown}\"");
    assert_eq!(response.field("connection"), Some("close"), "\"{shown}\"");
    // RFC 9209 section 2: the name of the proxy, and what failed.
    let proxy_status = format!("{NAME}; error={error}");
    assert_eq!(response.field("proxy-status"), Some(proxy_status.as_str()), "\"{shown}\"");
    assert!(response.field("date").is_some(), "\"{shown}\"");
}

/// Bytes in which each place can be told from its neighbours.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(pattern_byte).collect()
}

/// The byte of [`pattern`] at that place.
pub fn pattern_byte(place: usize) -> u8 {
    (place ^ (place >> 8) ^ (place >> 16)) as u8
}

/// `bytes` in the chunked coding, in chunks of at most `size`.
pub fn chunked(bytes: &[u8], size: usize) -> Vec<u8> {
    let mut coded = Vec::new();
    for chunk in bytes.chunks(size) {
        coded.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
        coded.extend_from_slice(chunk);
        coded.extend_from_slice(b"\r\n");
    }
    coded.extend_from_slice(b"0\r\n\r\n");
    coded
}
