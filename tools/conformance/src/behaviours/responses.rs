//! Responses: interim ones, those without a body, and how a body is framed anew for the client.

use crate::{Behaviour, Subject};
use testkit::{Backend, Ended};

use crate::behaviours::setup::{GET, HELLO, Setup, assert_is_error, assert_nothing_follows, says_close};

pub(crate) const LIST: &[Behaviour] = behaviours![
    interim_responses_reach_a_client_of_http_1_1,
    interim_responses_do_not_wait_for_the_final_one,
    interim_responses_do_not_reach_a_client_of_http_1_0,
    a_hundred_interim_responses_are_forwarded,
    an_endless_stream_of_interim_responses_is_answered_502,
    a_101_that_was_not_asked_for_is_answered_502,
    a_response_to_head_has_no_body_and_keeps_its_length,
    a_body_that_a_backend_sends_to_head_does_not_reach_the_client,
    responses_204_and_304_end_with_their_head,
    transfer_encoding_of_a_response_wins_over_its_content_length,
    a_response_that_breaks_a_rule_is_answered_502,
    a_status_line_without_a_reason_is_passed_on,
    bytes_behind_a_response_do_not_reach_the_client,
    trailers_reach_a_client_of_http_1_1_but_for_those_that_frame,
    a_chunked_body_is_unpacked_for_a_client_of_http_1_0,
    a_close_delimited_body_is_chunked_for_a_client_of_http_1_1,
    a_close_delimited_body_stays_one_for_a_client_of_http_1_0,
    a_response_without_date_gets_one_and_another_keeps_its_own,
];

const GET_1_0: &str = "GET / HTTP/1.0\r\nHost: example.test\r\n\r\n";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: example.test\r\n\r\n";
const EARLY_HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
const PROCESSING: &str = "HTTP/1.1 102 Processing\r\n\r\n";

fn interim_responses_reach_a_client_of_http_1_1(subject: &Subject) {
    // RFC 9110 section 15.2: a proxy MUST forward them.
    let setup = Setup::new(subject, Backend::good([EARLY_HINTS, EARLY_HINTS, HELLO].concat()));
    let response = setup.exchange(GET);
    assert_eq!((response.status, response.text().as_str()), (200, "hello"));
    assert_eq!(response.interim.len(), 2);
    assert_eq!(response.interim[0].start_line, "HTTP/1.1 103 Early Hints");
    assert_eq!(response.interim[0].field("link"), Some("</a.css>; rel=preload"));
}

fn interim_responses_do_not_wait_for_the_final_one(subject: &Subject) {
    // RFC 8297 section 2: early hints are of use only before the response.
    let setup = Setup::new(
        subject,
        Backend::script(|connection| {
            connection.read_request()?;
            connection.send(EARLY_HINTS)?;
            connection.wait_for_release()?;
            connection.answer(HELLO)
        }),
    );
    let mut client = setup.client();
    client.send(GET).unwrap();
    assert_eq!(client.read_head().unwrap().unwrap().status, 103);
    setup.backend.release(1);
    assert_eq!(client.read_response("GET").unwrap().status, 200);
}

fn interim_responses_do_not_reach_a_client_of_http_1_0(subject: &Subject) {
    // RFC 9110 section 15.2: a server MUST NOT send them to one.
    let setup = Setup::new(subject, Backend::good([EARLY_HINTS, HELLO].concat()));
    let response = setup.exchange(GET_1_0);
    assert_eq!((response.status, response.interim.len(), response.text().as_str()), (200, 0, "hello"));
}

fn a_hundred_interim_responses_are_forwarded(subject: &Subject) {
    // RFC 9110 section 15.2: any number may come. A backend may send a 102 every 20 s through a long job.
    let setup = Setup::new(subject, Backend::good([PROCESSING.repeat(100).as_str(), HELLO].concat()));
    let response = setup.exchange(GET);
    assert_eq!((response.status, response.interim.len()), (200, 100));
    assert_eq!(response.text(), "hello");
}

fn an_endless_stream_of_interim_responses_is_answered_502(subject: &Subject) {
    // RFC 9110 section 15.2: any number may come, but a broken backend must not hold a client for ever.
    let setup = Setup::new(
        subject,
        Backend::script(|connection| {
            connection.read_request()?;
            loop {
                connection.send(PROCESSING.repeat(100))?;
            }
        }),
    );
    let response = setup.exchange(GET);
    let shown = "interim responses without end";
    assert_is_error(subject, &response, 502, "RFC 9110 section 15.2", "http_protocol_error", shown);
    setup.backend.wait_for_closed(1).unwrap();
}

fn a_101_that_was_not_asked_for_is_answered_502(subject: &Subject) {
    // RFC 9110 section 15.2.2: 101 answers an Upgrade.
    let setup = Setup::new(
        subject,
        Backend::good(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
        ),
    );
    let response = setup.exchange(GET);
    assert_is_error(subject, &response, 502, "RFC 9110 section 15.2.2", "http_protocol_error", "101");
}

fn a_response_to_head_has_no_body_and_keeps_its_length(subject: &Subject) {
    // RFC 9112 section 6.3, rule 1; RFC 9110 section 8.6: the length that a GET would have.
    let setup = Setup::new(subject, Backend::good("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"));
    let mut client = setup.client();
    let response = client.exchange(HEAD).unwrap();
    assert_eq!((response.status, response.ended), (200, Ended::WithoutBody));
    assert_eq!(response.field("content-length"), Some("1234"));
    assert_nothing_follows(&mut client, "GET or HEAD");
    assert_eq!(setup.received().head.start_line, "HEAD / HTTP/1.1");

    let setup = Setup::new(subject, Backend::good("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
    let mut client = setup.client();
    let response = client.exchange(HEAD).unwrap();
    assert_eq!((response.status, response.field("content-length")), (200, None));
    assert_nothing_follows(&mut client, "GET or HEAD");
}

fn a_body_that_a_backend_sends_to_head_does_not_reach_the_client(subject: &Subject) {
    // RFC 9110 section 9.3.2: it would be taken for the next response.
    let setup = Setup::new(subject, Backend::good(HELLO));
    let mut client = setup.client();
    let response = client.exchange(HEAD).unwrap();
    assert_eq!((response.status, response.field("content-length")), (200, Some("5")));
    assert_nothing_follows(&mut client, "GET or HEAD");
}

fn responses_204_and_304_end_with_their_head(subject: &Subject) {
    // RFC 9112 section 6.3, rule 1. RFC 9110 section 8.6: no Content-Length with 204.
    for (status, framing, length) in [
        ("204 No Content", "Content-Length: 5\r\n", None),
        ("204 No Content", "Transfer-Encoding: chunked\r\n", None),
        ("204 No Content", "", None),
        ("304 Not Modified", "Content-Length: 5\r\n", Some("5")),
        ("304 Not Modified", "ETag: \"a\"\r\n", None),
    ] {
        let setup = Setup::new(subject, Backend::good(format!("HTTP/1.1 {status}\r\n{framing}\r\nhello")));
        let mut client = setup.client();
        let response = client.exchange(GET).unwrap();
        assert_eq!(format!("{} {}", response.status, response.reason), status);
        assert_eq!(response.field("content-length"), length, "{status} {framing}");
        assert_eq!(response.field("transfer-encoding"), None, "{status} {framing}");
        assert_nothing_follows(&mut client, status);
    }
}

fn transfer_encoding_of_a_response_wins_over_its_content_length(subject: &Subject) {
    // RFC 9112 section 6.3, rule 3: and Content-Length is not sent on.
    let setup = Setup::new(
        subject,
        Backend::good(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
    );
    let response = setup.exchange(GET);
    assert_eq!((response.text().as_str(), response.ended), ("hello", Ended::Chunked));
    assert_eq!(response.field("content-length"), None);
}

fn a_response_that_breaks_a_rule_is_answered_502(subject: &Subject) {
    let large = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(40_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(101));
    for (response, section) in [
        // RFC 9112 section 6.3, rule 5: an invalid Content-Length of a response is a 502.
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "RFC 9112 section 6.3"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "RFC 9112 section 6.3"),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello", "RFC 9112 section 6.3"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5,5\r\n\r\nhello", "RFC 9112 section 6.3"),
        // RFC 9112 section 6.1: a coding that is not known, or in HTTP/1.0.
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "RFC 9112 section 6.1"),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "RFC 9112 section 6.1"),
        // RFC 9112 section 2.2, 5.1, 5.2: as strict as with requests.
        ("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "RFC 9112 section 2.2"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 5\r\n\r\nhello", "RFC 9112 section 5.2"),
        ("HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello", "RFC 9112 section 5.1"),
        ("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n", "RFC 9110 section 5.5"),
        // RFC 9112 section 4: version SP three digits SP reason.
        ("HTTP/1.1 20 OK\r\n\r\n", "RFC 9112 section 4"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "RFC 9112 section 4"),
        ("HTTP/1.1 099 OK\r\n\r\n", "RFC 9112 section 4"),
        ("HTTP/1.1 +20 OK\r\n\r\n", "RFC 9112 section 4"),
        ("HTTP/2.0 200 OK\r\n\r\n", "RFC 9112 section 4"),
        ("ICY 200 OK\r\n\r\n", "RFC 9112 section 4"),
        // RFC 6585 section 5: the limits of heads hold for the backend too.
        (&large, "RFC 6585 section 5"),
        (&many, "RFC 6585 section 5"),
    ] {
        let setup = Setup::new(subject, Backend::closing(response));
        let answer = setup.exchange(GET);
        let shown: String = response.escape_default().take(200).collect();
        assert_is_error(subject, &answer, 502, section, "http_protocol_error", &shown);
    }
}

fn a_status_line_without_a_reason_is_passed_on(subject: &Subject) {
    // RFC 9112 section 4: the reason is optional, the space before it is not; many servers forget it.
    for line in ["HTTP/1.1 200", "HTTP/1.1 200 "] {
        let setup = Setup::new(subject, Backend::good(format!("{line}\r\nContent-Length: 5\r\n\r\nhello")));
        let response = setup.exchange(GET);
        assert_eq!(response.head.start_line, "HTTP/1.1 200 ");
        assert_eq!(response.text(), "hello");
    }
}

fn bytes_behind_a_response_do_not_reach_the_client(subject: &Subject) {
    // RFC 9112 section 9.2: they are no response to anything.
    let setup = Setup::new(
        subject,
        Backend::good(format!("{HELLO}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")),
    );
    let mut client = setup.client();
    assert_eq!(client.exchange(GET).unwrap().text(), "hello");
    assert_nothing_follows(&mut client, "GET or HEAD");
    assert_eq!(setup.exchange(GET).text(), "hello");
}

const WITH_TRAILERS: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
    3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nConnection: a\r\n\r\n";

fn trailers_reach_a_client_of_http_1_1_but_for_those_that_frame(subject: &Subject) {
    // RFC 9110 section 6.5.1: fields for framing must not be taken from a trailer section.
    let setup = Setup::new(subject, Backend::good(WITH_TRAILERS));
    let response = setup.exchange(GET);
    assert_eq!((response.text().as_str(), response.ended), ("hello", Ended::Chunked));
    assert_eq!(response.trailers.fields, [("X-Sum".to_owned(), "1".to_owned())]);
}

fn a_chunked_body_is_unpacked_for_a_client_of_http_1_0(subject: &Subject) {
    // RFC 9112 section 7: HTTP/1.0 does not know chunked; the end of the connection ends the body.
    let setup = Setup::new(subject, Backend::good(WITH_TRAILERS));
    let response = setup.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!((response.text().as_str(), response.ended), ("hello", Ended::CloseDelimited));
    assert_eq!(response.field("transfer-encoding"), None);
    assert!(says_close(&response));
}

fn a_close_delimited_body_is_chunked_for_a_client_of_http_1_1(subject: &Subject) {
    // RFC 9112 section 6.3, rule 8: the client can then tell a whole body from one that was cut.
    for backend in [Backend::closing, Backend::half_closing] {
        let setup = Setup::new(subject, backend("HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello"));
        let response = setup.exchange(GET);
        assert_eq!((response.text().as_str(), response.ended), ("hello", Ended::Chunked));
    }
}

fn a_close_delimited_body_stays_one_for_a_client_of_http_1_0(subject: &Subject) {
    // RFC 9112 section 6.3, rule 8.
    let setup = Setup::new(subject, Backend::closing("HTTP/1.0 200 OK\r\n\r\nhello"));
    let response = setup.exchange(GET_1_0);
    assert_eq!((response.text().as_str(), response.ended), ("hello", Ended::CloseDelimited));
}

fn a_response_without_date_gets_one_and_another_keeps_its_own(subject: &Subject) {
    // RFC 9110 section 6.6.1.
    let setup = Setup::hello(subject);
    assert!(setup.exchange(GET).field("date").unwrap().ends_with(" GMT"));

    let date = "Tue, 15 Nov 1994 08:12:31 GMT";
    let setup = Setup::new(
        subject,
        Backend::good(format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n")),
    );
    assert_eq!(setup.exchange(GET).head.all("date"), [date]);
}
