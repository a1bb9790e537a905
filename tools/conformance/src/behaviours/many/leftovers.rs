//! What is left of a request that was refused is never taken for a request.

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, RefusedPort};

use crate::behaviours::setup::{
    GET, HELLO, Setup, assert_ends, assert_is_error, assert_nothing_follows, says_close, start_before,
};

pub(crate) const LIST: &[Behaviour] = behaviours![
    the_body_of_a_refused_request_is_not_served,
    the_body_of_a_request_that_the_proxy_answers_itself_is_not_served,
    a_request_without_a_body_that_the_proxy_answers_itself_ends_nothing,
    a_body_that_no_backend_has_taken_is_not_served,
    a_body_that_comes_after_a_refusal_is_not_served,
    a_body_that_comes_after_a_success_is_forwarded_and_not_served,
    an_error_that_comes_before_the_body_says_that_the_connection_ends,
    a_head_that_is_too_large_is_answered_and_its_rest_is_not_served,
];

/// A body that is itself a request.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: example.test\r\n\r\n";

fn with_body(line: &str, fields: &str) -> String {
    let length = SMUGGLED.len();
    format!("{line} HTTP/1.1\r\nHost: example.test\r\n{fields}Content-Length: {length}\r\n\r\n{SMUGGLED}")
}

fn the_body_of_a_refused_request_is_not_served(subject: &Subject) {
    // RFC 9112 section 9.3: a server MUST read the body, or close the connection.
    let setup = Setup::hello(subject);
    let line = "POST /";
    setup.refuses(with_body(line, "Expect: x\r\n"), 417, "RFC 9110 section 10.1.1");
    setup.refuses(with_body(line, "Connection: Host\r\n"), 400, "RFC 9110 section 7.6.1");
    setup.refuses(with_body("TRACE /", ""), 405, "RFC 9110 section 9.3.8");
    setup.refuses(with_body("CONNECT a.test:80", ""), 501, "RFC 9110 section 9.3.6");
    setup.refuses(with_body("POST /#", ""), 400, "RFC 9112 section 3.2");
    setup.refuses(with_body(line, "A : b\r\n"), 400, "RFC 9112 section 5.1");
    setup.refuses(with_body(line, "Content-Length: 0\r\n"), 400, "RFC 9112 section 6.3");
    setup.refuses(with_body(line, "Transfer-Encoding: chunked\r\n"), 400, "RFC 9112 section 6.1");
    let unknown = with_body(line, "").replace("Content-Length", "Transfer-Encoding: gzip, chunked\r\nX");
    setup.refuses(unknown, 501, "RFC 9112 section 6.1");
}

fn the_body_of_a_request_that_the_proxy_answers_itself_is_not_served(subject: &Subject) {
    // RFC 9110 section 9.3.7: OPTIONS may have a body. RFC 9112 section 9.3: read it, or close.
    let setup = Setup::hello(subject);
    for request in [with_body("OPTIONS *", ""), with_body("OPTIONS /", "Max-Forwards: 0\r\n")] {
        let mut client = setup.client();
        let response = client.exchange(format!("{request}{GET}")).unwrap();
        assert_eq!(response.status, 204);
        // Either way is right, as long as it says which one it took.
        if says_close(&response) {
            assert_ends(&mut client, &request);
        } else {
            assert_eq!(client.read_response("GET").unwrap().text(), "hello");
        }
        assert!(setup.backend.requests().iter().all(|request| request.head.start_line == "GET / HTTP/1.1"));
    }
}

fn a_request_without_a_body_that_the_proxy_answers_itself_ends_nothing(subject: &Subject) {
    // RFC 9112 section 9.3.
    let setup = Setup::hello(subject);
    let mut client = setup.client();
    for _ in 0..3 {
        let request = "OPTIONS * HTTP/1.1\r\nHost: example.test\r\n\r\n";
        let response = client.exchange(request).unwrap();
        assert_eq!((response.status, says_close(&response)), (204, false));
        assert_eq!(client.exchange(GET).unwrap().text(), "hello");
    }
}

fn a_body_that_no_backend_has_taken_is_not_served(subject: &Subject) {
    // RFC 9112 section 9.3: the backend is not there, the body is.
    let port = RefusedPort::bind().unwrap();
    let proxy = start_before(subject, port.address().unwrap());
    let mut client = Client::connect(proxy.address()).unwrap();
    let response = client.exchange(with_body("POST /", "")).unwrap();
    assert_eq!(response.status, 502);
    assert!(says_close(&response));
    assert_ends(&mut client, "POST");
}

fn a_body_that_comes_after_a_refusal_is_not_served(subject: &Subject) {
    // RFC 9112 section 9.3: the rest of a refused request is not read.
    let setup = Setup::new(
        subject,
        Backend::early("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nhello"),
    );
    let mut client = setup.client();
    let head = with_body("POST /", "").replace(SMUGGLED, "");
    assert_eq!(client.exchange(head).unwrap().text(), "hello");
    // The proxy may have gone; if not, it must not answer.
    let _ = client.send(SMUGGLED);
    assert_ends(&mut client, "413");
    assert_eq!(setup.backend.requests().len(), 1);
}

fn a_body_that_comes_after_a_success_is_forwarded_and_not_served(subject: &Subject) {
    // RFC 9112 section 9.3: the upload goes on, so these bytes are the body of the request that was answered.
    let setup = Setup::new(subject, Backend::early(HELLO));
    let mut client = setup.client();
    let head = with_body("POST /", "").replace(SMUGGLED, "");
    assert_eq!(client.exchange(head).unwrap().text(), "hello");
    client.send(SMUGGLED).unwrap();
    setup.backend.wait_for_body_bytes(SMUGGLED.len() as u64).unwrap();
    assert_eq!(setup.received().body, SMUGGLED.as_bytes());
    assert_nothing_follows(&mut client, "200");
}

fn an_error_that_comes_before_the_body_says_that_the_connection_ends(subject: &Subject) {
    // RFC 9110 section 10.1.1: who answers without reading the content SHOULD say that it is going to close.
    let setup = Setup::new(
        subject,
        Backend::early("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nhello"),
    );
    let mut client = setup.client();
    let response = client.exchange(with_body("POST /", "").replace(SMUGGLED, "")).unwrap();
    assert_eq!((response.status, says_close(&response)), (413, true));
}

fn a_head_that_is_too_large_is_answered_and_its_rest_is_not_served(subject: &Subject) {
    // RFC 6585 section 5: what follows the part that was read is no request.
    let setup = Setup::hello(subject);
    let head = format!("GET / HTTP/1.1\r\nHost: example.test\r\nA: {}\r\n", "a".repeat(40_000));
    let mut client = setup.client();
    let response = client.exchange(format!("{head}{SMUGGLED}{SMUGGLED}")).unwrap();
    assert_is_error(subject, &response, 431, "RFC 6585 section 5", "http_request_error", "a large head");
    assert_ends(&mut client, "a large head");
    assert_eq!(setup.backend.accepted(), 0);
}
