//! Compares the two adapters: random sequences of valid and invalid requests and responses, in random pieces.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use codec::Limits;
use proptest::prelude::*;

use crate::proxy::{Adapter, Proxy};
use crate::{LONG, limits};

/// Requests without the path of their request line, and the text that ends each of them at the backend; `None` if it
/// never ends. Chunks have one byte, because the split of longer ones depends on how they arrive and has no meaning
/// (RFC 9112 section 7.1).
const REQUESTS: [(&str, Option<&str>); 14] = [
    ("GET {} HTTP/1.1\r\nHost: h\r\n\r\n", Some("")),
    ("HEAD {} HTTP/1.1\r\nHost: h\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n", Some("")),
    ("GET http://other{} HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n", Some("")),
    ("GET {} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", Some("")),
    ("GET {} HTTP/1.0\r\n\r\n", Some("")),
    ("GET {} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", Some("")),
    ("POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nbo\0dy", Some("bo\0dy")),
    ("POST {} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n", Some("")),
    (
        "PUT {} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n0\r\nA: b\r\n\r\n",
        Some("0\r\nA: b\r\n\r\n"),
    ),
    ("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", Some("")),
    ("POST {} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", None),
    ("POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", None),
    ("GET {} HTTP/1.1\r\nHost : h\r\n\r\n", None),
    ("TRACE {} HTTP/1.1\r\nHost: h\r\n\r\n", None),
];

/// The responses of the backend, which half-closes after each.
const RESPONSES: [&str; 13] = [
    "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nDate: d\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nT: t\r\n\r\n",
    "HTTP/1.1 200 OK\r\nDate: d\r\n\r\nuntil the end",
    "HTTP/1.0 200 OK\r\nDate: d\r\n\r\nuntil the end",
    "HTTP/1.1 103 Early Hints\r\nLink: l\r\n\r\nHTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nDate: d\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nDate: d\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 50\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nDate: d\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "nonsense\r\n\r\n",
    "",
];

/// A backend that reads each request to its end, and answers with the response whose number is in the path of the
/// request.
struct ScriptedBackend {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    received: JoinHandle<Vec<String>>,
}

impl ScriptedBackend {
    fn start() -> ScriptedBackend {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let received = thread::spawn(move || {
            let mut received = Vec::new();
            loop {
                let (stream, _) = listener.accept().unwrap();
                if over.load(Ordering::SeqCst) {
                    return received;
                }
                received.extend(answer(stream));
            }
        });
        ScriptedBackend { address, is_over, received }
    }

    /// The requests that arrived completely.
    fn finish(self) -> Vec<String> {
        self.is_over.store(true, Ordering::SeqCst);
        // Fails if the last connection of the proxy has already ended the backend.
        let _ = TcpStream::connect(self.address);
        self.received.join().unwrap()
    }
}

/// Answers a request and returns it. `None` if the request never ends: how much of it arrives depends on the pieces.
fn answer(mut stream: TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(LONG)).unwrap();
    let mut received = Vec::new();
    let (mut end, mut response) = (None, 0);
    let mut buffer = [0; 4096];
    loop {
        if end.is_none()
            && let Some(length) = received.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&received[..length]);
            let mut numbers = head.split(['/', ' ']).filter_map(|part| part.parse::<usize>().ok());
            let request = numbers.next().unwrap();
            response = numbers.next().unwrap();
            end = Some((length + 4, REQUESTS[request].1));
        }
        if let Some((length, Some(end))) = end
            && received[length..].ends_with(end.as_bytes())
        {
            stream.write_all(RESPONSES[response].as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            // Nothing may follow it.
            received.extend(read_to_end(&mut stream).into_bytes());
            return Some(String::from_utf8(received).unwrap());
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(length) => received.extend(&buffer[..length]),
        }
    }
}

/// Reads to the end of the stream, or to a reset.
fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => String::from_utf8(bytes).unwrap(),
    }
}

/// What the client received, and what reached the backend.
fn play(adapter: Adapter, requests: &[u8], pieces: &[usize]) -> (String, Vec<String>) {
    let backend = ScriptedBackend::start();
    let host = format!("Host: {}", backend.address);
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), backend.address);
    let mut client = TcpStream::connect(proxy.address).unwrap();
    client.set_nodelay(true).unwrap();
    client.set_read_timeout(Some(LONG)).unwrap();
    let (mut rest, mut pieces) = (requests, pieces.iter().cycle());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.len().min(*pieces.next().unwrap()));
        // Fails if the proxy has already closed the connection.
        let _ = client.write_all(piece);
        rest = after;
    }
    let _ = client.shutdown(Shutdown::Write);
    let received = read_to_end(&mut client);
    let is_own_date = |line: &&str| line.starts_with("Date: ") && *line != "Date: d";
    let received = received.split("\r\n").filter(|line| !is_own_date(line)).collect::<Vec<_>>().join("\r\n");
    let at_backend = backend.finish();
    (received, at_backend.iter().map(|text| text.replace(&host, "Host: <backend>")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_exchanges_put_the_same_bytes_on_the_wire_with_both_adapters(
        exchanges in prop::collection::vec((0..REQUESTS.len(), 0..RESPONSES.len()), 1..5),
        pieces in prop::collection::vec(1..60_usize, 1..4),
    ) {
        let requests: String = exchanges
            .iter()
            .map(|(request, response)| REQUESTS[*request].0.replace("{}", &format!("/{request}/{response}")))
            .collect();
        let blocking = play(Adapter::Blocking, requests.as_bytes(), &pieces);
        let tokio = play(Adapter::Tokio, requests.as_bytes(), &pieces);
        let splicing = play(Adapter::Splicing, requests.as_bytes(), &pieces);
        prop_assert_eq!(&blocking, &tokio);
        prop_assert_eq!(blocking, splicing);
    }
}
