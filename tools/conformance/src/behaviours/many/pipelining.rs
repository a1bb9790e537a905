//! Requests that are sent before the responses to earlier requests have arrived.

use crate::{Behaviour, Subject};
use testkit::{Backend, Client};

use super::{answering_as_asked, ask, body_of};
use crate::behaviours::setup::{GET, HELLO, Setup, assert_nothing_follows, chunked};

pub(crate) const LIST: &[Behaviour] = behaviours![
    pipelined_requests_are_answered_in_order_one_at_a_time,
    a_response_does_not_wait_for_the_next_request,
];

/// A request with this number in its path, its body and the body of its response.
fn numbered(number: usize) -> Vec<u8> {
    let answer = ["content-length", "chunked", "close-delimited"][number % 3];
    let body = body_of(number, 10 * number);
    let (method, framing, coded) = match number % 4 {
        0 => ("GET", String::new(), Vec::new()),
        1 => ("POST", format!("Content-Length: {}\r\n", body.len()), body),
        2 => ("PUT", "Transfer-Encoding: chunked\r\n".to_owned(), chunked(&body, 7)),
        _ => ("HEAD", String::new(), Vec::new()),
    };
    let head = ask(&format!("{method} /{number} HTTP/1.1"), answer, number, 30 * number);
    [format!("{head}{framing}\r\n").as_bytes(), &coded].concat()
}

fn read_numbered(client: &mut Client, number: usize) {
    let method = if number % 4 == 3 { "HEAD" } else { "GET" };
    let response = client.read_response(method).unwrap_or_else(|error| panic!("request {number}: {error}"));
    let size = if method == "HEAD" { 0 } else { 30 * number };
    assert_eq!(response.status, 200, "request {number}: {}", response.text());
    assert!(response.body == body_of(number, size), "the body of response {number}");
}

fn pipelined_requests_are_answered_in_order_one_at_a_time(subject: &Subject) {
    // RFC 9112 section 9.3.2: a server MUST answer in the order of the requests.
    const COUNT: usize = 60;
    let all: Vec<u8> = (0..COUNT).flat_map(numbered).collect();
    // In one write, and in pieces whose ends never coincide with the ends of requests.
    for size in [all.len(), 1013] {
        let setup = Setup::new(subject, answering_as_asked());
        let mut client = setup.client();
        let mut sender = client.sender().unwrap();
        let pieces: Vec<Vec<u8>> = all.chunks(size).map(<[u8]>::to_vec).collect();
        let sending = std::thread::spawn(move || pieces.iter().try_for_each(|piece| sender.send(piece)));
        (0..COUNT).for_each(|number| read_numbered(&mut client, number));
        sending.join().unwrap().unwrap();
        assert_nothing_follows(&mut client, "the last request");
        let requests = setup.backend.requests();
        assert_eq!(requests.len(), COUNT);
        for (number, request) in requests.iter().enumerate() {
            assert!(request.head.start_line.contains(&format!(" /{number} ")), "{}", request.head.start_line);
            let size = if (1..=2).contains(&(number % 4)) { 10 * number } else { 0 };
            assert!(request.body == body_of(number, size), "the body of request {number}");
        }
        assert_eq!(setup.backend.in_flight_max(), 1);
    }
}

fn a_response_does_not_wait_for_the_next_request(subject: &Subject) {
    // RFC 9112 section 9.3.2: even if the start of the next request has already arrived.
    let setup = Setup::new(subject, Backend::slow(HELLO));
    let mut client = setup.client();
    let (beginning, rest) = GET.split_at(20);
    client.send([GET, beginning].concat()).unwrap();
    setup.backend.release(1);
    assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    client.send(rest).unwrap();
    setup.backend.release(1);
    assert_eq!(client.read_response("GET").unwrap().text(), "hello");
}
