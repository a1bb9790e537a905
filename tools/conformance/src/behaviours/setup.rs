//! A proxy before a backend, and what most behaviours ask of the two.

use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use testkit::{Backend, Client, Connection, PATIENCE, Process, Received, Response, StartError};

use course::Ability;

use crate::Subject;
pub(crate) use crate::case::HELLO;
use crate::own_answer;
pub(crate) use crate::own_answer::says_close;

/// [`HELLO`] from a backend that closes the connection after it.
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
    pub proxy: Process,
    pub backend: Backend,
}

impl Setup {
    pub fn new(subject: &Subject, backend: std::io::Result<Backend>) -> Setup {
        let backend = backend.unwrap();
        Setup { proxy: start_before(subject, backend.address()), backend }
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
}

/// A proxy before whatever is at that address.
pub fn start_before(subject: &Subject, backend: SocketAddr) -> Process {
    subject.start(backend, &[]).unwrap()
}

/// The stage before whatever is at that address, with more flags.
pub fn start_with(subject: &Subject, backend: SocketAddr, flags: &[&str]) -> Result<Process, StartError> {
    subject.start(backend, flags)
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

/// An error of the proxy's own, as [`own_answer::problems_of_error`] wants it of a stage.
pub fn assert_is_error(
    subject: &Subject,
    response: &Response,
    status: u16,
    section: &str,
    error: &str,
    shown: &str,
) {
    assert_eq!(response.status, status, "\"{shown}\" was answered: {}", response.text());
    if subject.is_stage() {
        let problems = own_answer::problems_of_error(subject, response, section, error, false);
        assert!(problems.is_empty(), "\"{shown}\" was answered: {problems:?}");
    }
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

/// Does `work` in so many threads at once, and returns what came of each.
pub fn at_once<T: Send>(count: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(&work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    })
}
