//! Many requests on one connection: which responses keep it open, and what it then carries.

use crate::{Behaviour, Subject};
use testkit::{Backend, Ended};

use super::{answering_as_asked, ask, body_of};
use crate::behaviours::setup::{Setup, assert_nothing_follows, chunked, says_close};

pub(crate) const LIST: &[Behaviour] = behaviours![
    one_connection_carries_requests_of_all_methods_and_framings,
    a_connection_stays_open_after_an_upload_and_its_echo,
];

fn one_connection_carries_requests_of_all_methods_and_framings(subject: &Subject) {
    // RFC 9112 section 9.3: the connection stays open with every method and framing. Only lengths delimit the
    // messages, so one byte too many or too few breaks the next message.
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
                // RFC 9112 section 9.3: HTTP/1.1 is persistent by default.
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

fn a_connection_stays_open_after_an_upload_and_its_echo(subject: &Subject) {
    // RFC 9112 section 9.3: both directions ended as their framing says.
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
