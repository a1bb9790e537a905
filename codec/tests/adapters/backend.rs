//! Faults of a backend: when it is late, which errors are attributed to it, and what the client receives.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use codec::Limits;

use crate::proxy::{Adapter, Proxy};
use crate::{GET, LONG, SHORT, answer_to, backend, connect, limits, read_until, refused};

on_both_adapters! {
    a_backend_that_refuses_connections_is_502,
    #[cfg(target_os = "linux")]
    a_backend_that_does_not_accept_in_time_is_504,
    a_backend_that_does_not_answer_in_time_is_504_and_the_client_connection_stays_open,
    a_slow_response_head_is_504,
    an_invalid_response_is_502_while_the_upload_waits,
    a_response_body_that_pauses_is_cut,
    a_body_cut_by_the_backend_stays_incomplete,
    a_cut_body_resets_a_client_that_reads_until_the_close,
    a_long_upload_does_not_exceed_the_response_head_timeout,
}

fn a_backend_that_refuses_connections_is_502(adapter: Adapter) {
    // RFC 9110 section 15.6.3
    let answer = answer_to(
        adapter,
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        limits(Limits::DEFAULT),
        refused(),
    );
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
    assert!(answer.contains("\r\nProxy-Status: test; error=connection_refused\r\n"), "{answer}");
    assert!(!answer.contains("127.0.0.1"), "the client learns nothing of what lies beyond: {answer}");
}

#[cfg(target_os = "linux")] // Elsewhere a full queue of connections refuses rather than ignores.
fn a_backend_that_does_not_accept_in_time_is_504(adapter: Adapter) {
    // RFC 9110 section 15.6.5
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, SHORT) {
        queued.push(stream);
    }
    let limits = limits(Limits { connect_timeout: SHORT, ..Limits::DEFAULT });
    let answer =
        answer_to(adapter, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", limits, address);
    assert!(answer.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"), "{answer}");
    assert!(answer.contains("error=connection_timeout"), "{answer}");
}

fn a_backend_that_does_not_answer_in_time_is_504_and_the_client_connection_stays_open(adapter: Adapter) {
    // RFC 9110 section 15.6.5
    let (address, ended) = backend(|mut stream| stream.read_to_end(&mut Vec::new()).is_ok());
    let limits = limits(Limits { response_head_timeout: SHORT, ..Limits::DEFAULT });
    let proxy = Proxy::start(adapter, limits, address);
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    let answer = read_until(&mut client, "section 15.6.5)\n");
    assert!(answer.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"), "{answer}");
    assert!(!answer.contains("Connection: close"), "the request was read to its end: {answer}");
    assert!(ended.recv_timeout(LONG).unwrap(), "the backend's connection is closed");
    client.write_all(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    assert!(read_until(&mut client, "\r\n\r\n").starts_with("HTTP/1.1 204 No Content\r\n"));
}

fn a_slow_response_head_is_504(adapter: Adapter) {
    // RFC 9110 section 15.6.5: the bound is on the whole head, not on the pause between two bytes.
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        let head = b"HTTP/1.1 200 OK\r\nA: ".iter().copied().chain(std::iter::repeat_n(b'a', 1000));
        for byte in head {
            if stream.write_all(&[byte]).is_err() {
                return;
            }
            thread::sleep(SHORT / 8);
        }
    });
    let limits = limits(Limits { response_head_timeout: SHORT * 2, ..Limits::DEFAULT });
    let answer = answer_to(adapter, &GET.replace("Host", "Connection: close\r\nHost"), limits, address);
    assert!(answer.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"), "{answer}");
}

fn an_invalid_response_is_502_while_the_upload_waits(adapter: Adapter) {
    // RFC 9110 section 15.6.3: the stopped upload must not be attributed to the client.
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "he");
        stream.write_all(b"garbage\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).is_ok()
    });
    let request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe";
    let answer = answer_to(adapter, request, limits(Limits::DEFAULT), address);
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
}

fn a_response_body_that_pauses_is_cut(adapter: Adapter) {
    // RFC 9112 section 8: never finish the framing of a body that is not complete.
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n").unwrap();
        stream.read(&mut [0]).unwrap_or(0)
    });
    let limits = limits(Limits { response_body_timeout: SHORT, ..Limits::DEFAULT });
    let answer = answer_to(adapter, GET, limits, address);
    assert!(answer.ends_with("\r\n\r\n2\r\nhe\r\n"), "{answer}");
}

fn a_body_cut_by_the_backend_stays_incomplete(adapter: Adapter) {
    // RFC 9112 section 8
    for head in ["Content-Length: 5", "Transfer-Encoding: chunked"] {
        let (address, _done) = backend(move |mut stream| {
            read_until(&mut stream, "\r\n\r\n");
            let body = if head.contains("chunked") { "5\r\nhe" } else { "he" };
            write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").unwrap();
        });
        let answer = answer_to(adapter, GET, limits(Limits::DEFAULT), address);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(!answer.ends_with("0\r\n\r\n") && answer.contains("he"), "{answer}");
    }
}

fn a_cut_body_resets_a_client_that_reads_until_the_close(adapter: Adapter) {
    // RFC 9112 section 8: a close-delimited body that is cut short looks complete.
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n").unwrap();
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let error = client.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

fn a_long_upload_does_not_exceed_the_response_head_timeout(adapter: Adapter) {
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "last");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    });
    let limits = limits(Limits { response_head_timeout: SHORT * 5, ..Limits::DEFAULT });
    let proxy = Proxy::start(adapter, limits, address);
    let mut client = connect(&proxy);
    client.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 32\r\n\r\n").unwrap();
    let started = Instant::now();
    for piece in [b"aaaa", b"bbbb", b"ffff", b"gggg", b"cccc", b"dddd", b"eeee", b"last"] {
        thread::sleep(SHORT);
        client.write_all(piece).unwrap();
    }
    assert!(started.elapsed() > SHORT * 5, "longer than the limit");
    assert!(read_until(&mut client, "ok").starts_with("HTTP/1.1 200 OK\r\n"));
}

/// Over tokio such a backend must read a third of the kernel's buffer within the limit, because a task is not notified
/// earlier.
#[test]
fn a_backend_that_reads_the_request_slowly_does_not_exceed_the_response_head_timeout() {
    const LENGTH: usize = 32 << 20;
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        let mut buffer = vec![0; 256 << 10];
        let mut received = 0;
        let started = Instant::now();
        while received < LENGTH {
            let is_slow = started.elapsed() < SHORT * 12;
            let most = if is_slow { 4 << 10 } else { buffer.len() };
            received += stream.read(&mut buffer[..most]).unwrap();
            if is_slow {
                // A piece of the largest size takes longer than the limit, but never stalls.
                thread::sleep(SHORT / 10);
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    });
    let limits = limits(Limits { response_head_timeout: SHORT * 5, ..Limits::DEFAULT });
    let proxy = Proxy::start(Adapter::Blocking, limits, address);
    let mut client = connect(&proxy);
    write!(client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {LENGTH}\r\n\r\n").unwrap();
    for _ in 0..LENGTH / 65536 {
        client.write_all(&[b'x'; 65536]).unwrap();
    }
    assert!(read_until(&mut client, "ok").starts_with("HTTP/1.1 200 OK\r\n"));
}
