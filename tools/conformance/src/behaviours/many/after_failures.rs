//! A failing backend costs the client one request and not its connection.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Behaviour, Subject};
use testkit::Backend;

#[cfg(target_os = "linux")]
use crate::behaviours::setup;
use crate::behaviours::setup::{GET, LAST_HELLO, Setup, Step, says_close};

pub(crate) const LIST: &[Behaviour] = behaviours![
    a_connection_serves_the_next_request_after_a_502,
    #[cfg(target_os = "linux")]
    a_connection_stays_open_after_a_504,
    requests_pipelined_after_a_502_are_served_in_order,
];

/// A backend whose connections fail in turn, the first one if `first_fails`.
fn every_second_fails(first_fails: bool, fail: Step) -> io::Result<Backend> {
    let count = AtomicUsize::new(usize::from(!first_fails));
    Backend::script(move |connection| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        connection.read_request()?;
        if number.is_multiple_of(2) { fail(connection) } else { connection.answer(LAST_HELLO) }
    })
}

const POST: &str = "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 4\r\n\r\nbody";
const CHUNKED: &str =
    "PUT / HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";

fn a_connection_serves_the_next_request_after_a_502(subject: &Subject) {
    // RFC 9112 section 9.3: the request was read completely, so the start of the next one is known.
    let fails: [Step; 6] = [
        |_| Ok(()),
        |connection| connection.reset(),
        |connection| connection.send("HTTP/1.1 200 OK\r\nA: b"),
        |connection| connection.send("nonsense\r\n\r\n"),
        |connection| connection.send("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
        |connection| {
            connection.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        },
    ];
    for (index, fail) in fails.into_iter().enumerate() {
        let setup = Setup::new(subject, every_second_fails(true, fail));
        let mut client = setup.client();
        for request in [GET, POST, CHUNKED] {
            let response = client.exchange(request).unwrap();
            assert_eq!(response.status, 502, "case {index}: {request}");
            assert!(!says_close(&response), "case {index}: {request}");
            let next = client.exchange(request).unwrap();
            assert_eq!((next.status, next.text().as_str()), (200, "hello"), "case {index}: {request}");
        }
    }
}

#[cfg(target_os = "linux")]
fn a_connection_stays_open_after_a_504(subject: &Subject) {
    // RFC 9110 section 15.6.5: the backend's machine does not respond; the proxy waits 2 s for it.
    let port = testkit::FullPort::bind().unwrap();
    let proxy = subject.start(port.address().unwrap(), &[]).unwrap();
    let mut client = testkit::Client::connect(proxy.address()).unwrap();
    for _ in 0..2 {
        let response = client.exchange(GET).unwrap();
        let section = "RFC 9110 section 15.6.5";
        setup::assert_is_error(subject, &response, 504, section, "connection_timeout", GET);
    }
}

fn requests_pipelined_after_a_502_are_served_in_order(subject: &Subject) {
    // RFC 9112 section 9.3.2: each request gets its own response.
    let setup = Setup::new(subject, every_second_fails(false, |_| Ok(())));
    let mut client = setup.client();
    client.send(POST.repeat(6)).unwrap();
    for status in [200, 502].into_iter().cycle().take(6) {
        assert_eq!(client.read_response("POST").unwrap().status, status);
    }
}
