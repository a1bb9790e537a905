//! Clients of HTTP/1.0: the connection goes on only if they ask for it, and if they can tell where a body ends.

use crate::{Behaviour, Subject};
use testkit::{Ended, RefusedPort};

use super::{answering_as_asked, ask, body_of};
use crate::behaviours::setup::{Setup, assert_ends, assert_nothing_follows, start_before};

pub(crate) const LIST: &[Behaviour] = behaviours![
    without_keep_alive_the_connection_ends_behind_the_response,
    with_keep_alive_and_a_known_length_it_goes_on_and_is_told_so,
    with_keep_alive_and_an_unknown_length_it_ends_behind_the_response,
    close_wins_over_keep_alive,
    an_error_of_the_backend_does_not_end_a_connection_that_is_kept,
    versions_may_change_from_request_to_request,
];

/// A request of HTTP/1.0 that asks for the connection to go on.
fn kept(method: &str, answer: &str, seed: usize) -> String {
    format!("{}Connection: Keep-Alive\r\n\r\n", ask(&format!("{method} / HTTP/1.0"), answer, seed, 5000))
}

fn without_keep_alive_the_connection_ends_behind_the_response(subject: &Subject) {
    // RFC 9112 section 9.3: HTTP/1.0 goes on only if it says so.
    for answer in ["content-length", "chunked", "close-delimited", "204"] {
        let setup = Setup::new(subject, answering_as_asked());
        let mut client = setup.client();
        let request = format!("{}\r\n", ask("GET / HTTP/1.0", answer, 3, 5000));
        // What is pipelined after it is not served.
        let response = client.exchange(request.repeat(2)).unwrap();
        assert_eq!(response.head.all("connection"), ["close"], "{answer}");
        assert!(response.is_complete());
        assert!(response.status == 204 || response.body == body_of(3, 5000), "{answer}");
        assert_ends(&mut client, answer);
        assert_eq!(setup.backend.requests().len(), 1, "{answer}");
    }
}

fn with_keep_alive_and_a_known_length_it_goes_on_and_is_told_so(subject: &Subject) {
    // RFC 9112 section 9.3 and appendix C.2.2: the response has to say keep-alive, or the client does not know.
    let setup = Setup::new(subject, answering_as_asked());
    let mut client = setup.client();
    let rows = [("GET", "content-length"), ("HEAD", "content-length"), ("GET", "204"), ("GET", "304")];
    for (seed, (method, answer)) in rows.into_iter().cycle().take(12).enumerate() {
        client.send(kept(method, answer, seed)).unwrap();
        let shown = format!("{method}, {answer}");
        let response = client.read_response(method).unwrap_or_else(|error| panic!("{shown}: {error}"));
        let connection = response.field("connection").map(str::to_ascii_lowercase);
        assert_eq!(connection.as_deref(), Some("keep-alive"), "{shown}");
        if response.ended == Ended::ContentLength {
            assert!(response.body == body_of(seed, 5000), "{shown}");
        }
    }
    assert_nothing_follows(&mut client, "the last request");
    assert_eq!(setup.backend.requests().len(), 12);
}

fn with_keep_alive_and_an_unknown_length_it_ends_behind_the_response(subject: &Subject) {
    // RFC 9112 section 6.3, rule 8, and section 7: without chunks only the end of the connection ends the body.
    for answer in ["chunked", "close-delimited"] {
        let setup = Setup::new(subject, answering_as_asked());
        let mut client = setup.client();
        let response = client.exchange(kept("GET", answer, 1).repeat(2)).unwrap();
        assert_eq!(response.ended, Ended::CloseDelimited, "{answer}");
        assert_eq!(response.head.all("connection"), ["close"], "{answer}");
        assert!(response.body == body_of(1, 5000), "{answer}: what is after the body?");
        assert_eq!(setup.backend.requests().len(), 1, "{answer}");
    }
}

fn close_wins_over_keep_alive(subject: &Subject) {
    // RFC 9112 section 9.3: `close` is looked at first.
    let setup = Setup::new(subject, answering_as_asked());
    for version in ["HTTP/1.0", "HTTP/1.1"] {
        let mut client = setup.client();
        let head = ask(&format!("GET / {version}"), "content-length", 0, 5);
        let response = client.exchange(format!("{head}Connection: keep-alive, close\r\n\r\n")).unwrap();
        assert_eq!(response.head.all("connection"), ["close"], "{version}");
        assert_ends(&mut client, version);
    }
}

fn an_error_of_the_backend_does_not_end_a_connection_that_is_kept(subject: &Subject) {
    // RFC 9112 section 9.3: the request was read whole, and the answer has a length.
    let port = RefusedPort::bind().unwrap();
    let proxy = start_before(subject, port.address().unwrap());
    let mut client = testkit::Client::connect(proxy.address()).unwrap();
    for _ in 0..3 {
        let response = client.exchange(kept("GET", "-", 0)).unwrap();
        assert_eq!((response.status, response.ended), (502, Ended::ContentLength));
        assert_eq!(response.field("connection").map(str::to_ascii_lowercase).as_deref(), Some("keep-alive"));
    }
}

fn versions_may_change_from_request_to_request(subject: &Subject) {
    // RFC 9112 section 2.3: the version is that of the message, not that of the connection.
    let setup = Setup::new(subject, answering_as_asked());
    let mut client = setup.client();
    assert_eq!(client.exchange(kept("GET", "content-length", 0)).unwrap().ended, Ended::ContentLength);
    let request = format!("{}\r\n", ask("GET / HTTP/1.1", "close-delimited", 1, 5000));
    let response = client.exchange(request).unwrap();
    assert!(response.ended == Ended::Chunked && response.body == body_of(1, 5000));
    let response = client.exchange(kept("GET", "close-delimited", 2)).unwrap();
    assert!(response.ended == Ended::CloseDelimited && response.body == body_of(2, 5000));
}
