//! A proxy in front of a backend, and helpers for most behaviours.

use std::net::{SocketAddr, TcpStream};
use std::thread;

use serde_json::{Value, json};
use testkit::{Backend, Client, Connection, PATIENCE, Process, Received, Response, poll};

use course::Ability;

use crate::Subject;
pub(crate) use crate::case::HELLO;
use crate::own_answer;
pub(crate) use crate::own_answer::says_close;

/// [`HELLO`] from a backend that closes the connection after it.
pub const LAST_HELLO: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
/// A valid request.
pub const GET: &str = "GET / HTTP/1.1\r\nHost: example.test\r\n\r\n";

/// Whether a client connection stays open after a response by default.
pub fn keeps_alive(subject: &Subject) -> bool {
    subject.can(Ability::Persistence)
}

/// Whether each backend connection carries one request and is closed after it.
pub fn dials_for_each_request(subject: &Subject) -> bool {
    !subject.can(Ability::Pool) && subject.is_stage()
}

/// The most idle backend connections that are kept.
pub fn kept_connections(subject: &Subject) -> usize {
    if dials_for_each_request(subject) { 0 } else { 10 }
}

/// What a scripted backend does with a connection.
pub type Step = fn(&mut Connection) -> std::io::Result<()>;

/// A proxy and its backend.
pub struct Setup {
    pub proxy: Process,
    pub backend: Backend,
}

impl Setup {
    pub fn new(subject: &Subject, backend: std::io::Result<Backend>) -> Setup {
        let backend = backend.unwrap();
        Setup { proxy: subject.start(backend.address(), &[]).unwrap(), backend }
    }

    /// A proxy in front of a backend that answers `hello`.
    pub fn hello(subject: &Subject) -> Setup {
        Setup::new(subject, Backend::good(HELLO))
    }

    pub fn client(&self) -> Client {
        Client::connect(self.proxy.address()).unwrap()
    }

    /// Sends a request on a new connection and reads its response.
    pub fn exchange(&self, request: impl AsRef<[u8]>) -> Response {
        let request = request.as_ref();
        let response = self.client().exchange(request);
        response.unwrap_or_else(|error| panic!("\"{}\": {error}", request.escape_ascii()))
    }

    /// The only request that reached the backend.
    pub fn received(&self) -> Received {
        let faults = self.backend.faults();
        assert!(faults.is_empty(), "the backend got what is not valid: {faults:?}");
        let mut requests = self.backend.requests();
        assert_eq!(requests.len(), 1, "requests at the backend");
        requests.remove(0)
    }

    /// Sends a request and returns it as the backend received it.
    pub fn forward(&self, request: impl AsRef<[u8]>) -> Received {
        let response = self.exchange(request);
        assert_eq!(response.status, 200, "{}", response.text());
        self.received()
    }
}

/// Starts a stage in front of backends that are named as on the command line.
pub fn start_before(subject: &Subject, backends: &str, flags: &[&str]) -> Process {
    let arguments = [&["--listen", "127.0.0.1:0", "--backend", backends], flags, subject.free_ports()];
    Process::stage(subject.binary(), &arguments.concat()).unwrap()
}

/// The result of a method of the stats RPC.
pub fn rpc_result(proxy: &Process, method: &str) -> Value {
    let call = json!({ "jsonrpc": "2.0", "method": method, "id": 1 }).to_string();
    let fields = "Host: localhost\r\nContent-Type: application/json";
    let request = format!("POST /rpc HTTP/1.1\r\n{fields}\r\nContent-Length: {}\r\n\r\n{call}", call.len());
    let response = Client::connect(proxy.rpc_address().unwrap()).unwrap().exchange(request).unwrap();
    let mut answer: Value = serde_json::from_slice(&response.body).unwrap();
    assert!(answer["result"].is_object(), "{answer}");
    answer["result"].take()
}

/// The connection ends without further bytes.
pub fn assert_ends(client: &mut Client, shown: &str) {
    let (rest, _) = client.read_to_end().unwrap_or_else(|error| panic!("after \"{shown}\": {error}"));
    assert_eq!(rest.escape_ascii().to_string(), "", "more came after the answer to \"{shown}\"");
}

/// Nothing follows the last response, whether the connection stays open or not.
pub fn assert_nothing_follows(client: &mut Client, shown: &str) {
    // Fails if the proxy has already closed the connection.
    let _ = client.half_close();
    assert_ends(client, shown);
}

/// An error from the proxy itself, in the form that [`own_answer::problems_of_error`] requires of a stage.
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

/// Waits until clients are no longer accepted at this address.
pub fn wait_until_refused(address: SocketAddr) {
    let is_refused = poll(PATIENCE, || TcpStream::connect_timeout(&address, PATIENCE).is_err());
    assert!(is_refused, "clients are accepted after a stop signal");
}

/// Bytes that differ from their neighbours.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(pattern_byte).collect()
}

/// The byte of [`pattern`] at this position.
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

/// Runs `work` in `count` threads at once and returns all results.
pub fn at_once<T: Send>(count: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(&work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    })
}
