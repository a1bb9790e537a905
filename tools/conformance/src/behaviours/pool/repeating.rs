//! Which requests are resent after a kept connection has died, and which are not.

use crate::{Behaviour, Subject};
use testkit::Backend;

use super::POST;
use crate::behaviours::setup::{GET, HELLO, Setup};

pub(crate) const LIST: &[Behaviour] = behaviours![
    an_idempotent_request_on_a_dead_connection_is_retried_once,
    a_request_that_is_not_idempotent_or_has_a_body_is_never_retried,
    a_request_is_not_retried_after_a_new_connection_fails,
    a_request_is_not_retried_after_its_response_began,
];

/// A backend that answers the first request on each connection and closes it on the second.
fn forgetful() -> std::io::Result<Backend> {
    Backend::script(|connection| {
        if let Some(head) = connection.read_request()? {
            let has_body = !head.start_line.starts_with("HEAD ");
            connection.answer(if has_body { HELLO } else { HELLO.trim_end_matches("hello") })?;
        }
        connection.read_request().map(drop)
    })
}

fn an_idempotent_request_on_a_dead_connection_is_retried_once(subject: &Subject) {
    // RFC 9112 section 9.3.1, RFC 9110 section 9.2.2
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
        let setup = Setup::new(subject, forgetful());
        let mut client = setup.client();
        let request = format!("{method} / HTTP/1.1\r\nHost: example.test\r\n\r\n");
        for _ in 0..3 {
            client.send(&request).unwrap();
            let response = client
                .read_response(method)
                .unwrap_or_else(|error| panic!("{method}: {error}; {}", setup.proxy.log()));
            assert_eq!(response.status, 200, "{method}");
        }
        assert_eq!(setup.backend.requests().len(), 5, "{method}: the second and the third were sent twice");
        assert_eq!(setup.backend.accepted(), 3, "{method}: each time on a new connection");
    }
}

fn a_request_that_is_not_idempotent_or_has_a_body_is_never_retried(subject: &Subject) {
    // RFC 9110 section 9.2.2: the effect of two executions may differ from that of one.
    let put = POST.replace("POST", "PUT");
    let empty_post = "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 0\r\n\r\n";
    for request in [POST, &put, empty_post, "PATCH / HTTP/1.1\r\nHost: example.test\r\n\r\n"] {
        let setup = Setup::new(subject, forgetful());
        let mut client = setup.client();
        assert_eq!(client.exchange(GET).unwrap().status, 200);
        assert_eq!(client.exchange(request).unwrap().status, 502, "{request}");
        assert_eq!(setup.backend.requests().len(), 2, "{request}");
        assert_eq!(setup.client().exchange(GET).unwrap().status, 200);
    }
}

fn a_request_is_not_retried_after_a_new_connection_fails(subject: &Subject) {
    let setup = Setup::new(subject, Backend::script(|connection| connection.read_request().map(drop)));
    assert_eq!(setup.exchange(GET).status, 502);
    assert_eq!(setup.backend.accepted(), 1);
}

fn a_request_is_not_retried_after_its_response_began(subject: &Subject) {
    let setup = Setup::new(
        subject,
        Backend::script(|connection| {
            if connection.read_request()?.is_some() {
                connection.answer(HELLO)?;
            }
            if connection.read_request()?.is_some() {
                connection.answer("HTTP/1.1 2")?;
            }
            Ok(())
        }),
    );
    let mut client = setup.client();
    assert_eq!(client.exchange(GET).unwrap().status, 200);
    assert_eq!(client.exchange(GET).unwrap().status, 502);
    assert_eq!(setup.backend.requests().len(), 2);
}
