//! The contract of the core: the end of a connection, the order of calls, and checked values.

mod common;

use codec::{
    BodyFraming, Date, Decoded, Decoder, Expected, FieldSection, Host, Limits, Persistence, Piece, Refusal,
    RequestHead, ResponseHead, ResponseTo, Version, WrongBodyLength, forward,
};
use common::{receive, request_head, response_head};
use std::time::UNIX_EPOCH;

const LIMITS: &Limits = &Limits::DEFAULT;
const EXPECTED: Expected = Expected { response_to: ResponseTo::Other, upgrade: false };
const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";

/// A decoder with these bytes, at the end of the connection.
fn ended(bytes: &[u8]) -> Decoder {
    let mut decoder = Decoder::new();
    receive(&mut decoder, bytes, LIMITS);
    decoder.filled(0);
    decoder
}

#[test]
fn end_of_file_within_a_head_is_an_error_and_between_messages_is_not() {
    // RFC 9112 section 8
    for end in 1..POST.len() {
        assert_eq!(
            ended(&POST[..end]).decode_request(LIMITS),
            Err(Refusal::IncompleteHead),
            "after {end} bytes"
        );
    }
    for nothing in [&b""[..], b"\r\n", b"\r"] {
        assert_eq!(ended(nothing).decode_request(LIMITS), Ok(None), "{nothing:?}");
    }
    for part in [&b"HTTP/1.1 200 OK\r\n"[..], b"H"] {
        assert_eq!(ended(part).decode_response(EXPECTED, LIMITS), Err(Refusal::IncompleteHead), "{part:?}");
    }
    assert_eq!(ended(b"").decode_response(EXPECTED, LIMITS), Ok(None));
}

#[test]
fn end_of_file_after_an_interim_response_is_an_error() {
    // RFC 9110 section 15.2: a final response follows.
    let mut decoder = ended(b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(decoder.decode_response(EXPECTED, LIMITS).unwrap().unwrap().status(), 100);
    assert_eq!(decoder.decode_response(EXPECTED, LIMITS), Err(Refusal::IncompleteHead));
}

#[test]
fn end_of_file_within_a_body_is_an_error_after_the_last_piece() {
    // RFC 9112 section 8
    let chunked = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (message, body) in [
        ([POST, b""].concat(), &b""[..]),
        ([POST, b"he"].concat(), b"he"),
        ([&chunked[..], b"5\r\nhe"].concat(), b"he"),
        ([&chunked[..], b"5\r\nhello\r\n0\r\nX: "].concat(), b"hello"),
    ] {
        let mut decoder = ended(&message);
        decoder.decode_request(LIMITS).unwrap().unwrap();
        assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::Piece), "the first call gives what came");
        assert_eq!((decoder.piece().bytes(), decoder.piece().is_last()), (body, false));
        for _ in 0..2 {
            assert_eq!(decoder.decode_piece(LIMITS), Err(Refusal::IncompleteBody));
        }
        assert_eq!(decoder.decode_request(LIMITS), Err(Refusal::IncompleteBody));
    }
}

#[test]
fn end_of_file_ends_a_close_delimited_body() {
    // RFC 9112 section 6.3, rule 8
    let mut decoder = ended(b"HTTP/1.1 200 OK\r\n\r\nhello");
    decoder.decode_response(EXPECTED, LIMITS).unwrap().unwrap();
    assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::Piece));
    assert_eq!((decoder.piece().bytes(), decoder.piece().is_last()), (&b"hello"[..], true));
    assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::End));
}

#[test]
fn decoding_a_head_before_the_end_of_the_body_is_an_error_and_can_be_retried() {
    let mut decoder = Decoder::new();
    receive(&mut decoder, &[POST, b"hello", POST].concat(), LIMITS);
    decoder.decode_request(LIMITS).unwrap().unwrap();
    assert_eq!(decoder.decode_request(LIMITS), Err(Refusal::UnreadBody));
    assert_eq!(decoder.decode_response(EXPECTED, LIMITS), Err(Refusal::UnreadBody));
    assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::Piece));
    assert_eq!((decoder.piece().bytes(), decoder.piece().is_last()), (&b"hello"[..], true));
    assert!(decoder.decode_request(LIMITS).unwrap().is_some());
}

#[test]
fn there_is_no_body_before_a_head() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::End));
    receive(&mut decoder, POST, LIMITS);
    assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::End));
    assert!(decoder.decode_request(LIMITS).unwrap().is_some());
}

#[test]
fn more_bytes_than_there_was_space_for_are_refused() {
    let mut decoder = Decoder::new();
    let length = decoder.space(LIMITS).len();
    let filled = std::panic::catch_unwind(move || decoder.filled(length + 1));
    assert!(filled.is_err());
}

#[test]
fn a_released_decoder_has_no_piece() {
    let mut decoder = Decoder::new();
    receive(&mut decoder, &[POST, b"hello"].concat(), LIMITS);
    decoder.decode_request(LIMITS).unwrap().unwrap();
    assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::Piece));
    decoder.release();
    assert_eq!(decoder.piece().bytes(), b"");
}

#[test]
fn a_status_outside_100_to_599_is_refused() {
    // RFC 9110 section 15
    for status in [0, 99, 600, 1000] {
        assert_eq!(
            ResponseHead::try_new(status, BodyFraming::Empty),
            Err(Refusal::InvalidStatus),
            "{status}"
        );
        assert!(
            std::panic::catch_unwind(|| ResponseHead::new(status, BodyFraming::Empty)).is_err(),
            "{status}"
        );
    }
    for status in [100, 599] {
        assert_eq!(ResponseHead::try_new(status, BodyFraming::Empty).unwrap().status(), status);
    }
}

#[test]
fn a_field_that_would_break_the_head_is_refused() {
    // RFC 9110 sections 5.1 and 5.5
    let mut fields = FieldSection::new();
    for name in ["", "a b", "a:", "a\r\nb", "ä"] {
        assert_eq!(fields.try_append(name, "value"), Err(Refusal::InvalidFieldName), "{name:?}");
    }
    for value in ["a\r\nb: c", "a\nb", "\0"] {
        assert_eq!(fields.try_append("X-Name", value), Err(Refusal::InvalidFieldValue), "{value:?}");
    }
    assert!(fields.is_empty());
    let name = String::from("X-Name");
    fields.try_append(&name, "a\tb").unwrap();
    assert_eq!(fields.get("x-name"), Some(&b"a\tb"[..]));
    for name in ["", "a\r\nb"] {
        let appended = std::panic::catch_unwind(|| FieldSection::new().append(name, "value"));
        assert!(appended.is_err(), "{name:?}");
    }
}

#[test]
fn a_host_that_would_break_the_head_is_refused() {
    // RFC 9110 section 7.2
    for text in ["", "h\r\nX: y", "a b", "h:70000"] {
        assert_eq!(Host::new(text), Err(Refusal::InvalidHost), "{text:?}");
    }
    assert_eq!(Host::new("[::1]:80").unwrap().to_string(), "[::1]:80");
}

#[test]
fn a_request_to_send_cannot_be_close_delimited() {
    // RFC 9112 section 6.3, rule 7
    let head = RequestHead::new("POST", "/", "h", BodyFraming::CloseDelimited);
    assert_eq!(head, Err(Refusal::CloseDelimitedRequest));
}

#[test]
fn a_line_end_in_the_via_name_becomes_spaces() {
    let mut head = response_head("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    forward::response(&mut head, "proxy\r\nX-Injected: 1");
    assert_eq!(head.fields.get("Via"), Some(&b"1.1 proxy  X-Injected: 1"[..]));
}

#[test]
fn a_date_is_formatted_as_imf_fixdate() {
    // RFC 9110 section 5.6.7
    assert_eq!(Date::at(UNIX_EPOCH).unwrap().to_string(), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(format!("{:?}", common::date()), format!("Some({:?})", common::DATE));
    assert!(Date::now().is_some());
}

#[test]
fn persistence_is_public_for_requests_and_responses() {
    // RFC 9112 section 9.3
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", Persistence::KeepAlive),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", Persistence::Close),
        ("GET / HTTP/1.0\r\n\r\n", Persistence::Close),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", Persistence::KeepAlive),
    ] {
        assert_eq!(request_head(request).persistence(), expected, "{request:?}");
    }
    let response = response_head("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(response.persistence(ResponseTo::Other), Persistence::KeepAlive);
}

#[test]
fn a_request_says_how_its_response_is_read_and_written() {
    let head = |start: &str, fields: &str| request_head(format!("{start}\r\nHost: h\r\n{fields}\r\n"));
    let upgrade = head("HEAD / HTTP/1.1", "Connection: upgrade\r\nUpgrade: x\r\n");
    assert_eq!(upgrade.expected(), Expected { response_to: ResponseTo::Head, upgrade: true });
    assert_eq!(head("GET / HTTP/1.1", "").expected(), EXPECTED);
    let answering = head("GET / HTTP/1.0", "").answering();
    assert_eq!((answering.response_to, answering.version), (ResponseTo::Other, Version::HTTP_1_0));
    assert_eq!(answering.persistence, Persistence::Close);
    // RFC 9110 section 10.1.1: not in HTTP/1.0, and not without a body.
    let expect = "Expect: 100-continue\r\nContent-Length: 5\r\n";
    assert!(head("POST / HTTP/1.1", expect).awaits_continue());
    assert!(!head("POST / HTTP/1.0", expect).awaits_continue());
    assert!(!head("POST / HTTP/1.1", "Expect: 100-continue\r\n").awaits_continue());
    assert!(!head("POST / HTTP/1.1", "Content-Length: 5\r\n").awaits_continue());
}

#[test]
fn heads_with_equal_content_are_equal() {
    // RFC 9110 section 5.1: names are compared without case.
    let head = || request_head("GET /a HTTP/1.1\r\nHost: h\r\nX-Name: 1\r\n\r\n");
    assert_eq!(head(), request_head("GET /a HTTP/1.1\r\nhost: h\r\nx-name: 1\r\n\r\n"));
    for other in [
        "GET /b HTTP/1.1\r\nHost: h\r\nX-Name: 1\r\n\r\n",
        "PUT /a HTTP/1.1\r\nHost: h\r\nX-Name: 1\r\n\r\n",
        "GET /a HTTP/1.0\r\nHost: h\r\nX-Name: 1\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nX-Name: 2\r\n\r\n",
        "GET /a HTTP/1.1\r\nX-Name: 1\r\nHost: h\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nX-Name: 1\r\nX-Name: 1\r\n\r\n",
    ] {
        assert_ne!(head(), request_head(other), "{other:?}");
    }
    let response = |reason| response_head(format!("HTTP/1.1 200 {reason}\r\nContent-Length: 0\r\n\r\n"));
    assert_eq!(response("OK"), response("OK"));
    assert_ne!(response("OK"), response("Fine"));
}

#[test]
fn debug_and_display_show_text() {
    let head = request_head("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(
        format!("{head:?}"),
        r#"RequestHead { method: "GET", target: "/a", version: HTTP/1.1, framing: Empty, fields: {"Host": "h"}, .. }"#
    );
    let head = ResponseHead::new(204, BodyFraming::Empty).with("X-Name", "1");
    assert_eq!(
        format!("{head:?}"),
        r#"ResponseHead { version: HTTP/1.1, status: 204, reason: "No Content", framing: Empty, fields: {"X-Name": "1"}, .. }"#
    );
    assert_eq!(Version::HTTP_1_0.to_string(), "HTTP/1.0");
    let piece = format!("{:?}", Piece::last(b"a\r\n"));
    assert_eq!(piece, r#"Piece { bytes: "a\r\n", promised: None, is_last: true, trailers: None }"#);
    let mut decoder = Decoder::new();
    receive(&mut decoder, b"GET", LIMITS);
    assert!(format!("{decoder:?}").contains(r#"ReadBuffer("GET")"#), "{decoder:?}");
    assert!(WrongBodyLength.to_string().contains("length"));
}

#[test]
fn fields_can_be_iterated_from_both_ends() {
    let head = request_head("GET / HTTP/1.1\r\nHost: h\r\nX-Name: 1\r\n\r\n");
    let mut names = Vec::new();
    for (name, _) in &head.fields {
        names.push(String::from_utf8_lossy(name).into_owned());
    }
    assert_eq!(names, ["Host", "X-Name"]);
    assert_eq!(
        (head.fields.iter().len(), head.fields.iter().next_back()),
        (2, Some((&b"X-Name"[..], &b"1"[..])))
    );
}
