//! Responses that are complete before their request: their effect on the rest of the upload.

use crate::{Behaviour, Subject};
use testkit::Backend;

use crate::behaviours::setup::{
    GET, HELLO, Setup, assert_ends, assert_nothing_follows, chunked, dials_for_each_request, keeps_alive,
    pattern, says_close,
};

pub(crate) const LIST: &[Behaviour] = behaviours![
    an_upload_continues_after_a_response_below_300,
    a_body_that_comes_after_a_success_is_forwarded_and_not_served,
    an_upload_that_the_backend_cuts_after_its_response_ends_the_connection,
];

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 8\r\n\r\naccepted";

/// A backend that answers each request with `response` before it reads the body, then serves the next one.
fn accepting(response: &'static str) -> std::io::Result<Backend> {
    Backend::script(move |connection| {
        while connection.read_head()?.is_some() {
            connection.answer(response)?;
            connection.read_body()?;
        }
        Ok(())
    })
}

fn head(framing: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: example.test\r\n{framing}\r\n\r\n")
}

fn an_upload_continues_after_a_response_below_300(subject: &Subject) {
    // RFC 9112 section 9.3: a backend may answer early and keep reading. An accepted upload must not be cut.
    const SIZE: usize = 3_000_000;
    let body = pattern(SIZE);
    for (framing, coded) in [
        (format!("Content-Length: {SIZE}"), body.clone()),
        ("Transfer-Encoding: chunked".to_owned(), chunked(&body, 4093)),
    ] {
        let setup = Setup::new(subject, accepting(ACCEPTED));
        let mut client = setup.client();
        let (first, rest) = coded.split_at(1024);
        client.send([head(&framing).as_bytes(), first].concat()).unwrap();
        let response = client.read_response("POST").unwrap();
        assert_eq!((response.status, response.text().as_str()), (202, "accepted"));
        client.send(rest).unwrap();
        setup.backend.wait_for_body_bytes(SIZE as u64).unwrap();
        if keeps_alive(subject) {
            assert!(!says_close(&response), "{framing}");
            assert_eq!(client.exchange(GET).unwrap().status, 202, "{framing}");
            // The first request was sent completely, so its connection is clean.
            let connections = if dials_for_each_request(subject) { 2 } else { 1 };
            assert_eq!(setup.backend.accepted(), connections, "{framing}");
        } else {
            assert_ends(&mut client, &framing);
        }
        assert!(setup.backend.requests()[0].body == body, "{framing}");
        assert_eq!(setup.backend.faults(), Vec::<String>::new());
    }
}

fn an_upload_that_the_backend_cuts_after_its_response_ends_the_connection(subject: &Subject) {
    // RFC 9112 section 9.6: only the end of the connection can tell the client, because a second response
    // would belong to no request.
    let setup = Setup::new(
        subject,
        Backend::script(|connection| {
            connection.read_head()?;
            connection.answer(ACCEPTED)?;
            connection.wait_for_release()?;
            connection.reset()
        }),
    );
    let mut client = setup.client();
    client.send(head("Content-Length: 10") + "hello").unwrap();
    assert_eq!(client.read_response("POST").unwrap().status, 202);
    setup.backend.release(1);
    setup.backend.wait_for_closed(1).unwrap();
    // Fails if the proxy has already seen the reset.
    let _ = client.send("world");
    assert_ends(&mut client, "an upload that was cut");
    // The broken connection is not reused.
    assert_eq!(setup.exchange(GET).status, 202);
    assert_eq!(setup.backend.accepted(), 2);
}

fn a_body_that_comes_after_a_success_is_forwarded_and_not_served(subject: &Subject) {
    // RFC 9112 section 9.3: the upload continues, so these bytes are the body of the answered request.
    let setup = Setup::new(subject, Backend::early(HELLO));
    let mut client = setup.client();
    assert_eq!(client.exchange(head(&format!("Content-Length: {}", GET.len()))).unwrap().text(), "hello");
    client.send(GET).unwrap();
    setup.backend.wait_for_body_bytes(GET.len() as u64).unwrap();
    assert_eq!(setup.received().body, GET.as_bytes());
    assert_nothing_follows(&mut client, "200");
}
