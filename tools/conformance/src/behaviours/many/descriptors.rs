//! Descriptors: clients that leave leak none, and the proxy survives exhaustion. Only Linux reports them.

use std::time::{Duration, Instant};

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, PATIENCE, Process, poll};

use crate::behaviours::setup::{
    GET, HELLO, Setup, assert_is_error, dials_for_each_request, kept_connections,
};

pub(crate) const LIST: &[Behaviour] = behaviours![
    of_stages:
    clients_that_close_between_requests_leak_no_descriptor,
    clients_that_close_during_their_requests_leak_no_descriptor,
    clients_that_close_during_their_responses_leak_no_descriptor,
    clients_that_close_a_tunnel_leak_no_descriptor,
    clients_that_reset_before_their_response_leak_no_descriptor,
    a_lack_of_descriptors_is_logged_once_without_a_busy_loop_and_service_resumes,
    the_default_of_max_clients_follows_the_open_files_limit,
];

/// Waits until the proxy has at most `level` descriptors, besides kept backend connections.
fn wait_for_descriptors(subject: &Subject, setup: &Setup, level: usize, what: &str) {
    let mut open = 0;
    let are_closed = poll(PATIENCE, || {
        open = setup.proxy.descriptors_without_pipes().unwrap();
        open <= level + kept_connections(subject)
    });
    assert!(are_closed, "{what}: {open} descriptors are open, and were {level} before");
}

/// Waits until the proxy has at least `level` descriptors.
fn wait_for_descriptors_to_reach(setup: &Setup, level: usize) {
    let has_them = poll(PATIENCE, || setup.proxy.descriptors().unwrap() >= level);
    assert!(has_them, "it has fewer than {level} descriptors");
}

/// A stage that may open only `limit` files, in front of a backend that answers `hello`.
fn with_open_files(subject: &Subject, limit: usize, flags: &[&str]) -> Setup {
    let backend = Backend::good(HELLO).unwrap();
    let address = backend.address().to_string();
    let arguments =
        [&["--listen", "127.0.0.1:0", "--backend", address.as_str()], flags, subject.free_ports()].concat();
    Setup { proxy: Process::stage_with_open_files(subject.binary(), limit, &arguments).unwrap(), backend }
}

/// Never answers `/slow`, answers `/large` with more than buffers hold, and switches protocols on request.
fn backend() -> std::io::Result<Backend> {
    Backend::script(|connection| {
        let Some(head) = connection.read_head()? else { return Ok(()) };
        if head.field("upgrade").is_some() {
            connection
                .answer("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")?;
            return connection.wait_for_end().map(drop);
        }
        connection.read_body()?;
        match head.start_line.as_str() {
            "GET /slow HTTP/1.1" => connection.wait_for_end().map(drop),
            "GET /large HTTP/1.1" => {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")?;
                (0..1000).try_for_each(|_| connection.send([b'a'; 100_000]))
            }
            _ => connection.answer(HELLO),
        }
    })
}

/// Clients send `sent`, wait for a head if asked to, and leave, with or without a reset.
fn assert_nothing_is_left(subject: &Subject, what: &str, sent: &str, waits_for_head: bool, resets: bool) {
    const CLIENTS: usize = 30;
    let setup = Setup::new(subject, backend());
    let idle = setup.proxy.descriptors_without_pipes().unwrap();
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| setup.client()).collect();
    for client in &mut clients {
        client.send(sent).unwrap();
        if waits_for_head {
            client.read_head().unwrap();
        }
    }
    if sent.contains("/slow") {
        setup.backend.wait_for_requests(CLIENTS).unwrap();
    }
    for client in clients {
        if resets {
            client.reset().unwrap();
        }
    }
    wait_for_descriptors(subject, &setup, idle, what);
    assert_eq!(setup.exchange(GET).text(), "hello", "{what}");
}

fn clients_that_close_between_requests_leak_no_descriptor(subject: &Subject) {
    // RFC 9112 section 9.5: a client may close at any time.
    assert_nothing_is_left(subject, "idle", "", false, false);
    assert_nothing_is_left(subject, "idle, reset", "", false, true);
    assert_nothing_is_left(subject, "served", GET, true, false);
}

fn clients_that_close_during_their_requests_leak_no_descriptor(subject: &Subject) {
    // RFC 9112 section 8: an incomplete request is neither forwarded as complete nor kept.
    let post = "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 9\r\n\r\nbody";
    for resets in [false, true] {
        assert_nothing_is_left(subject, "within the head", "GET / HT", false, resets);
        assert_nothing_is_left(subject, "within the body", post, false, resets);
    }
}

fn clients_that_close_during_their_responses_leak_no_descriptor(subject: &Subject) {
    // RFC 9112 section 9.5: the backend connection ends with the client connection.
    let large = "GET /large HTTP/1.1\r\nHost: example.test\r\n\r\n";
    for resets in [false, true] {
        assert_nothing_is_left(subject, "within the response", large, true, resets);
    }
}

fn clients_that_close_a_tunnel_leak_no_descriptor(subject: &Subject) {
    // RFC 9110 section 7.8: a tunnel ends with both sides; the backend sees the end and closes too.
    let offer = "GET / HTTP/1.1\r\nHost: example.test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    for resets in [false, true] {
        assert_nothing_is_left(subject, "in a tunnel", offer, true, resets);
    }
}

fn clients_that_reset_before_their_response_leak_no_descriptor(subject: &Subject) {
    // RFC 9112 section 9.5: after a half-close the client is still answered, after a reset it is not.
    let slow = "GET /slow HTTP/1.1\r\nHost: example.test\r\n\r\n";
    assert_nothing_is_left(subject, "before the response", slow, false, true);
}

fn a_lack_of_descriptors_is_logged_once_without_a_busy_loop_and_service_resumes(subject: &Subject) {
    // RFC 9110 section 15.6.4: temporary overload; clients wait in the kernel's queue.
    const LIMIT: usize = 64;
    const TEXT: &str = "cannot accept a client";
    let setup = with_open_files(subject, LIMIT, &["--max-clients", "1000"]);

    let mut first = setup.client();
    assert_eq!(first.exchange(GET).unwrap().text(), "hello");
    let before = setup.proxy.descriptors_without_pipes().unwrap();
    // A second crowd soon after the first counts as the same shortage.
    for _ in 0..2 {
        let others: Vec<Client> = (0..2 * LIMIT).map(|_| setup.client()).collect();
        setup.proxy.wait_for_log(TEXT).unwrap();
        // A connected client is answered, but the backend cannot be reached. A backend connection that was
        // just closing may allow one more request, until a client of the crowd takes its descriptor.
        let deadline = Instant::now() + PATIENCE;
        let response = loop {
            wait_for_descriptors_to_reach(&setup, LIMIT);
            let response = first.exchange(GET).unwrap();
            if response.status == 503 || !dials_for_each_request(subject) || Instant::now() > deadline {
                break response;
            }
        };
        if dials_for_each_request(subject) {
            let text = "RFC 9110 section 15.6.4";
            assert_is_error(subject, &response, 503, text, "connection_limit_reached", "no descriptor");
        }

        // The last client in the queue is not served. Within this second, a loop without a pause would spin.
        let busy = setup.proxy.cpu_time().unwrap();
        let patience = Duration::from_secs(1);
        let mut waiting = Client::connect_with(setup.proxy.address(), patience).unwrap();
        waiting.send(GET).unwrap();
        let error = waiting.read_response("GET").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
        let busy = setup.proxy.cpu_time().unwrap() - busy;
        assert!(busy < patience / 4, "it was busy for {busy:?} of {patience:?}");
        let log = setup.proxy.log();
        assert_eq!(log.matches(TEXT).count(), 1, "{log}");

        drop(others);
        let mut later = setup.client();
        later.send(GET).unwrap();
        assert_eq!(later.read_response("GET").unwrap().text(), "hello");
        assert_eq!(first.exchange(GET).unwrap().text(), "hello");
        drop((later, waiting));
        // Otherwise the descriptors of this crowd would count for the next one.
        wait_for_descriptors(subject, &setup, before, "the crowd has left");
    }
}

fn the_default_of_max_clients_follows_the_open_files_limit(subject: &Subject) {
    // Two descriptors a client and 64 for all else; from 1024 files on, also 128 for 64 pipes. The next client waits.
    for (files, most) in [(128, 32), (1024, 416)] {
        assert_serves_at_most(subject, files, most);
    }
}

fn assert_serves_at_most(subject: &Subject, files: usize, most: usize) {
    let setup = with_open_files(subject, files, &[]);
    let mut clients: Vec<Client> = (0..most).map(|_| setup.client()).collect();
    for client in &mut clients {
        assert_eq!(client.exchange(GET).unwrap().text(), "hello");
    }
    let mut waiting = Client::connect_with(setup.proxy.address(), Duration::from_millis(500)).unwrap();
    waiting.send(GET).unwrap();
    assert_eq!(waiting.read_response("GET").unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    drop(clients);
    assert_eq!(setup.exchange(GET).text(), "hello");
    assert!(!setup.proxy.log().contains("WARN"), "{}", setup.proxy.log());
}
