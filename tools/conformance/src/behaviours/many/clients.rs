//! Many clients at once: no client delays another, whatever it does.

use std::sync::{Arc, RwLock};
use std::time::Instant;

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, PATIENCE};

use crate::behaviours::setup::{GET, HELLO, Setup};

pub(crate) const LIST: &[Behaviour] = behaviours![
    silent_clients_delay_no_other_client,
    slow_requests_delay_no_other_client,
    unfinished_requests_delay_no_other_client,
    unread_responses_delay_no_other_client,
    a_thousand_clients_are_served_at_once;
    of_stages:
    a_client_over_max_clients_waits_until_another_leaves,
];

/// More than the threads of any stage, so that a stage with one thread for each client would stall.
const BAD_CLIENTS: usize = 64;

fn assert_others_are_served(setup: &Setup) {
    let mut kept = setup.client();
    for _ in 0..20 {
        assert_eq!(setup.exchange(GET).text(), "hello");
        assert_eq!(kept.exchange(GET).unwrap().text(), "hello");
    }
}

fn silent_clients_delay_no_other_client(subject: &Subject) {
    // RFC 9112 section 9.3: a connection may be idle.
    let setup = Setup::hello(subject);
    let _silent: Vec<Client> = (0..BAD_CLIENTS).map(|_| setup.client()).collect();
    assert_others_are_served(&setup);
    assert_eq!(setup.backend.requests().len(), 40);
}

fn slow_requests_delay_no_other_client(subject: &Subject) {
    // RFC 9112 section 2.2: a message is a stream of bytes.
    let setup = Setup::hello(subject);
    let mut slow: Vec<Client> = (0..BAD_CLIENTS).map(|_| setup.client()).collect();
    for byte in GET.as_bytes() {
        for client in &mut slow {
            client.send([*byte]).unwrap();
        }
        if *byte == b'\n' {
            assert_eq!(setup.exchange(GET).text(), "hello");
        }
    }
    for client in &mut slow {
        assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    }
}

fn unfinished_requests_delay_no_other_client(subject: &Subject) {
    // RFC 9112 section 6: the announced body of a request never arrives.
    let setup = Setup::hello(subject);
    let mut slow: Vec<Client> = (0..BAD_CLIENTS).map(|_| setup.client()).collect();
    for client in &mut slow {
        client.send("POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 9\r\n\r\nbody").unwrap();
    }
    setup.backend.wait_for_requests(BAD_CLIENTS).unwrap();
    assert_others_are_served(&setup);
}

fn unread_responses_delay_no_other_client(subject: &Subject) {
    // RFC 9112 section 9.5: they occupy their own connection and the backend connection, and no thread.
    const SIZE: usize = 16 * 1024 * 1024;
    let large: Arc<[u8]> = vec![b'a'; SIZE].into();
    let setup = Setup::new(
        subject,
        Backend::script(move |connection| {
            while let Some(head) = connection.read_request()? {
                if head.start_line.starts_with("GET /large ") {
                    connection.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n"))?;
                    return connection.send(&large);
                }
                connection.answer(HELLO)?;
            }
            Ok(())
        }),
    );
    let mut deaf: Vec<Client> = (0..BAD_CLIENTS).map(|_| setup.client()).collect();
    for client in &mut deaf {
        client.send("GET /large HTTP/1.1\r\nHost: example.test\r\n\r\n").unwrap();
    }
    setup.backend.wait_for_requests(BAD_CLIENTS).unwrap();
    assert_others_are_served(&setup);
    // RFC 9112 section 6: a client that reads late gets the complete response.
    let response = deaf[0].read_response("GET").unwrap();
    assert_eq!((response.body.len(), response.is_complete()), (SIZE, true));
}

fn a_thousand_clients_are_served_at_once(subject: &Subject) {
    // The promise of this stage: one request in flight for each client. Each client needs two descriptors
    // here and two in the proxy. Other tests need some at the same time.
    let limit = stage::raise_open_files_limit().unwrap();
    let count = usize::try_from(limit / 4).unwrap().clamp(200, 1000);
    let gate = Arc::new(RwLock::new(()));
    let closed = gate.write().unwrap();
    let after = Arc::clone(&gate);
    let setup = Setup::new(
        subject,
        Backend::script(move |connection| {
            while connection.read_request()?.is_some() {
                // Waits until the test opens the gate, which a failing test does too.
                drop(after.read());
                connection.answer(HELLO)?;
            }
            Ok(())
        }),
    );
    let deadline = Instant::now() + PATIENCE;
    let mut clients = Vec::new();
    while clients.len() < count {
        // Each client has its own timeout, so a proxy that accepts one now and then could use up all of them.
        assert!(Instant::now() < deadline, "only {} clients could connect", clients.len());
        clients.push(setup.client());
    }
    for client in &mut clients {
        client.send(GET).unwrap();
    }
    setup.backend.wait_for_requests(count).unwrap();
    assert_eq!(setup.backend.in_flight_max(), count);
    drop(closed);
    for client in &mut clients {
        assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    }
    assert_eq!(setup.backend.requests().len(), count);
}

fn a_client_over_max_clients_waits_until_another_leaves(subject: &Subject) {
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &["--max-clients", "2"]).unwrap();
    let setup = Setup { proxy, backend };
    let (mut first, mut second) = (setup.client(), setup.client());
    assert_eq!(first.exchange(GET).unwrap().text(), "hello");
    assert_eq!(second.exchange(GET).unwrap().text(), "hello");
    let mut third = setup.client();
    third.send("GET /third HTTP/1.1\r\nHost: example.test\r\n\r\n").unwrap();
    // Enough time to serve a third client, if the proxy did so.
    for _ in 0..20 {
        assert_eq!(first.exchange(GET).unwrap().text(), "hello");
        assert_eq!(second.exchange(GET).unwrap().text(), "hello");
    }
    assert!(setup.backend.requests().iter().all(|request| request.head.start_line == "GET / HTTP/1.1"));
    drop(second);
    assert_eq!(third.read_response("GET").unwrap().text(), "hello");
    // When the next client leaves, the fourth is served.
    let mut fourth = setup.client();
    fourth.send(GET).unwrap();
    drop(first);
    assert_eq!(fourth.read_response("GET").unwrap().text(), "hello");
}
