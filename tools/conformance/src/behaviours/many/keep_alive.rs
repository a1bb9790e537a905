//! Many requests on one connection: which responses let it go on, and what is on it then.

use crate::{Behaviour, Subject};
use testkit::{Backend, Ended};

use super::{answering_as_asked, ask, body_of};
use crate::behaviours::setup::{GET, HELLO, Setup, assert_ends, assert_nothing_follows, chunked, says_close};

pub(crate) const LIST: &[Behaviour] = behaviours![
    one_connection_carries_requests_of_all_methods_and_framings,
    a_client_that_says_close_is_answered_with_close_and_served_no_more,
    a_backend_that_says_close_ends_its_own_connection_alone,
    one_empty_line_between_two_requests_is_skipped,
    an_upload_and_its_echo_leave_a_connection_that_goes_on,
    a_client_that_closes_its_side_is_answered_and_then_the_connection_ends,
];

fn one_connection_carries_requests_of_all_methods_and_framings(subject: &Subject) {
    // RFC 9112 section 9.3: it goes on whatever the method, the framing of the request, and that of the response.
    // Only lengths tell where a message ends: a byte too many or too few spoils the next.
    const SIZES: [usize; 5] = [0, 1, 5000, 16 * 1024, 100_000];
    let setup = Setup::new(subject, answering_as_asked());
    let mut client = setup.client();
    let mut sent = Vec::new();
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
        for framing in ["", "Content-Length", "Transfer-Encoding"] {
            for answer in ["content-length", "chunked", "close-delimited", "204", "304"] {
                let index = sent.len();
                let (up, down) = (SIZES[index % 5], SIZES[(index / 5 + index) % 5]);
                let body = if framing.is_empty() { Vec::new() } else { body_of(7 * index, up) };
                let head = ask(&format!("{method} /{index} HTTP/1.1"), answer, index, down);
                let (framing, coded) = match framing {
                    "Content-Length" => (format!("Content-Length: {up}\r\n"), body.clone()),
                    "Transfer-Encoding" => {
                        ("Transfer-Encoding: chunked\r\n".to_owned(), chunked(&body, 1000))
                    }
                    _ => (String::new(), Vec::new()),
                };
                client.send([format!("{head}{framing}\r\n").as_bytes(), &coded].concat()).unwrap();
                let shown = format!("{method} /{index}, {framing:?}, {up} bytes, answered by {answer}");
                let response =
                    client.read_response(method).unwrap_or_else(|error| panic!("{shown}: {error}"));

                let has_body = method != "HEAD" && answer.parse::<u16>().is_err();
                let ended = match answer {
                    _ if !has_body => Ended::WithoutBody,
                    "content-length" => Ended::ContentLength,
                    _ => Ended::Chunked,
                };
                assert_eq!(response.status, answer.parse().unwrap_or(200), "{shown}");
                assert_eq!(response.ended, ended, "{shown}");
                assert!(response.body == body_of(index, if has_body { down } else { 0 }), "{shown}");
                // RFC 9112 section 9.3: in HTTP/1.1 nothing needs to be said.
                assert!(!says_close(&response), "{shown}");
                sent.push((format!("{method} /{index} HTTP/1.1"), body, shown));
            }
        }
    }
    assert_nothing_follows(&mut client, "the last request");
    assert_eq!(setup.backend.faults(), [""; 0]);
    let requests = setup.backend.requests();
    assert_eq!(requests.len(), sent.len());
    for (request, (start_line, body, shown)) in requests.iter().zip(&sent) {
        assert_eq!(&request.head.start_line, start_line);
        assert!(request.body == *body, "{shown}");
    }
}

fn a_client_that_says_close_is_answered_with_close_and_served_no_more(subject: &Subject) {
    // RFC 9112 section 9.6: a server MUST close after the response, and process nothing that follows.
    for fields in [
        "Connection: close",
        "connection: CLOSE",
        "Connection: x, close",
        "Connection: x\r\nConnection: close",
    ] {
        let setup = Setup::hello(subject);
        let mut client = setup.client();
        assert_eq!(client.exchange(GET).unwrap().status, 200);
        let last = format!("GET /last HTTP/1.1\r\nHost: example.test\r\n{fields}\r\n\r\n");
        let response = client.exchange(format!("{last}{GET}")).unwrap();
        assert_eq!((response.status, response.text().as_str()), (200, "hello"), "{fields}");
        assert_eq!(response.head.all("connection"), ["close"], "{fields}");
        assert_ends(&mut client, fields);
        assert_eq!(setup.backend.requests().len(), 2, "{fields}");
    }
}

fn a_backend_that_says_close_ends_its_own_connection_alone(subject: &Subject) {
    // RFC 9110 section 7.6.1: Connection is for one hop.
    let setup = Setup::new(
        subject,
        Backend::closing("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"),
    );
    let mut client = setup.client();
    for _ in 0..3 {
        let response = client.exchange(GET).unwrap();
        assert_eq!((response.text().as_str(), says_close(&response)), ("hello", false));
    }
}

fn one_empty_line_between_two_requests_is_skipped(subject: &Subject) {
    // RFC 9112 section 2.2: old clients send CR LF after the body of a POST.
    let setup = Setup::hello(subject);
    let mut client = setup.client();
    for _ in 0..3 {
        let request = "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 4\r\n\r\nbody\r\n";
        assert_eq!(client.exchange(request).unwrap().text(), "hello");
    }
    assert!(setup.backend.requests().iter().all(|request| request.body == b"body"));
}

fn an_upload_and_its_echo_leave_a_connection_that_goes_on(subject: &Subject) {
    // RFC 9112 section 9.3: both directions have ended where their framing says.
    let setup = Setup::new(subject, Backend::echo());
    let mut client = setup.client();
    let body = body_of(0, 300_000);
    let coded = chunked(&body, 10_000);
    let head = "POST / HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    for _ in 0..3 {
        let mut sender = client.sender().unwrap();
        let request = [head.as_bytes(), &coded].concat();
        let sending = std::thread::spawn(move || sender.send(request));
        let response = client.read_response("POST").unwrap();
        sending.join().unwrap().unwrap();
        assert!(response.body == body && response.ended == Ended::Chunked);
        assert!(!says_close(&response));
    }
}

fn a_client_that_closes_its_side_is_answered_and_then_the_connection_ends(subject: &Subject) {
    // RFC 9112 section 9.6: what was asked before the half-close is answered.
    let setup = Setup::new(subject, Backend::slow(HELLO));
    let mut client = setup.client();
    client.send(GET).unwrap();
    setup.backend.release(1);
    assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    client.send(GET).unwrap();
    client.half_close().unwrap();
    setup.backend.wait_for_requests(2).unwrap();
    setup.backend.release(1);
    assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    assert_ends(&mut client, "a half-close");
}
