//! A request waits only for connections that can return to the pool.

use std::time::Duration;

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, Process};

use crate::behaviours::setup::{GET, HELLO};

pub(crate) const LIST: &[Behaviour] = behaviours![
    no_request_waits_for_a_tunnel,
    no_request_waits_for_a_connection_whose_response_says_close,
    no_request_waits_for_a_connection_with_a_close_delimited_body,
    no_request_waits_for_an_event_stream,
    a_waiting_request_connects_when_the_borrowed_connection_is_lost,
];

/// With one connection in the pool, a request that waits for a connection that never returns exceeds the
/// client's timeout.
const FLAGS: [&str; 4] = ["--pool-size", "1", "--pool-wait", "10m"];

const OFFER: &str =
    "GET /held HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade\r\nUpgrade: example\r\n\r\n";
const HELD: &str = "GET /held HTTP/1.1\r\nHost: example.test\r\n\r\n";

/// A backend that answers `/held` on release with the beginning of a response only, and all other requests
/// with `hello`.
fn holding(beginning: &'static str) -> Backend {
    let backend = Backend::script(move |connection| {
        while let Some(head) = connection.read_request()? {
            if head.start_line.starts_with("GET /held ") {
                connection.wait_for_release()?;
                connection.send(beginning)?;
                return connection.wait_for_end().map(drop);
            }
            connection.answer(HELLO)?;
        }
        Ok(())
    });
    backend.unwrap()
}

fn start(subject: &Subject, backend: &Backend) -> Process {
    subject.start(backend.address(), &FLAGS).unwrap()
}

/// Checks that a second request is answered while the first holds the pool's only connection.
fn is_not_waited_for(subject: &Subject, request: &str, beginning: &'static str) {
    let backend = holding(beginning);
    let proxy = start(subject, &backend);
    let mut holder = Client::connect(proxy.address()).unwrap();
    holder.send(request).unwrap();
    backend.release(1);
    holder.read_head().unwrap();
    let mut client = Client::connect(proxy.address()).unwrap();
    assert_eq!(client.exchange(GET).unwrap().text(), "hello");
}

fn no_request_waits_for_a_tunnel(subject: &Subject) {
    is_not_waited_for(
        subject,
        OFFER,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: example\r\n\r\n",
    );
}

fn no_request_waits_for_a_connection_whose_response_says_close(subject: &Subject) {
    // RFC 9112 section 9.6: it carries no further response.
    is_not_waited_for(
        subject,
        HELD,
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nhello",
    );
}

fn no_request_waits_for_a_connection_with_a_close_delimited_body(subject: &Subject) {
    // RFC 9112 section 6.3, rule 8.
    is_not_waited_for(subject, HELD, "HTTP/1.1 200 OK\r\n\r\nhello");
}

fn no_request_waits_for_an_event_stream(subject: &Subject) {
    is_not_waited_for(
        subject,
        HELD,
        "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n\
         9\r\ndata: x\n\n\r\n",
    );
}

fn a_waiting_request_connects_when_the_borrowed_connection_is_lost(subject: &Subject) {
    // Because a tunnel begins, or because the connection fails.
    for beginning in
        ["HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: example\r\n\r\n", "?\r\n\r\n"]
    {
        let backend = holding(beginning);
        let proxy = start(subject, &backend);
        let mut holder = Client::connect(proxy.address()).unwrap();
        holder.send(OFFER).unwrap();
        backend.wait_for_requests(1).unwrap();
        let mut client = Client::connect(proxy.address()).unwrap();
        client.send(GET).unwrap();
        let arrives = backend.wait_for_requests_within(2, Duration::from_millis(50));
        assert!(arrives.is_err(), "it waits for the only connection");
        backend.release(1);
        assert_eq!(client.read_response("GET").unwrap().text(), "hello", "after \"{beginning}\"");
    }
}
