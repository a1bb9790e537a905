//! The behaviour of a serial proxy only: one client at a time, one request on a connection.

use std::time::{Duration, Instant};

use crate::{Behaviour, Subject};
use testkit::{Backend, End};

use crate::behaviours::setup::{GET, HELLO, Setup, pattern};

pub(crate) const LIST: &[Behaviour] = behaviours![
    every_response_says_close_and_the_connection_is_closed,
    a_pipelined_request_is_not_served_and_the_first_response_is_complete,
    the_second_client_waits_until_the_first_is_served,
    eight_clients_at_once_are_served_one_by_one,
    a_silent_client_is_disconnected_after_2_seconds,
    upgrade_is_removed_and_a_101_is_answered_502,
];

fn every_response_says_close_and_the_connection_is_closed(subject: &Subject) {
    // RFC 9112 section 9.6: a server that will close sends `close`.
    for request in [
        GET,
        "GET / HTTP/1.1\r\nHost: example.test\r\nConnection: keep-alive\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: example.test\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
    ] {
        let setup = Setup::hello(subject);
        let mut client = setup.client();
        let response = client.exchange(request).unwrap();
        assert_eq!(response.head.all("connection"), ["close"], "{request}");
        assert_eq!(client.read_to_end().unwrap(), (Vec::new(), End::EndOfFile), "{request}");
    }
}

fn a_pipelined_request_is_not_served_and_the_first_response_is_complete(subject: &Subject) {
    // RFC 9112 sections 9.3.2, 9.6: after `close` no request is served, and no reset discards the response.
    let body = pattern(1024 * 1024);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let setup = Setup::new(subject, Backend::good([head.as_bytes(), &body].concat()));
    let second = "POST /second HTTP/1.1\r\nHost: example.test\r\nContent-Length: 100000\r\n\r\n";
    let mut client = setup.client();
    let response = client.exchange([GET, second, &"a".repeat(100_000)].concat()).unwrap();
    assert!(response.body == body);
    assert_eq!(client.read_to_end().unwrap().0, b"");
    assert_eq!(setup.received().head.start_line, "GET / HTTP/1.1");
    assert!(!setup.backend.bytes().windows(7).any(|window| window == b"/second"));
}

fn the_second_client_waits_until_the_first_is_served(subject: &Subject) {
    let setup = Setup::new(subject, Backend::slow(HELLO));
    let mut first = setup.client();
    first.send(GET).unwrap();
    setup.backend.wait_for_requests(1).unwrap();
    let mut second = setup.client();
    second.send(GET).unwrap();
    setup.backend.release(1);
    assert_eq!(first.read_response("GET").unwrap().text(), "hello");
    drop(first);
    setup.backend.wait_for_requests(2).unwrap();
    setup.backend.release(1);
    assert_eq!(second.read_response("GET").unwrap().text(), "hello");
    assert_eq!(setup.backend.in_flight_max(), 1);
}

fn eight_clients_at_once_are_served_one_by_one(subject: &Subject) {
    let setup = Setup::new(
        subject,
        Backend::script(|connection| {
            while connection.read_request()?.is_some() {
                // Gives a second request time to arrive; none does.
                connection.wait_for_in_flight(2, Duration::from_millis(50));
                connection.answer(HELLO)?;
            }
            Ok(())
        }),
    );
    let mut clients: Vec<_> = (0..8).map(|_| setup.client()).collect();
    for client in &mut clients {
        client.send(GET).unwrap();
    }
    for mut client in clients {
        assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    }
    assert_eq!(setup.backend.requests().len(), 8);
    assert_eq!(setup.backend.in_flight_max(), 1);
}

fn a_silent_client_is_disconnected_after_2_seconds(subject: &Subject) {
    // A browser opens connections in advance. While one is served, no other client is.
    let setup = Setup::hello(subject);
    let started = Instant::now();
    let mut silent = setup.client();
    let mut next = setup.client();
    next.send(GET).unwrap();
    assert_eq!(next.read_response("GET").unwrap().text(), "hello");
    let waited = started.elapsed();
    assert!(Duration::from_millis(1500) < waited && waited < Duration::from_secs(6), "{waited:?}");
    assert_eq!(silent.read_to_end().unwrap(), (Vec::new(), End::EndOfFile));
    setup.proxy.wait_for_log("127.0.0.1 sent no request").unwrap();
}

fn upgrade_is_removed_and_a_101_is_answered_502(subject: &Subject) {
    // RFC 9110 section 7.8: a server may ignore Upgrade; the client then gets the ordinary response.
    let setup = Setup::hello(subject);
    let received = setup.forward(
        "GET / HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\n\r\n",
    );
    assert_eq!(received.head.field("upgrade"), None);
    assert_eq!(received.head.all("connection"), ["close"]);

    let switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let setup = Setup::new(subject, Backend::good(switching));
    let request = "GET / HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(setup.exchange(request).status, 502);
}
