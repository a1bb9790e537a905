//! Status lines, interim responses and the order of responses.

mod common;

use codec::{Expected, Limits, Refusal, ResponseTo};
use common::{Rest, Stream, all_responses, response};

const ORDINARY: Expected = Expected { response_to: ResponseTo::Other, upgrade: false };

fn responses(input: impl AsRef<[u8]>) -> Stream {
    all_responses(ORDINARY, input, &Limits::DEFAULT)
}

#[test]
fn a_status_line_has_a_version_three_digits_and_perhaps_a_reason() {
    // RFC 9112 section 4
    for (line, start) in [
        ("HTTP/1.1 200 OK", "200 OK"),
        ("HTTP/1.1 200 ", "200 "),
        ("HTTP/1.1 200", "200 "),
        ("HTTP/1.0 404 Not  Found", "404 Not  Found"),
        ("HTTP/1.5 599 \u{e9}", "599 \u{e9}"),
    ] {
        assert_eq!(response(format!("{line}\r\nContent-Length: 0\r\n\r\n")).unwrap().start, start);
    }
    for line in [
        "HTTP/1.1  200 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 +20 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 200OK",
        "HTTP/2.0 200 OK",
        "200 OK",
        "http/1.1 200 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.1 200 a\0b",
        "",
        "HTTP/1.1",
        "garbage",
    ] {
        let refused = response(format!("{line}\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(refused, Err(Refusal::InvalidStatusLine), "{line:?}");
    }
}

#[test]
fn bytes_that_are_not_http_are_refused_before_a_head_is_complete() {
    // RFC 9112 section 4. Otherwise the proxy would wait for a backend of another protocol until the timeout.
    assert_eq!(response("220 mail.test ESMTP\r\n"), Err(Refusal::InvalidStatusLine));
    assert_eq!(response("<html>"), Err(Refusal::InvalidStatusLine));
}

#[test]
fn a_backends_bare_line_feed_and_line_folding_are_refused() {
    // RFC 9112 section 2.2 and 5.2
    assert_eq!(response("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"), Err(Refusal::BareLineFeed));
    let folded = "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(response(folded), Err(Refusal::ObsoleteLineFolding));
}

#[test]
fn a_response_head_over_32_kib_or_100_fields_is_refused() {
    // Answered 502: the client did nothing wrong.
    let large = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(33_000));
    assert_eq!(response(large), Err(Refusal::HeadTooLarge));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(101));
    assert_eq!(response(many), Err(Refusal::TooManyFields));
}

#[test]
fn interim_responses_are_decoded_before_the_final_one() {
    // RFC 9110 section 15.2
    let input = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n\
                 HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let stream = responses(input);
    let starts: Vec<_> = stream.messages.iter().map(|message| message.start.as_str()).collect();
    assert_eq!(starts, ["100 Continue", "103 Early Hints", "200 OK"]);
    assert_eq!(stream.messages[1].field("link"), Some("a"));
    assert_eq!(stream.rest, Rest::Nothing);
}

#[test]
fn more_interim_responses_than_the_limit_are_refused() {
    // RFC 9110 section 15.2 sets no bound; an endless stream comes from a broken backend.
    let limits = Limits { max_interim_responses: 8, ..Limits::DEFAULT };
    let with = |count: usize| {
        "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(count) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    };
    assert_eq!(all_responses(ORDINARY, with(8), &limits).messages.len(), 9);
    let refused = all_responses(ORDINARY, with(9), &limits);
    assert_eq!(refused.rest, Rest::Refused(Refusal::TooManyInterimResponses));
}

#[test]
fn a_hundred_interim_responses_are_accepted() {
    // RFC 9110 section 15.2: a 102 every 20 s reports on a job of half an hour.
    let interim = "HTTP/1.1 102 Processing\r\n\r\n";
    let stream = responses(interim.repeat(100) + "HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!((stream.messages.len(), stream.rest), (101, Rest::Nothing));
}

#[test]
fn a_101_is_refused_unless_it_was_requested() {
    // RFC 9110 section 15.2.2 and 7.8
    let input = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nraw";
    assert_eq!(responses(input).rest, Rest::Refused(Refusal::SwitchedProtocolsUnasked));
    let asked = Expected { upgrade: true, ..ORDINARY };
    let stream = all_responses(asked, input, &Limits::DEFAULT);
    assert_eq!(stream.messages.len(), 1);
    assert_eq!(stream.messages[0].body, b"", "what follows is no body");
}

#[test]
fn a_101_without_an_upgrade_field_is_refused() {
    // RFC 9110 section 15.2.2
    let input = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\nraw";
    let asked = Expected { upgrade: true, ..ORDINARY };
    let stream = all_responses(asked, input, &Limits::DEFAULT);
    assert_eq!(stream.rest, Rest::Refused(Refusal::SwitchedProtocolsUnnamed));
}
