//! The client and the backends, tested against each other. No test of a proxy can detect what they miss.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use testkit::{Backend, Client, End, Ended, Process, RefusedPort, Response, check_command_line};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn response_to(backend: &Backend, request: &str) -> std::io::Result<Response> {
    Client::connect(backend.address())?.exchange(request)
}

#[test]
fn the_client_reads_each_framing() {
    // RFC 9112 section 6.3.
    let chunks = "3\r\nhel\r\n02;a=b\r\nlo\r\n0\r\nA: b\r\n\r\n";
    let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
    for (bytes, ended) in [
        (HELLO, Ended::ContentLength),
        (&chunked, Ended::Chunked),
        ("HTTP/1.1 200 OK\r\n\r\nhello", Ended::CloseDelimited),
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", Ended::Cut),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Ended::Cut),
        ("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Ended::ContentLength),
    ] {
        let response = response_to(&Backend::closing(bytes).unwrap(), GET).unwrap();
        assert_eq!((response.text().as_str(), response.ended), ("hello", ended), "{bytes}");
        assert_eq!(response.is_complete(), ended != Ended::Cut);
        let trailers: &[_] = if ended == Ended::Chunked { &[("A".to_owned(), "b".to_owned())] } else { &[] };
        assert_eq!(response.trailers.fields, trailers);
    }
}

#[test]
fn the_client_tries_every_address() {
    let (refuses, backend) = (RefusedPort::bind().unwrap(), Backend::good(HELLO).unwrap());
    let refuses = refuses.address().unwrap();
    let patience = Duration::from_secs(10);
    let mut client = Client::connect_to_any(&[refuses, backend.address()], patience).unwrap();
    assert_eq!(client.exchange(GET).unwrap().text(), "hello");
    // RFC 3849: no machine has this address. A refusal is more informative than an unreachable address.
    let unreachable = "[2001:db8::1]:80".parse().unwrap();
    for addresses in [[refuses, unreachable], [unreachable, refuses]] {
        let error = Client::connect_to_any(&addresses, Duration::from_secs(1)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{addresses:?}: {error}");
    }
    let error = Client::connect_to_any(&[], patience).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
}

#[test]
fn the_client_refuses_invalid_responses() {
    for bytes in [
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;\nx\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    ] {
        let error = response_to(&Backend::closing(bytes).unwrap(), GET).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{bytes}");
    }
}

#[test]
fn the_client_distinguishes_a_reset_from_an_end() {
    let backend = Backend::script(|connection| {
        connection.read_request()?;
        connection.send("HTTP/1.1 200 OK\r\n\r\nhello")?;
        connection.wait_for_release()?;
        connection.reset()
    });
    let backend = backend.unwrap();
    let mut client = Client::connect(backend.address()).unwrap();
    client.send(GET).unwrap();
    let response = client.read_streamed("GET", &mut |piece| {
        backend.release(usize::from(!piece.is_empty()));
        Ok(())
    });
    assert_eq!(response.unwrap().ended, Ended::Reset);
    assert_eq!(client.read_to_end().unwrap().1, End::Reset);
}

#[test]
fn an_exchange_with_a_silent_server_times_out() {
    let backend = Backend::silent().unwrap();
    let mut client = Client::connect_with(backend.address(), Duration::from_millis(50)).unwrap();
    assert_eq!(client.exchange(GET).unwrap_err().kind(), ErrorKind::TimedOut);
}

#[test]
fn a_backend_records_requests_and_faults() {
    let backend = Backend::half_closing(HELLO).unwrap();
    let chunked = "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nB: c\r\n\r\n";
    assert_eq!(response_to(&backend, chunked).unwrap().text(), "hello");
    let requests = backend.requests();
    assert_eq!(requests[0].head.start_line, "POST /a HTTP/1.1");
    assert_eq!((requests[0].body.as_slice(), requests[0].ended), (&b"hello"[..], Some(End::Framed)));
    assert_eq!(requests[0].trailers.field("b"), Some("c"));
    assert_eq!(backend.bytes(), chunked.as_bytes());

    let smuggling = "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert!(response_to(&backend, smuggling).is_err());
    backend.wait_for_closed(2).unwrap();
    assert_eq!(backend.faults().len(), 1);
    assert_eq!((backend.accepted(), backend.in_flight_max()), (2, 1));
}

#[test]
fn concurrent_requests_are_counted() {
    let backend = Backend::slow(HELLO).unwrap();
    let mut clients: Vec<_> = (0..3).map(|_| Client::connect(backend.address()).unwrap()).collect();
    for client in &mut clients {
        client.send(GET).unwrap();
    }
    backend.wait_for_requests(3).unwrap();
    backend.release(3);
    for client in &mut clients {
        assert_eq!(client.read_response("GET").unwrap().status, 200);
    }
    assert_eq!((backend.accepted(), backend.in_flight_max()), (3, 3));
}

#[test]
fn a_resetting_backend_resets() {
    let backend = Backend::resetting("").unwrap();
    let mut client = Client::connect(backend.address()).unwrap();
    client.send(GET).unwrap();
    assert_eq!(client.read_to_end().unwrap(), (Vec::new(), End::Reset));
}

#[test]
fn a_refused_port_refuses() {
    let port = RefusedPort::bind().unwrap();
    let error = Client::connect(port.address().unwrap()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[cfg(unix)]
#[test]
fn a_program_that_does_not_listen_is_an_error_with_its_exit_code() {
    let error = Process::stage("sh", &["-c", "exit 2"]).err().unwrap();
    assert_eq!(error.exit_code, Some(2), "{error}");
    // A program that fails, with a reason on stderr.
    let error = Process::foreign("cat /no/such/file/{listen}", "127.0.0.1:1").err().unwrap();
    assert_eq!(error.exit_code, Some(1), "{error}");
    assert!(error.message.contains("/no/such/file/127.0.0.1:"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_command_line_is_split_with_shell_quoting() {
    // The last output is the words, each in a pair of brackets.
    let line =
        r#"sh -c 'printf "[%s]" "$0" "$@" >&2; exit 3' "a path" with\ a\ space '' "it's {listen}" {backend}"#;
    assert_eq!(check_command_line(line), Ok(()));
    let error = Process::foreign(line, "127.0.0.1:1").err().unwrap();
    assert!(error.message.contains("[a path][with a space][][it's 127.0.0.1:"), "{error}");
    assert!(error.message.ends_with("[127.0.0.1:1]"), "{error}");
    assert!(check_command_line("'no end {listen} {backend}").unwrap_err().contains("not quoted"));
}

/// A program that is being started has a copy of every descriptor until it has begun.
#[cfg(unix)]
#[test]
fn a_connection_that_counts_as_closed_has_ended_although_programs_are_being_started() {
    assert_ends_at_once(Backend::script(|connection| connection.read_request().map(drop)).unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn a_connection_that_was_reset_has_ended_although_programs_are_being_started() {
    assert_ends_at_once(Backend::resetting("").unwrap());
    // The bytes that are not read make the close a reset.
    assert_ends_at_once(Backend::script(|connection| connection.read_bytes(1).map(drop)).unwrap());
}

#[cfg(unix)]
fn assert_ends_at_once(backend: Backend) {
    const CONNECTIONS: usize = 500;
    let is_done = AtomicBool::new(false);
    let still_open = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    Command::new("true").status().unwrap();
                }
            });
        }
        let still_open = (1..=CONNECTIONS).filter(|&closed| {
            let mut client = TcpStream::connect(backend.address()).unwrap();
            client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
            backend.wait_for_closed(closed).unwrap();
            client.set_nonblocking(true).unwrap();
            client.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        });
        let still_open = still_open.count();
        is_done.store(true, Ordering::Relaxed);
        still_open
    });
    assert_eq!(still_open, 0, "of {CONNECTIONS} connections");
}
