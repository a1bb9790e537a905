//! Long bodies, which stay in the kernel over tokio on Linux: whether bytes get lost, doubled or moved past the end of
//! a body, and what happens if a side fails in the middle.

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use codec::Limits;

use crate::long_body::{Framed, assert_same, body, drain, read_body, read_exactly};
use crate::proxy::{Adapter, Proxy};
use crate::{GET, LONG, SHORT, backend, connect, limits, read_until};

on_both_adapters! {
    a_response_of_any_length_arrives_byte_for_byte,
    a_request_of_any_length_arrives_byte_for_byte,
    a_response_that_the_backend_cuts_is_cut_for_the_client,
    a_response_that_the_backend_resets_is_cut_for_the_client,
    a_request_that_the_client_cuts_is_cut_for_the_backend,
    a_client_that_leaves_within_a_response_ends_it,
    a_client_that_pauses_stops_the_backend_and_loses_no_byte,
    a_backend_that_pauses_within_a_long_body_is_cut,
    a_client_that_pauses_within_a_long_body_is_408,
}

/// Around the bounds of buffers and pipes, and of the pieces that are spliced.
const LENGTHS: [usize; 13] =
    [1, 4096, 16_383, 16_384, 16_385, 57_343, 57_345, 65_535, 65_536, 65_537, 131_071, 262_145, 1_048_583];

fn a_response_of_any_length_arrives_byte_for_byte(adapter: Adapter) {
    for framed in [Framed::Length, Framed::Chunk, Framed::Close] {
        for length in LENGTHS {
            let (address, _done) = backend(move |mut stream| {
                read_until(&mut stream, "\r\n\r\n");
                stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
                stream.write_all(&framed.message(&body(length))).unwrap();
            });
            let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
            let mut client = connect(&proxy);
            client.write_all(GET.as_bytes()).unwrap();
            let head = read_until(&mut client, "\r\n\r\n");
            assert_same(&read_body(&mut client, &head, length), &body(length));
            let report = proxy.reports.recv_timeout(LONG).unwrap();
            assert_eq!((report.body_bytes, report.error.is_none()), (length as u64, true), "{report}");
        }
    }
}

fn a_request_of_any_length_arrives_byte_for_byte(adapter: Adapter) {
    for framed in [Framed::Length, Framed::Chunk] {
        for length in LENGTHS {
            let (address, received) = backend(move |mut stream| {
                let head = read_until(&mut stream, "\r\n\r\n");
                let received = read_body(&mut stream, &head, length);
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
                received
            });
            let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
            let mut client = connect(&proxy);
            client.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\n").unwrap();
            client.write_all(&framed.message(&body(length))).unwrap();
            read_until(&mut client, "\r\n\r\n");
            assert_same(&received.recv_timeout(LONG).unwrap(), &body(length));
            // The next request begins right after the body.
            client.write_all(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
            assert!(read_until(&mut client, "\r\n\r\n").starts_with("HTTP/1.1 204 "));
        }
    }
}

const ANNOUNCED: usize = 8 << 20;
const SENT: usize = 300_000;

/// The beginning of a long message.
fn beginning() -> Vec<u8> {
    Framed::Length.message(&body(ANNOUNCED))[..SENT].to_vec()
}

fn a_response_that_the_backend_cuts_is_cut_for_the_client(adapter: Adapter) {
    // RFC 9112 section 8
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        stream.write_all(&beginning()).unwrap();
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    read_until(&mut client, "\r\n\r\n");
    assert_eq!(drain(&mut client), SENT - "Content-Length: 8388608\r\n\r\n".len());
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.contains("(backend: closed the connection before the end of a body)"), "{report}");
}

fn a_response_that_the_backend_resets_is_cut_for_the_client(adapter: Adapter) {
    // RFC 9112 section 8
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        stream.write_all(&beginning()).unwrap();
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    assert!(drain(&mut client) < ANNOUNCED);
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.contains("(backend: "), "{report}");
}

fn a_request_that_the_client_cuts_is_cut_for_the_backend(adapter: Adapter) {
    // RFC 9112 section 8
    let (address, received) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        drain(&mut stream)
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\n").unwrap();
    client.write_all(&beginning()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert!(read_until(&mut client, "\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert!(received.recv_timeout(LONG).unwrap() < ANNOUNCED);
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.contains("(client: closed the connection before the end of a body)"), "{report}");
}

/// Sends a long response until the proxy takes no more of it.
fn send_a_long_response(mut stream: TcpStream) -> Option<ErrorKind> {
    read_until(&mut stream, "\r\n\r\n");
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n").unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    (0..1_000_000).find_map(|_| stream.write_all(&[b'x'; 100_000]).err().map(|error| error.kind()))
}

fn a_client_that_leaves_within_a_response_ends_it(adapter: Adapter) {
    let (address, ended) = backend(send_a_long_response);
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    read_exactly(&mut client, SENT);
    drop(client);
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.contains("(client: "), "{report}");
    let error = ended.recv_timeout(LONG).unwrap();
    assert!(matches!(error, Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)), "{error:?}");
}

fn a_client_that_pauses_stops_the_backend_and_loses_no_byte(adapter: Adapter) {
    const LENGTH: usize = 64 << 20;
    /// The buffers of four sockets at most.
    const BUFFERED: usize = LENGTH / 2;
    let (stopped, has_stopped) = channel();
    let (address, _done) = backend(move |mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").unwrap();
        let body = body(LENGTH);
        let mut written = 0;
        stream.set_write_timeout(Some(SHORT)).unwrap();
        while let Ok(length) = stream.write(&body[written..]) {
            written += length;
        }
        stopped.send(written).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        stream.write_all(&body[written..]).unwrap();
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    read_until(&mut client, "\r\n\r\n");
    let written = has_stopped.recv_timeout(LONG).unwrap();
    assert!(written < BUFFERED, "{written} bytes were taken from the backend");
    assert_same(&read_exactly(&mut client, LENGTH), &body(LENGTH));
}

fn a_backend_that_pauses_within_a_long_body_is_cut(adapter: Adapter) {
    let (release, released) = channel::<()>();
    let (address, _done) = backend(move |mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        stream.write_all(&beginning()).unwrap();
        let _ = released.recv();
    });
    let proxy =
        Proxy::start(adapter, limits(Limits { response_body_timeout: SHORT, ..Limits::DEFAULT }), address);
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    assert!(drain(&mut client) < ANNOUNCED);
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.contains("(backend: waited too long for a body)"), "{report}");
    drop(release);
}

fn a_client_that_pauses_within_a_long_body_is_408(adapter: Adapter) {
    // RFC 9110 section 15.5.9
    let (address, _done) = backend(|mut stream| drain(&mut stream));
    let proxy =
        Proxy::start(adapter, limits(Limits { request_body_timeout: SHORT, ..Limits::DEFAULT }), address);
    let mut client = connect(&proxy);
    client.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\n").unwrap();
    client.write_all(&beginning()).unwrap();
    assert!(read_until(&mut client, "\r\n\r\n").starts_with("HTTP/1.1 408 "));
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.contains("(client: waited too long for a body)"), "{report}");
}

#[test]
fn more_long_bodies_than_there_are_pipes_arrive_byte_for_byte() {
    const LENGTH: usize = 8 << 20;
    let sent: Arc<[u8]> = body(LENGTH).into();
    let (began, have_begun) = channel();
    let (release, released) = channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let clients: Vec<_> = (0..codec::tokio::MAX_PIPES + 8)
        .map(|_| {
            let (sent, began, released) = (Arc::clone(&sent), began.clone(), Arc::clone(&released));
            thread::spawn(move || {
                let body = Arc::clone(&sent);
                let (address, _done) = backend(move |mut stream| {
                    read_until(&mut stream, "\r\n\r\n");
                    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").unwrap();
                    stream.write_all(&body).unwrap();
                });
                let proxy = Proxy::start(Adapter::Tokio, limits(Limits::DEFAULT), address);
                let mut client = connect(&proxy);
                client.write_all(GET.as_bytes()).unwrap();
                read_until(&mut client, "\r\n\r\n");
                began.send(()).unwrap();
                // The sender is dropped once all have begun.
                let _ = released.lock().unwrap().recv();
                assert_same(&read_exactly(&mut client, LENGTH), &sent);
            })
        })
        .collect();
    for _ in &clients {
        have_begun.recv_timeout(LONG).unwrap();
    }
    drop(release);
    for client in clients {
        client.join().unwrap();
    }
}
