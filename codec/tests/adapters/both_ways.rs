//! The two directions of an exchange at once: a response that arrives before the request is complete, and which
//! direction waits.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use codec::Limits;

use crate::proxy::{Adapter, Proxy};
use crate::{GET, LONG, SHORT, backend, connect, limits, read_all, read_until};

on_both_adapters! {
    a_client_that_reads_nothing_is_disconnected_and_so_is_the_backend,
    a_response_before_the_end_of_the_upload_is_forwarded,
    a_body_is_echoed_before_it_is_complete,
    a_complete_response_arrives_although_more_requests_arrive_while_it_is_sent,
    a_client_that_half_closes_during_its_upload_gets_the_rest_of_the_response,
    a_half_close_during_the_upload_is_forwarded_after_the_response_began,
    no_error_response_is_sent_inside_a_response_in_progress,
}

fn a_client_that_reads_nothing_is_disconnected_and_so_is_the_backend(adapter: Adapter) {
    let (address, ended) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let mut written = 0;
        while stream.write_all(&[b'x'; 65536]).is_ok() {
            written += 65536;
        }
        written
    });
    let limits = limits(Limits { write_timeout: SHORT, ..Limits::DEFAULT });
    let proxy = Proxy::start(adapter, limits, address);
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    let written = ended.recv_timeout(LONG).expect("the backend's connection is closed");
    // At most what the kernel's buffers of two connections hold: the proxy buffers nothing.
    assert!(written < 64 << 20, "{written}");
    let report = proxy.reports.recv_timeout(LONG).unwrap();
    assert!(report.to_string().contains("client: waited too long for it to take more"), "{report}");
}

fn a_response_before_the_end_of_the_upload_is_forwarded(adapter: Adapter) {
    // RFC 9112 section 9.3 and 9.6: the rest is read for a while, because otherwise a reset would destroy the response.
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno\n").unwrap();
        // The backend reads no more. Closing with unread bytes resets the connection.
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    let mut feeder = client.try_clone().unwrap();
    let length = 64 << 20;
    write!(client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n").unwrap();
    let feeder = thread::spawn(move || while feeder.write_all(&[b'x'; 65536]).is_ok() {});
    let answer = read_until(&mut client, "no\n");
    assert!(answer.starts_with("HTTP/1.1 413 Content Too Large\r\n"), "{answer}");
    drop(client);
    feeder.join().unwrap();
}

fn a_body_is_echoed_before_it_is_complete(adapter: Adapter) {
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let mut copy = stream.try_clone().unwrap();
        std::io::copy(&mut stream, &mut copy).unwrap_or(0)
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    read_until(&mut client, "\r\n\r\n");
    for word in ["one", "two"] {
        // Each chunk is echoed before the next is sent: the response began before the request was complete.
        write!(client, "3\r\n{word}\r\n").unwrap();
        assert_eq!(read_until(&mut client, &format!("3\r\n{word}\r\n")), format!("3\r\n{word}\r\n"));
    }
    client.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(read_until(&mut client, "0\r\n\r\n"), "0\r\n\r\n");
}

fn a_complete_response_arrives_although_more_requests_arrive_while_it_is_sent(adapter: Adapter) {
    // RFC 9112 section 9.6: closing with unread bytes would reset the connection and destroy the response.
    const LENGTH: usize = 8 << 20;
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").unwrap();
        stream.write_all(&vec![b'x'; LENGTH]).is_ok()
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
    read_until(&mut client, "\r\n\r\n");
    client.write_all(GET.repeat(100).as_bytes()).unwrap();
    let mut received = 0;
    let mut buffer = vec![0; 65536];
    loop {
        match client.read(&mut buffer).unwrap() {
            0 => break,
            length => received += length,
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(received, LENGTH);
}

fn a_client_that_half_closes_during_its_upload_gets_the_rest_of_the_response(adapter: Adapter) {
    // RFC 9112 section 9.3: the client has received the head, and only half-closes.
    let (go_on, wait) = channel::<()>();
    let (address, _done) = backend(move |mut stream| {
        read_until(&mut stream, "he");
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 10\r\n\r\nhello").unwrap();
        wait.recv_timeout(LONG).unwrap();
        stream.write_all(b"world").is_ok()
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nhe").unwrap();
    read_until(&mut client, "hello");
    client.shutdown(Shutdown::Write).unwrap();
    // The proxy reads the half-close before more of the response arrives.
    thread::sleep(SHORT);
    go_on.send(()).unwrap();
    assert_eq!(read_all(&mut client), "world");
}

fn no_error_response_is_sent_inside_a_response_in_progress(adapter: Adapter) {
    // RFC 9112 section 8: an error response inside another response would be read as a part of its body.
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n").unwrap();
        while stream.write_all(&[b'x'; 65536]).is_ok() {}
    });
    let limits = limits(Limits { write_timeout: SHORT * 2, ..Limits::DEFAULT });
    let proxy = Proxy::start(adapter, limits, address);
    let mut client = connect(&proxy);
    client.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    read_until(&mut client, "\r\n\r\n");
    // The client reads nothing until the buffers are full. Then the request becomes invalid.
    thread::sleep(SHORT);
    client.write_all(b"ZZ\r\n").unwrap();
    proxy.reports.recv_timeout(LONG).unwrap();
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest);
    assert!(rest.iter().all(|&byte| byte == b'x'), "{}", rest.escape_ascii());
}

fn a_half_close_during_the_upload_is_forwarded_after_the_response_began(adapter: Adapter) {
    // RFC 9112 section 9.6: the backend may wait for the end of the request before it ends its response.
    let (address, received) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let received = read_all(&mut stream);
        stream.write_all(b"2\r\nok\r\n0\r\n\r\n").unwrap();
        received
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhello").unwrap();
    read_until(&mut client, "\r\n\r\n");
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), "2\r\nok\r\n0\r\n\r\n");
    assert_eq!(received.recv_timeout(LONG).unwrap(), "hello");
}
