//! A response that is complete before the request: below 300 the upload continues, and every wait has a bound.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::channel;
use std::thread;

use codec::Limits;

use crate::proxy::{Adapter, Proxy};
use crate::{LONG, SHORT, backend, connect, limits, read_all, read_until};

on_both_adapters! {
    an_upload_continues_after_a_response_below_300,
    a_chunked_upload_continues_after_a_response_without_content,
    an_upload_ends_if_the_backend_does_not_read_it_after_its_response,
    an_upload_ends_if_the_client_does_not_continue_it_after_the_response,
    an_upload_that_the_client_cuts_after_the_response_stays_incomplete,
    a_backend_reset_before_the_last_piece_ends_the_client_connection,
    a_success_instead_of_a_100_says_close_and_ends_the_upload,
    an_upload_continues_after_a_success_that_follows_a_100,
    the_client_connection_is_half_closed_after_the_last_response_during_an_upload,
}

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nok\n";
const OPTIONS: &str = "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n";
const CUT: &str = "(client: the response was complete, the upload was cut)";

fn put(length: usize) -> String {
    format!("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n")
}

/// Sends the head of a request and reads the response, so that the backend answers before it has a byte of the body.
fn answered(proxy: &Proxy, request: &str) -> TcpStream {
    let mut client = connect(proxy);
    client.write_all(request.as_bytes()).unwrap();
    let answer = read_until(&mut client, "ok\n");
    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
    assert!(!answer.contains("Connection: close"), "{answer}");
    client
}

/// Asserts that the connection serves another request.
fn assert_is_kept(client: &mut TcpStream) {
    client.write_all(OPTIONS.as_bytes()).unwrap();
    assert!(read_until(client, "\r\n\r\n").starts_with("HTTP/1.1 204 No Content\r\n"));
}

fn an_upload_continues_after_a_response_below_300(adapter: Adapter) {
    // RFC 9112 section 9.3: a backend may answer early and keep reading.
    const LENGTH: usize = 8 << 20;
    let (address, received) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(ACCEPTED.as_bytes()).unwrap();
        std::io::copy(&mut stream.take(LENGTH as u64), &mut std::io::sink()).unwrap()
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = answered(&proxy, &put(LENGTH));
    client.write_all(&vec![b'x'; LENGTH]).unwrap();
    assert_eq!(received.recv_timeout(LONG).unwrap(), LENGTH as u64);
    assert_is_kept(&mut client);
    let report = proxy.reports.recv_timeout(LONG).unwrap();
    assert!(report.error.is_none(), "{report}");
}

fn a_chunked_upload_continues_after_a_response_without_content(adapter: Adapter) {
    // RFC 9112 section 9.3
    let (address, received) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        read_until(&mut stream, "0\r\n\r\n")
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    assert!(read_until(&mut client, "\r\n\r\n").starts_with("HTTP/1.1 204 No Content\r\n"));
    client.write_all(b"5\r\nhello\r\n0\r\n\r\n").unwrap();
    assert_is_kept(&mut client);
    assert!(received.recv_timeout(LONG).unwrap().starts_with("5\r\nhello\r\n"));
}

fn an_upload_ends_if_the_backend_does_not_read_it_after_its_response(adapter: Adapter) {
    // The response is complete, so only `write_timeout` bounds the write to the backend. RFC 9112 section 9.6: the
    // connection to the client ends without a second response.
    let (done, wait) = channel::<()>();
    let (address, _done) = backend(move |mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(ACCEPTED.as_bytes()).unwrap();
        let _ = wait.recv_timeout(LONG);
    });
    let limits = limits(Limits { write_timeout: SHORT, ..Limits::DEFAULT });
    let proxy = Proxy::start(adapter, limits, address);
    let mut client = answered(&proxy, &put(1 << 30));
    let mut feeder = client.try_clone().unwrap();
    let feeder = thread::spawn(move || while feeder.write_all(&[b'x'; 65536]).is_ok() {});
    assert_eq!(read_all(&mut client), "");
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.starts_with("PUT / 202 3B ") && report.ends_with(CUT), "{report}");
    drop((client, done));
    feeder.join().unwrap();
}

fn an_upload_ends_if_the_client_does_not_continue_it_after_the_response(adapter: Adapter) {
    // RFC 9112 section 9.6: the connection ends without a second response, which would answer no request.
    let (address, ended) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(ACCEPTED.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes.len()
    });
    let limits = limits(Limits { request_body_timeout: SHORT, ..Limits::DEFAULT });
    let proxy = Proxy::start(adapter, limits, address);
    let mut client = answered(&proxy, &put(5));
    client.write_all(b"he").unwrap();
    assert_eq!(read_all(&mut client), "");
    assert_eq!(ended.recv_timeout(LONG).unwrap(), 2);
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.starts_with("PUT / 202 3B ") && report.ends_with(CUT), "{report}");
}

fn an_upload_that_the_client_cuts_after_the_response_stays_incomplete(adapter: Adapter) {
    // RFC 9112 section 8: a request is incomplete if its connection ends before its body.
    let (address, received) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(ACCEPTED.as_bytes()).unwrap();
        read_all(&mut stream)
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let request = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut client = answered(&proxy, request);
    client.write_all(b"5\r\nhello\r\n").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), "");
    assert_eq!(received.recv_timeout(LONG).unwrap(), "5\r\nhello\r\n");
}

fn a_backend_reset_before_the_last_piece_ends_the_client_connection(adapter: Adapter) {
    // RFC 9112 section 9.6: the complete request was read, and the close tells the client that it was lost.
    let (address, has_reset) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(ACCEPTED.as_bytes()).unwrap();
        stream.read_exact(&mut [0; 2]).unwrap();
        socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = answered(&proxy, &put(5));
    client.write_all(b"he").unwrap();
    has_reset.recv_timeout(LONG).unwrap();
    client.write_all(b"llo").unwrap();
    assert_eq!(read_all(&mut client), "");
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.ends_with(CUT), "{report}");
}

fn a_success_instead_of_a_100_says_close_and_ends_the_upload(adapter: Adapter) {
    // RFC 9110 section 10.1.1: the client may never send the body, so nothing may wait for it.
    let (address, ended) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(ACCEPTED.as_bytes()).unwrap();
        read_all(&mut stream)
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(put(5).replace("Host", "Expect: 100-continue\r\nHost").as_bytes()).unwrap();
    let answer = read_until(&mut client, "ok\n");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert_eq!(ended.recv_timeout(LONG).unwrap(), "");
    assert_eq!(read_all(&mut client), "");
    let report = proxy.reports.recv_timeout(LONG).unwrap();
    assert!(report.error.is_none(), "{report}");
}

fn an_upload_continues_after_a_success_that_follows_a_100(adapter: Adapter) {
    // RFC 9110 section 10.1.1: the 100 has asked for the body, so the client sends it.
    let (address, received) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(["HTTP/1.1 100 Continue\r\n\r\n", ACCEPTED].concat().as_bytes()).unwrap();
        read_until(&mut stream, "hello")
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(put(5).replace("Host", "Expect: 100-continue\r\nHost").as_bytes()).unwrap();
    let answer = read_until(&mut client, "ok\n");
    assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n"), "{answer}");
    assert!(!answer.contains("Connection: close"), "{answer}");
    client.write_all(b"hello").unwrap();
    assert_is_kept(&mut client);
    assert_eq!(received.recv_timeout(LONG).unwrap(), "hello");
}

fn the_client_connection_is_half_closed_after_the_last_response_during_an_upload(adapter: Adapter) {
    // RFC 9112 section 9.6: the write side is closed after the last response. Section 6.3, rule 8: the client may need
    // that to find the end of the response.
    let chunked = "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n";
    let of_1_0 = put(5).replace("HTTP/1.1", "HTTP/1.0");
    let last = put(5).replace("Host", "Connection: close\r\nHost");
    for (request, response) in [(of_1_0, chunked), (last, ACCEPTED)] {
        let (address, received) = backend(move |mut stream| {
            read_until(&mut stream, "\r\n\r\nhe");
            stream.write_all(response.as_bytes()).unwrap();
            read_until(&mut stream, "llo")
        });
        let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
        let mut client = connect(&proxy);
        client.write_all((request + "he").as_bytes()).unwrap();
        assert!(read_all(&mut client).ends_with("\r\n\r\nok\n"));
        client.write_all(b"llo").unwrap();
        assert_eq!(received.recv_timeout(LONG).unwrap(), "llo");
        let report = proxy.reports.recv_timeout(LONG).unwrap();
        assert!(report.error.is_none(), "{report}");
    }
}
