//! Both adapters send the same bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use codec::Limits;

use crate::proxy::{Adapter, Proxy};
use crate::{LONG, limits, read_all, read_until};

/// A request, the end of what the backend reads of it, and its response.
const SCRIPT: [(&str, &str, &str); 8] = [
    (
        "GET /1?q HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\n\r\n",
        "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nDate: d\r\nKeep-Alive: 5\r\nContent-Length: 6\r\n\r\nhello\n",
    ),
    (
        "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
        "abc",
        "HTTP/1.1 103 Early Hints\r\nLink: l\r\n\r\nHTTP/1.1 201 Created\r\nDate: d\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nT: t\r\n\r\n",
    ),
    (
        "PUT /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nA: b\r\n\r\n",
        "0\r\nA: b\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nDate: d\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "HEAD http://other/4 HTTP/1.1\r\nHost: h\r\n\r\n",
        "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 9\r\n\r\n",
    ),
    ("GET /5 HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: d\r\n\r\nuntil the end"),
    ("GET /6 HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n", "garbage\r\n\r\n"),
    (
        "GET /7 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "\r\n\r\n",
        "HTTP/1.0 304 Not Modified\r\nDate: d\r\nContent-Length: 5\r\n\r\n",
    ),
    (
        "GET /8 HTTP/1.0\r\n\r\n",
        "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nDate: d\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    ),
];

/// A backend that plays the script, with one connection for each request. It returns all bytes that it received.
fn scripted_backend() -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let play = move || {
        let mut received = String::new();
        for (_, end, response) in SCRIPT {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(LONG)).unwrap();
            if end != "\r\n\r\n" {
                received += &read_until(&mut stream, "\r\n\r\n");
            }
            received += &read_until(&mut stream, end);
            stream.write_all(response.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            // Nothing may come after the request.
            received += &read_all(&mut stream);
        }
        received
    };
    (address, thread::spawn(play))
}

/// The bytes that the client and the backend received.
fn play(adapter: Adapter) -> (String, String) {
    let (address, backend) = scripted_backend();
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = TcpStream::connect(proxy.address).unwrap();
    client.set_read_timeout(Some(LONG)).unwrap();
    // All at once: pipelined.
    let requests: String = SCRIPT.iter().map(|(request, ..)| *request).collect();
    client.write_all(requests.as_bytes()).unwrap();
    let mut received = String::new();
    client.read_to_string(&mut received).unwrap();
    let host = format!("Host: {address}");
    let without_own_date = received.lines().filter(|line| !line.starts_with("Date: ") || *line == "Date: d");
    (
        without_own_date.map(|line| format!("{line}\n")).collect(),
        backend.join().unwrap().replace(&host, "Host: <backend>"),
    )
}

#[test]
fn one_script_puts_the_same_bytes_on_the_wire_with_both_adapters() {
    let (blocking_client, blocking_backend) = play(Adapter::Blocking);
    let (tokio_client, tokio_backend) = play(Adapter::Tokio);
    assert_eq!(blocking_client, tokio_client);
    assert_eq!(blocking_backend, tokio_backend);
    let statuses: Vec<_> = tokio_client
        .lines()
        .filter_map(|line| line.strip_prefix("HTTP/1.1 "))
        .map(|line| &line[..3])
        .collect();
    assert_eq!(statuses, ["200", "103", "201", "204", "200", "200", "502", "304", "200"]);
    assert_eq!(tokio_backend.matches(" HTTP/1.1\r\n").count(), SCRIPT.len());
    assert!(tokio_client.ends_with("\n\nx\n"), "the last goes to an HTTP/1.0 client, without chunks");
}
