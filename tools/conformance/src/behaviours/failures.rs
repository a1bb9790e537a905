//! Failing backends and clients: a client gets a response or a detectable cut, and the next one is served.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, RefusedPort};

use crate::behaviours::setup::{GET, HELLO, Setup, Step};

pub(crate) const LIST: &[Behaviour] = behaviours![
    the_next_client_is_served_after_a_failure,
    a_client_reset_during_its_response_delays_no_other_client,
    a_client_reset_during_its_request_delays_no_other_client;
    of_stages:
    a_backend_that_refuses_connections_is_logged_once,
    each_request_is_one_line_in_the_log,
];

/// A backend that fails on its first connection only.
fn failing_once(subject: &Subject, fail: Step) -> Setup {
    let has_failed = AtomicBool::new(false);
    Setup::new(
        subject,
        Backend::script(move |connection| {
            if !has_failed.swap(true, Ordering::Relaxed) {
                return fail(connection);
            }
            connection.read_request()?;
            connection.answer(HELLO)
        }),
    )
}

fn a_backend_that_refuses_connections_is_logged_once(subject: &Subject) {
    let port = RefusedPort::bind().unwrap();
    let proxy = subject.start(port.address().unwrap(), &[]).unwrap();
    for _ in 0..3 {
        assert_eq!(Client::connect(proxy.address()).unwrap().exchange(GET).unwrap().status, 502);
    }
    proxy.wait_for_log("is the backend running?").unwrap();
    assert_eq!(proxy.log().matches("is the backend running?").count(), 1);
}

fn the_next_client_is_served_after_a_failure(subject: &Subject) {
    // RFC 9110 section 15.6.3: invalid or missing responses. RFC 9112 section 8: no reuse of the connection.
    let fails: [Step; 7] = [
        // Closes without reading.
        |_| Ok(()),
        |connection| connection.read_request().map(drop),
        |connection| connection.read_request().and_then(|_| connection.reset()),
        |connection| connection.read_request().and_then(|_| connection.send("HTTP/1.1 200 OK\r\nA: b")),
        |connection| connection.read_request().and_then(|_| connection.send("\0\x01garbage\r\n\r\n")),
        |connection| connection.read_request().and_then(|_| connection.send("220 mail.test ESMTP\r\n\r\n")),
        |connection| {
            connection.read_request()?;
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        },
    ];
    for (index, fail) in fails.into_iter().enumerate() {
        let setup = failing_once(subject, fail);
        let response = setup.exchange(GET);
        assert!(response.status == 502 || !response.is_complete(), "case {index}: {}", response.status);
        let next = setup.exchange(GET);
        assert_eq!((next.status, next.text().as_str()), (200, "hello"), "case {index}");
        // A request on a new connection is not retried.
        assert_eq!(setup.backend.accepted(), 2, "case {index}");
    }
}

fn a_client_reset_during_its_response_delays_no_other_client(subject: &Subject) {
    // RFC 9112 section 9.5: a client may close at any time.
    const SIZE: usize = 64 * 1024 * 1024;
    let setup = failing_once(subject, |connection| {
        connection.read_request()?;
        connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"))?;
        connection.send(vec![b'a'; SIZE])
    });
    let mut client = setup.client();
    client.send(GET).unwrap();
    assert_eq!(client.read_head().unwrap().unwrap().status, 200);
    client.reset().unwrap();
    assert_eq!(setup.exchange(GET).text(), "hello");
    // The backend connection ended with the client connection.
    setup.backend.wait_for_closed(1).unwrap();
}

fn a_client_reset_during_its_request_delays_no_other_client(subject: &Subject) {
    // RFC 9112 section 8: a truncated request must not look complete to the backend.
    let setup = failing_once(subject, |connection| {
        connection.read_request()?;
        connection.answer(HELLO)
    });
    let mut client = setup.client();
    client.send("POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 10\r\n\r\nhello").unwrap();
    setup.backend.wait_for_body_bytes(5).unwrap();
    client.reset().unwrap();
    assert_eq!(setup.exchange(GET).text(), "hello");
    setup.backend.wait_for_closed(1).unwrap();
    assert_ne!(setup.backend.requests()[0].ended, Some(testkit::End::Framed));
}

fn each_request_is_one_line_in_the_log(subject: &Subject) {
    let setup = Setup::hello(subject);
    setup.exchange("GET /hello?secret=1 HTTP/1.1\r\nHost: example.test\r\n\r\n");
    setup.exchange("nonsense\r\n\r\n");
    setup.proxy.wait_for_log("GET /hello 200 5B ").unwrap();
    setup.proxy.wait_for_log("- 400 ").unwrap();
    // A query may contain secrets.
    assert!(!setup.proxy.log().contains("secret"), "{}", setup.proxy.log());
}
