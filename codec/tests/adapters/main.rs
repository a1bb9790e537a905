//! The adapters on real sockets: timeouts in milliseconds, both directions at once, and who is blamed.
//!
//! A test runs a proxy of the smallest kind over an adapter, between a raw client and a scripted backend.

#![allow(clippy::unwrap_used)] // A test may fail.

mod only_tokio;
mod over_tokio;
mod proxy;
mod random;
mod wire;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use codec::{Limits, Refusal};
use proxy::{Adapter, Proxy};

/// Short enough for a test, long enough for a loaded machine not to reach it where it should not.
const SHORT: Duration = Duration::from_millis(200);
/// For what must not be reached.
const LONG: Duration = Duration::from_secs(20);

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// Limits that live as long as the test.
fn limits(limits: Limits) -> &'static Limits {
    Box::leak(Box::new(limits))
}

/// A backend that runs `script` on its first connection; what the script returns is received after it.
fn backend<T: Send + 'static>(
    script: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (SocketAddr, Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let _ = sender.send(script(stream));
    });
    (address, receiver)
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Reads until the text ends with `end`.
fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(end.as_bytes()) {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "ended after {:?}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// Reads to the end of the stream.
fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Sends a request to a proxy with these limits before that backend, and returns all that comes back.
fn answer_to(adapter: Adapter, request: &str, limits: &'static Limits, backend: SocketAddr) -> String {
    let proxy = Proxy::start(adapter, limits, backend);
    let mut client = connect(&proxy);
    client.write_all(request.as_bytes()).unwrap();
    read_all(&mut client)
}

/// An address at which nothing listens.
fn refused() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Runs each of these on both adapters, under one name in two modules.
macro_rules! on_both_adapters {
    ($($(#[$attribute:meta])* $name:ident),* $(,)?) => {
        mod blocking {
            $(#[test] $(#[$attribute])* fn $name() { super::$name(super::Adapter::Blocking); })*
        }
        mod tokio {
            $(#[test] $(#[$attribute])* fn $name() { super::$name(super::Adapter::Tokio); })*
        }
    };
}

on_both_adapters! {
    a_silent_client_is_let_go_without_a_word,
    an_idle_kept_connection_is_closed_without_a_word,
    a_head_that_is_not_complete_in_time_is_408_however_steadily_it_comes,
    a_request_body_that_pauses_is_408_and_the_backend_is_dropped,
    a_request_that_ends_too_soon_is_400_for_a_client_that_closed_its_side_only,
    a_backend_that_refuses_connections_is_502,
    #[cfg(target_os = "linux")]
    a_backend_that_does_not_accept_in_time_is_504,
    a_backend_that_does_not_answer_in_time_is_504_and_the_client_is_kept,
    a_long_upload_is_no_late_response,
    a_response_body_that_pauses_is_cut,
    a_body_that_the_backend_cuts_short_is_never_completed,
    a_cut_body_resets_a_client_that_could_not_tell_otherwise,
    a_client_that_takes_nothing_is_cut_and_so_is_the_backend,
    an_answer_that_comes_before_the_upload_ends_is_delivered,
    a_body_is_echoed_while_it_still_comes,
    garbage_from_a_backend_is_502_also_while_the_upload_waits,
    a_response_head_that_drips_is_504,
    an_empty_line_after_a_request_is_no_request,
    a_whole_response_arrives_also_if_more_requests_come_while_it_is_sent,
    an_error_before_the_end_of_the_request_says_that_it_is_the_last_answer,
    a_client_that_goes_on_sending_behind_its_last_answer_is_read_for_a_while_only,
    a_client_that_gives_up_its_upload_gets_the_rest_of_the_answer,
    nothing_follows_a_head_that_has_left_in_part,
    a_refused_body_is_400_and_the_backend_never_gets_its_end,
    pipelined_requests_are_answered_in_order_and_a_bad_one_is_the_last,
    a_client_that_leaves_is_reported_as_such,
}

fn a_silent_client_is_let_go_without_a_word(adapter: Adapter) {
    let limits = limits(Limits { idle_timeout: SHORT, head_timeout: LONG, ..Limits::DEFAULT });
    assert_eq!(answer_to(adapter, "", limits, refused()), "");
}

fn an_idle_kept_connection_is_closed_without_a_word(adapter: Adapter) {
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

fn a_head_that_is_not_complete_in_time_is_408_however_steadily_it_comes(adapter: Adapter) {
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

fn a_request_that_ends_too_soon_is_400_for_a_client_that_closed_its_side_only(adapter: Adapter) {
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

fn a_backend_that_does_not_answer_in_time_is_504_and_the_client_is_kept(adapter: Adapter) {
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

fn a_long_upload_is_no_late_response(adapter: Adapter) {
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

fn a_body_that_the_backend_cuts_short_is_never_completed(adapter: Adapter) {
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

fn a_cut_body_resets_a_client_that_could_not_tell_otherwise(adapter: Adapter) {
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

fn a_client_that_takes_nothing_is_cut_and_so_is_the_backend(adapter: Adapter) {
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
    // What the kernel's buffers of two connections hold, and no more: nothing is collected here.
    assert!(written < 64 << 20, "{written}");
    let report = proxy.reports.recv_timeout(LONG).unwrap();
    assert!(report.to_string().contains("client: waited too long for it to take more"), "{report}");
}

fn an_answer_that_comes_before_the_upload_ends_is_delivered(adapter: Adapter) {
    // RFC 9112 section 9.3 and 9.6: the rest is read for a while, or a reset would destroy the answer.
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno\n").unwrap();
        // It does not read on; closing with bytes unread resets the connection.
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

fn a_body_is_echoed_while_it_still_comes(adapter: Adapter) {
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
        // Each is back before the next is sent: the response's head came before the request's end.
        write!(client, "3\r\n{word}\r\n").unwrap();
        assert_eq!(read_until(&mut client, &format!("3\r\n{word}\r\n")), format!("3\r\n{word}\r\n"));
    }
    client.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(read_until(&mut client, "0\r\n\r\n"), "0\r\n\r\n");
}

fn a_refused_body_is_400_and_the_backend_never_gets_its_end(adapter: Adapter) {
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

fn garbage_from_a_backend_is_502_also_while_the_upload_waits(adapter: Adapter) {
    // RFC 9110 section 15.6.3: that the upload is stopped then says nothing of the client.
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "he");
        stream.write_all(b"garbage\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).is_ok()
    });
    let request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe";
    let answer = answer_to(adapter, request, limits(Limits::DEFAULT), address);
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
}

fn a_response_head_that_drips_is_504(adapter: Adapter) {
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

/// Over tokio such a backend must take a third of what the kernel buffers within the limit: sooner, a task does not
/// learn of it.
#[test]
fn a_backend_that_takes_the_request_slowly_is_not_late() {
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
                // A piece of the largest size takes longer than the limit, and moves all the time.
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

fn an_empty_line_after_a_request_is_no_request(adapter: Adapter) {
    // RFC 9112 section 2.2: some clients send one after a body.
    let limits = limits(Limits { idle_timeout: SHORT, head_timeout: SHORT * 2, ..Limits::DEFAULT });
    let answer = answer_to(adapter, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n\r\n", limits, refused());
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

fn a_whole_response_arrives_also_if_more_requests_come_while_it_is_sent(adapter: Adapter) {
    // RFC 9112 section 9.6: closing with bytes unread would reset the connection, and destroy the answer.
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

fn an_error_before_the_end_of_the_request_says_that_it_is_the_last_answer(adapter: Adapter) {
    // RFC 9112 section 9.6
    let (address, _done) = backend(|mut stream| {
        read_until(&mut stream, "\r\n\r\n");
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n").unwrap();
        stream.read_to_end(&mut Vec::new()).is_ok()
    });
    let proxy = Proxy::start(adapter, limits(Limits::DEFAULT), address);
    let mut client = connect(&proxy);
    client.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n").unwrap();
    let answer = read_until(&mut client, "no\n");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
}

fn a_client_that_goes_on_sending_behind_its_last_answer_is_read_for_a_while_only(adapter: Adapter) {
    // RFC 9112 section 9.6: reading on is bounded, or a client could hold the connection for ever.
    let limits = limits(Limits { linger_timeout: SHORT, ..Limits::DEFAULT });
    let proxy = Proxy::start(adapter, limits, refused());
    let mut client = connect(&proxy);
    client.write_all(b"TRACE / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n").unwrap();
    let answered = Instant::now();
    // It fails once the proxy has closed.
    while client.write_all(b"a body without end").is_ok() {
        assert!(answered.elapsed() < LONG, "it still reads");
        thread::sleep(Duration::from_millis(5));
    }
    assert!(answered.elapsed() >= SHORT, "{:?}", answered.elapsed());
}

fn a_client_that_gives_up_its_upload_gets_the_rest_of_the_answer(adapter: Adapter) {
    // RFC 9112 section 9.3: it has seen the head, and ends its side only.
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
    // The proxy sees the end before more of the answer comes.
    thread::sleep(SHORT);
    go_on.send(()).unwrap();
    assert_eq!(read_all(&mut client), "world");
}

fn nothing_follows_a_head_that_has_left_in_part(adapter: Adapter) {
    // RFC 9112 section 8: an answer of our own in the middle of another would be taken for a part of it.
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
    // Nothing is read until the pipe is full; then the request turns out to be bad.
    thread::sleep(SHORT);
    client.write_all(b"ZZ\r\n").unwrap();
    proxy.reports.recv_timeout(LONG).unwrap();
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest);
    assert!(rest.iter().all(|&byte| byte == b'x'), "{}", rest.escape_ascii());
}

fn pipelined_requests_are_answered_in_order_and_a_bad_one_is_the_last(adapter: Adapter) {
    // RFC 9112 section 9.3.2
    let request = "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2) + "GET / HTTP/1.1\r\n\r\n" + GET;
    let answer = answer_to(adapter, &request, limits(Limits::DEFAULT), refused());
    let statuses: Vec<_> = answer.lines().filter(|line| line.starts_with("HTTP/1.1 ")).collect();
    assert_eq!(statuses, ["HTTP/1.1 204 No Content", "HTTP/1.1 204 No Content", "HTTP/1.1 400 Bad Request"]);
}

fn a_client_that_leaves_is_reported_as_such(adapter: Adapter) {
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
