//! Faults of a client: how long the proxy waits for it, and what it answers if the client breaks a rule or disconnects.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use codec::{Limits, Refusal};

use crate::proxy::{Adapter, Proxy};
use crate::{GET, LONG, SHORT, answer_to, backend, connect, limits, read_all, read_until, refused};

on_both_adapters! {
    a_silent_client_is_disconnected_without_a_response,
    an_idle_connection_is_closed_without_a_response,
    a_head_that_is_not_complete_in_time_is_408_even_if_bytes_keep_arriving,
    a_request_body_that_pauses_is_408_and_the_backend_is_dropped,
    a_truncated_request_of_a_half_closed_client_is_400,
    a_refused_body_is_400_and_stays_incomplete_for_the_backend,
    an_empty_line_after_a_request_is_ignored,
    pipelined_requests_are_answered_in_order_and_a_bad_one_is_the_last,
    a_refusal_or_redirect_before_the_end_of_the_request_says_close,
    a_client_that_sends_after_its_last_response_is_read_for_the_linger_timeout,
    a_disconnect_of_the_client_is_reported_as_an_error_of_the_client,
    a_report_says_when_the_head_of_the_response_was_queued,
}

fn a_silent_client_is_disconnected_without_a_response(adapter: Adapter) {
    let limits = limits(Limits { idle_timeout: SHORT, head_timeout: LONG, ..Limits::DEFAULT });
    assert_eq!(answer_to(adapter, "", limits, refused()), "");
}

fn an_idle_connection_is_closed_without_a_response(adapter: Adapter) {
    // RFC 9112 section 9.5: a server may close an idle connection at any time.
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    });
    let limits = limits(Limits { idle_timeout: SHORT, ..Limits::DEFAULT });
    let answer = answer_to(adapter, GET, limits, address);
    assert!(answer.starts_with("HTTP/1.1 204 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(!answer.contains("close"), "{answer}");
}

#[test]
fn a_load_balancer_closes_an_idle_connection_first() {
    // RFC 9112 section 9.3.1: a close and a request may cross, and then a POST is lost. AWS, nginx and others reuse a
    // connection to a server for 60 s.
    const LOAD_BALANCER: Duration = Duration::from_secs(60);
    assert!(Limits::DEFAULT.idle_timeout > LOAD_BALANCER);
}

fn a_head_that_is_not_complete_in_time_is_408_even_if_bytes_keep_arriving(adapter: Adapter) {
    // RFC 9110 section 15.5.9: the bound is on the whole head, not on the pause between two bytes.
    let limits = limits(Limits { head_timeout: SHORT * 2, idle_timeout: LONG, ..Limits::DEFAULT });
    let proxy = Proxy::start(adapter, limits, refused());
    let mut client = connect(&proxy);
    let mut feeder = client.try_clone().unwrap();
    let feeder = thread::spawn(move || {
        let endless = std::iter::repeat_n(b'a', 10_000);
        for byte in b"GET / HTTP/1.1\r\nHost: h\r\nA: ".iter().copied().chain(endless) {
            if feeder.write_all(&[byte]).is_err() {
                return true;
            }
            thread::sleep(SHORT / 8);
        }
        false
    });
    let answer = read_until(&mut client, "section 15.5.9)\n");
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    drop(client);
    assert!(feeder.join().unwrap(), "the connection was not closed");
}

fn a_request_body_that_pauses_is_408_and_the_backend_is_dropped(adapter: Adapter) {
    // RFC 9110 section 15.5.9
    let (address, ended) = backend(|mut stream| {
        read_until(&mut stream, "he");
        stream.read(&mut [0]).map_err(|error| error.kind())
    });
    let limits = limits(Limits { request_body_timeout: SHORT, ..Limits::DEFAULT });
    let answer =
        answer_to(adapter, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe", limits, address);
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    let ended = ended.recv_timeout(LONG).unwrap();
    assert!(matches!(ended, Ok(0) | Err(ErrorKind::ConnectionReset)), "{ended:?}");
}

fn a_truncated_request_of_a_half_closed_client_is_400(adapter: Adapter) {
    // RFC 9112 section 8
    for request in ["GET / HTTP/1.1\r\nHost", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe"] {
        let (address, _done) = backend(|mut stream| stream.read_to_end(&mut Vec::new()).is_ok());
        let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
        let mut client = connect(&proxy);
        client.write_all(request.as_bytes()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let answer = read_all(&mut client);
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        // The backend's thread may still wait for a connection that never came.
        drop(TcpStream::connect(address));
    }
}

fn a_refused_body_is_400_and_stays_incomplete_for_the_backend(adapter: Adapter) {
    // RFC 9112 section 7.1
    let (address, received) = backend(|mut stream| {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8(bytes).unwrap()
    });
    let request = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0x\r\n\r\n";
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    let (head, rest) = request.split_at(request.find("0x").unwrap());
    client.write_all(head.as_bytes()).unwrap();
    client.write_all(rest.as_bytes()).unwrap();
    let answer = read_all(&mut client);
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.contains(&Refusal::InvalidChunkSize.to_string()), "{answer}");
    let received = received.recv_timeout(LONG).unwrap();
    assert!(!received.ends_with("0\r\n\r\n"), "{received}");
}

fn an_empty_line_after_a_request_is_ignored(adapter: Adapter) {
    // RFC 9112 section 2.2: some clients send one after a body.
    let limits = limits(Limits { idle_timeout: SHORT, head_timeout: SHORT * 2, ..Limits::DEFAULT });
    let answer = answer_to(adapter, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n\r\n", limits, refused());
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

fn pipelined_requests_are_answered_in_order_and_a_bad_one_is_the_last(adapter: Adapter) {
    // RFC 9112 section 9.3.2
    let request = "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2) + "GET / HTTP/1.1\r\n\r\n" + GET;
    let answer = answer_to(adapter, &request, limits(Limits::DEFAULT), refused());
    let statuses: Vec<_> = answer.lines().filter(|line| line.starts_with("HTTP/1.1 ")).collect();
    assert_eq!(statuses, ["HTTP/1.1 204 No Content", "HTTP/1.1 204 No Content", "HTTP/1.1 400 Bad Request"]);
}

fn a_refusal_or_redirect_before_the_end_of_the_request_says_close(adapter: Adapter) {
    // RFC 9112 section 9.6
    for status in ["307 Temporary Redirect", "404 Not Found"] {
        let (address, _done) = backend(move |mut stream| {
            read_until(&mut stream, "\r\n\r\n");
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\nno\n").unwrap();
            stream.read_to_end(&mut Vec::new()).is_ok()
        });
        let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
        let mut client = connect(&proxy);
        client.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n").unwrap();
        let answer = read_until(&mut client, "no\n");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    }
}

fn a_client_that_sends_after_its_last_response_is_read_for_the_linger_timeout(adapter: Adapter) {
    // RFC 9112 section 9.6: the time for reading on is bounded, because otherwise a client could occupy the connection
    // forever.
    let limits = limits(Limits { linger_timeout: SHORT, ..Limits::DEFAULT });
    let proxy = Proxy::start(adapter, limits, refused());
    let mut client = connect(&proxy);
    client.write_all(b"TRACE / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n").unwrap();
    let answered = Instant::now();
    // The write fails once the proxy has closed.
    while client.write_all(b"a body without end").is_ok() {
        assert!(answered.elapsed() < LONG, "it still reads");
        thread::sleep(Duration::from_millis(5));
    }
    assert!(answered.elapsed() >= SHORT, "{:?}", answered.elapsed());
}

fn a_disconnect_of_the_client_is_reported_as_an_error_of_the_client(adapter: Adapter) {
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while stream.write_all(&[b'x'; 65536]).is_ok() {}
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    read_until(&mut client, "\r\n\r\n");
    drop(client);
    let report = proxy.reports.recv_timeout(LONG).unwrap().to_string();
    assert!(report.starts_with("GET / 200 ") && report.contains("(client: "), "{report}");
}

fn a_report_says_when_the_head_of_the_response_was_queued(adapter: Adapter) {
    let (go_on, may_go_on) = channel();
    let (address, _done) = backend(move |mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").unwrap();
        may_go_on.recv().unwrap();
        stream.write_all(b"hello").unwrap();
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    read_until(&mut client, "hello");
    let head_came = Instant::now();
    thread::yield_now();
    let at_least = head_came.elapsed();
    go_on.send(()).unwrap();
    read_until(&mut client, "hello");
    let report = proxy.reports.recv().unwrap();
    assert!(report.first_byte.unwrap() + at_least <= report.elapsed, "{report:?}, {at_least:?}");
}
