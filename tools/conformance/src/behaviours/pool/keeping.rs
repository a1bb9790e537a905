//! When a connection is kept, waited for, opened or closed.

use std::time::Duration;

use crate::{Behaviour, Subject};
use testkit::{Backend, Client};

use super::POST;
use crate::behaviours::setup::{GET, HELLO, Setup, at_once};

pub(crate) const LIST: &[Behaviour] = behaviours![
    all_400_requests_of_8_clients_reach_the_backend_on_8_connections_at_most,
    an_empty_pool_connects_at_once,
    a_request_waits_for_a_borrowed_connection_and_then_opens_a_new_one,
    waiting_requests_are_served_in_the_order_in_which_they_came,
    connections_over_the_pool_size_are_closed,
    a_connection_that_the_backend_has_closed_is_not_used,
    a_connection_that_is_too_old_is_not_used,
    a_connection_is_not_reused_after_ambiguous_framing,
];

fn all_400_requests_of_8_clients_reach_the_backend_on_8_connections_at_most(subject: &Subject) {
    const CLIENTS: usize = 8;
    let setup = Setup::hello(subject);
    at_once(CLIENTS, || {
        let mut client = setup.client();
        for _ in 0..50 {
            assert_eq!(client.exchange(GET).unwrap().text(), "hello");
        }
    });
    assert_eq!(setup.backend.requests().len(), 400);
    assert!(setup.backend.accepted() <= CLIENTS, "{}", setup.backend.accepted());
    let said_close =
        setup.backend.requests().iter().any(|request| request.head.field("connection").is_some());
    assert!(!said_close, "RFC 9112 section 9.6: a connection that is kept is not said to be closed");
}

fn an_empty_pool_connects_at_once(subject: &Subject) {
    // Guards against the original's bug, which waits 100 ms for a connection that cannot come.
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &["--pool-wait", "10m"]).unwrap();
    let mut client = Client::connect(proxy.address()).unwrap();
    assert_eq!(
        client.exchange(GET).unwrap().text(),
        "hello",
        "within the patience of a client, not in 10 minutes"
    );
}

fn a_request_waits_for_a_borrowed_connection_and_then_opens_a_new_one(subject: &Subject) {
    // If all its connections are borrowed, the pool waits for one, and opens another after the wait.
    let backend = Backend::slow(HELLO).unwrap();
    let flags = ["--pool-size", "1", "--pool-wait", "50ms"];
    let proxy = subject.start(backend.address(), &flags).unwrap();
    let mut clients: Vec<_> = (0..3).map(|_| Client::connect(proxy.address()).unwrap()).collect();
    for client in &mut clients {
        client.send(GET).unwrap();
    }
    backend.wait_for_requests(3).unwrap();
    assert_eq!((backend.accepted(), backend.in_flight_max()), (3, 3));
    backend.release(3);
    for client in &mut clients {
        assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    }
}

fn waiting_requests_are_served_in_the_order_in_which_they_came(subject: &Subject) {
    let backend = Backend::slow(HELLO).unwrap();
    let flags = ["--pool-size", "1", "--pool-wait", "10m"];
    let proxy = subject.start(backend.address(), &flags).unwrap();
    let get = |path| GET.replace("GET /", &format!("GET /{path}"));
    let [mut first, mut second] = [(); 2].map(|()| Client::connect(proxy.address()).unwrap());
    // Pipelined: the proxy reads the second request of this client directly after its first response.
    first.send(get("first") + &get("third")).unwrap();
    backend.wait_for_requests(1).unwrap();
    second.send(get("second")).unwrap();
    let arrives = backend.wait_for_requests_within(2, Duration::from_millis(50));
    assert!(arrives.is_err(), "it waits for the only connection");
    backend.release(3);
    backend.wait_for_requests(3).unwrap();
    let order: Vec<_> = backend.requests().into_iter().map(|request| request.head.start_line).collect();
    let wanted = ["first", "second", "third"].map(|path| format!("GET /{path} HTTP/1.1"));
    assert_eq!(order, wanted);
}

fn connections_over_the_pool_size_are_closed(subject: &Subject) {
    // 20 were needed at once, 10 are kept; RFC 9112 section 9.4: no more than are useful.
    let backend = Backend::slow(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &["--pool-size", "10"]).unwrap();
    let mut clients: Vec<_> = (0..20).map(|_| Client::connect(proxy.address()).unwrap()).collect();
    for client in &mut clients {
        client.send(GET).unwrap();
    }
    backend.wait_for_requests(20).unwrap();
    backend.release(20);
    for client in &mut clients {
        assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    }
    backend.wait_for_closed(10).unwrap();
    // The kept connections still serve requests.
    backend.release(1);
    assert_eq!(clients[0].exchange(GET).unwrap().text(), "hello");
}

fn a_connection_that_the_backend_has_closed_is_not_used(subject: &Subject) {
    // No retry can hide a failure: a POST is answered because the proxy sees the close before it sends.
    let setup = Setup::new(
        subject,
        Backend::script(|connection| {
            if connection.read_request()?.is_some() {
                connection.answer(HELLO)?;
            }
            Ok(())
        }),
    );
    let mut client = setup.client();
    for number in 1..=20 {
        assert_eq!(client.exchange(GET).unwrap().status, 200);
        setup.backend.wait_for_closed(number).unwrap();
        // The close may still be on its way to the proxy. After two responses of the proxy itself it has been
        // processed: one of its threads may answer the first while another is still being notified.
        for _ in 0..2 {
            assert_eq!(setup.client().exchange("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").unwrap().status, 204);
        }
    }
    assert_eq!(setup.backend.accepted(), 20);
    assert_eq!(setup.backend.requests().len(), 20, "nothing was sent into a closed connection");
}

fn a_connection_that_is_too_old_is_not_used(subject: &Subject) {
    let backend = Backend::good(HELLO).unwrap();
    let proxy = subject.start(backend.address(), &["--pool-idle", "0ms"]).unwrap();
    let mut client = Client::connect(proxy.address()).unwrap();
    for _ in 0..3 {
        assert_eq!(client.exchange(POST).unwrap().status, 200);
    }
    assert_eq!(backend.accepted(), 3);
}

fn a_connection_is_not_reused_after_ambiguous_framing(subject: &Subject) {
    for (method, response, connections) in [
        // RFC 9112 section 6.3, rule 3: after a response with both fields its framing is not trusted.
        (
            "GET",
            "200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            2,
        ),
        // RFC 9112 section 6.3, rule 8: the response to a GET would be close-delimited.
        ("HEAD", "200 OK\r\n\r\n", 2),
        ("HEAD", "200 OK\r\nContent-Length: 5\r\n\r\n", 1),
        ("HEAD", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 1),
        ("HEAD", "204 No Content\r\n\r\n", 1),
        ("HEAD", "304 Not Modified\r\n\r\n", 1),
    ] {
        let setup = Setup::new(subject, Backend::good(format!("HTTP/1.1 {response}")));
        let mut client = setup.client();
        for _ in 0..2 {
            client.send(GET.replace("GET", method)).unwrap();
            assert!(client.read_response(method).unwrap().is_complete(), "{method}: {response}");
        }
        assert_eq!(setup.backend.accepted(), connections, "{method}: {response}");
    }
}
