//! A proxy before a backend, and what most behaviours ask of the two.

use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use testkit::{Backend, Client, Connection, Ended, PATIENCE, Process, Received, Response, StartError};

use course::Ability;

use crate::Subject;

/// What a good backend answers.
pub const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/// The same from a backend that closes the connection after it.
pub const LAST_HELLO: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
/// A request that nothing is wrong with.
pub const GET: &str = "GET / HTTP/1.1\r\nHost: example.test\r\n\r\n";

/// Whether a connection to a client goes on after a response, if nothing speaks against it.
pub fn keeps_alive(subject: &Subject) -> bool {
    subject.can(Ability::Persistence)
}

/// Whether each connection to the backend carries one request, and is closed after it.
pub fn dials_for_each_request(subject: &Subject) -> bool {
    !subject.can(Ability::Pool) && subject.is_stage()
}

/// How many idle connections to the backend are kept at most.
pub fn kept_connections(subject: &Subject) -> usize {
    if dials_for_each_request(subject) { 0 } else { 10 }
}

/// True, and says so, if another proxy is tested, of which this cannot be asked.
pub fn skips_foreign(subject: &Subject, what: &str) -> bool {
    if !subject.is_stage() {
        println!("skipped: {what} is only known of our own proxy");
    }
    !subject.is_stage()
}

/// What a scripted backend does with a connection.
pub type Step = fn(&mut Connection) -> std::io::Result<()>;

/// A proxy, and the backend that it stands before.
pub struct Setup {
    pub subject: Subject,
    pub proxy: Process,
    pub backend: Backend,
}

impl Setup {
    pub fn new(subject: &Subject, backend: std::io::Result<Backend>) -> Setup {
        let backend = backend.unwrap();
        Setup { subject: subject.clone(), proxy: start_before(subject, backend.address()), backend }
    }

    /// A proxy before a backend that answers `hello`.
    pub fn hello(subject: &Subject) -> Setup {
        Setup::new(subject, Backend::good(HELLO))
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
        assert_is_error(&self.subject, &response, status, section, "http_request_error", &shown);
        // Nothing after a request that was refused may be served.
        assert_ends(&mut client, &shown);
        assert_eq!(self.backend.accepted(), 0, "connections to the backend after \"{shown}\"");
    }
}

/// A proxy before whatever is at that address.
pub fn start_before(subject: &Subject, backend: SocketAddr) -> Process {
    subject.start(backend, &[]).unwrap()
}

/// The stage before whatever is at that address, with more flags.
pub fn start_with(subject: &Subject, backend: SocketAddr, flags: &[&str]) -> Result<Process, StartError> {
    subject.start(backend, flags)
}

/// Whether a response says that the connection ends. That it goes on needs no word in HTTP/1.1, and may have one.
pub fn says_close(response: &Response) -> bool {
    response.head.all("connection").iter().any(|value| value.eq_ignore_ascii_case("close"))
}

/// The connection ends, and not a byte comes before its end.
pub fn assert_ends(client: &mut Client, shown: &str) {
    let (rest, _) = client.read_to_end().unwrap_or_else(|error| panic!("after \"{shown}\": {error}"));
    assert_eq!(rest.escape_ascii().to_string(), "", "more came after the answer to \"{shown}\"");
}

/// Nothing follows the response that was read, whether the connection goes on or not.
pub fn assert_nothing_follows(client: &mut Client, shown: &str) {
    // It fails if the proxy has closed the connection already.
    let _ = client.half_close();
    assert_ends(client, shown);
}

/// A response of the proxy's own: framed, with a text that names the rule. The connection ends if the request was
/// at fault: where the next one starts is not known then (RFC 9112 section 9.3). Another proxy has its own texts.
pub fn assert_is_error(
    subject: &Subject,
    response: &Response,
    status: u16,
    text: &str,
    error: &str,
    shown: &str,
) {
    assert_eq!(response.status, status, "\"{shown}\" was answered: {}", response.text());
    if !subject.is_stage() {
        return;
    }
    assert!(response.text().contains(text), "\"{shown}\" was answered: {}", response.text());
    assert_eq!(response.ended, Ended::ContentLength, "\"{shown}\"");
    assert_eq!(response.field("content-type"), Some("text/plain; charset=utf-8"), "\"{shown}\"");
    let closes = !keeps_alive(subject) || error == "http_request_error";
    assert_eq!(says_close(response), closes, "\"{shown}\"");
    // RFC 9209 section 2: the name of the proxy, and what failed.
    let proxy_status = format!("{}; error={error}", subject.name);
    assert_eq!(response.field("proxy-status"), Some(proxy_status.as_str()), "\"{shown}\"");
    assert!(response.field("date").is_some(), "\"{shown}\"");
}

/// Waits until no more clients are accepted at that address.
pub fn wait_until_refused(address: SocketAddr) {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect_timeout(&address, PATIENCE).is_ok() {
        assert!(Instant::now() < deadline, "clients are accepted after a stop signal");
    }
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
