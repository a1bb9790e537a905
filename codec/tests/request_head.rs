//! Fields and Host of a request: what is accepted, and what is refused with which rule.

mod common;

use codec::{BareLineFeed, Limits, Refusal};
use common::{all_requests, is_incomplete, refuses, request, request_head, request_within};

/// A valid request with `lines` (each with its CRLF) after Host.
fn with_fields(lines: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: example.org\r\n{lines}\r\n")
}

fn with_host(value: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: {value}\r\n\r\n")
}

#[test]
fn a_request_keeps_the_order_and_the_spelling_of_its_fields() {
    // RFC 9110 section 5.3: the order of field lines of one name is significant.
    let message = request(with_fields("aCCept: a\r\nX-A:  spaced \t\r\nAccept: b\r\nEmpty:\r\n")).unwrap();
    let expected =
        [("Host", "example.org"), ("aCCept", "a"), ("X-A", "spaced"), ("Accept", "b"), ("Empty", "")];
    let expected: Vec<_> = expected.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
    assert_eq!(message.fields, expected);
    assert_eq!(message.start, "GET / HTTP/1.1");
}

#[test]
fn a_field_value_may_hold_bytes_over_127_and_tabs() {
    // RFC 9110 section 5.5: obs-text and HTAB within a value.
    let mut input = b"GET / HTTP/1.1\r\nHost: h\r\nX: a\tb\xff\x80c\r\n\r\n".to_vec();
    let head = request_head(&input);
    assert_eq!(head.fields.get("x"), Some(&b"a\tb\xff\x80c"[..]));
    input.truncate(input.len() - 2);
    assert!(is_incomplete(&input));
}

#[test]
fn one_empty_line_before_the_request_line_is_skipped_and_more_are_refused() {
    // RFC 9112 section 2.2: at least one CRLF before the request line SHOULD be ignored.
    assert!(request(format!("\r\n{}", with_fields(""))).is_ok());
    refuses(format!("\r\n\r\n{}", with_fields("")), Refusal::EmptyLines, 400);
    refuses(format!("\n{}", with_fields("")), Refusal::BareLineFeed, 400);
}

#[test]
fn a_bare_line_feed_is_refused_unless_the_limits_accept_it() {
    // RFC 9112 section 2.2: a recipient MAY take LF alone as a line end.
    for input in [
        "GET / HTTP/1.1\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\n",
    ] {
        refuses(input, Refusal::BareLineFeed, 400);
    }
    let lenient = Limits { bare_line_feed: BareLineFeed::Accept, ..Limits::DEFAULT };
    let message = request_within("GET / HTTP/1.1\nHost: h\nA: b\n\n", &lenient).unwrap();
    assert_eq!(message.field("a"), Some("b"));
}

#[test]
fn white_space_before_a_colon_is_refused() {
    // RFC 9112 section 5.1: a server MUST reject it with 400.
    refuses(with_fields("A : b\r\n"), Refusal::WhitespaceBeforeColon, 400);
    refuses(with_fields("A\t: b\r\n"), Refusal::WhitespaceBeforeColon, 400);
    refuses("GET / HTTP/1.1\r\nHost : h\r\n\r\n", Refusal::WhitespaceBeforeColon, 400);
}

#[test]
fn obsolete_line_folding_is_refused() {
    // RFC 9112 section 5.2: a server MUST reject it or replace it by spaces.
    refuses(with_fields("A: b\r\n c\r\n"), Refusal::ObsoleteLineFolding, 400);
    refuses(with_fields("A: b\r\n\tc\r\n"), Refusal::ObsoleteLineFolding, 400);
}

#[test]
fn white_space_before_the_first_field_line_is_refused() {
    // RFC 9112 section 2.2: reject, or ignore such lines; ignoring them hides a field.
    refuses("GET / HTTP/1.1\r\n Host: h\r\nHost: g\r\n\r\n", Refusal::WhitespaceBeforeFirstField, 400);
}

#[test]
fn control_characters_in_a_field_value_are_refused() {
    // RFC 9110 section 5.5: CR, LF and NUL are dangerous, other control characters invalid.
    for byte in (0..0x20u8).filter(|byte| !matches!(byte, b'\t' | b'\r' | b'\n')).chain([0x7f]) {
        refuses(with_fields(&format!("A: b{}c\r\n", byte as char)), Refusal::InvalidFieldValue, 400);
    }
}

#[test]
fn nul_in_a_field_value_is_refused() {
    // RFC 9110 section 5.5
    refuses(with_fields("A: b\0c\r\n"), Refusal::InvalidFieldValue, 400);
}

#[test]
fn a_bare_carriage_return_in_a_field_value_is_refused() {
    // RFC 9112 section 2.2: a bare CR within is invalid, or replaced by a space.
    refuses(with_fields("A: b\rc\r\n"), Refusal::InvalidFieldValue, 400);
    refuses(with_fields("A: b\r\r\n"), Refusal::InvalidFieldValue, 400);
}

#[test]
fn a_field_name_that_is_not_a_token_is_refused() {
    // RFC 9112 section 5: field-line = field-name ":" ...; RFC 9110 section 5.1: a name is a token.
    for line in [": b", "A(: b", "A b: c", "A\u{e9}: b", "novalue", "A\0: b"] {
        refuses(with_fields(&format!("{line}\r\n")), Refusal::InvalidFieldName, 400);
    }
}

#[test]
fn an_http_1_1_request_without_host_is_refused() {
    // RFC 9112 section 3.2
    refuses("GET / HTTP/1.1\r\n\r\n", Refusal::MissingHost, 400);
    assert!(request("GET / HTTP/1.0\r\n\r\n").is_ok());
}

#[test]
fn two_hosts_are_refused() {
    // RFC 9112 section 3.2
    refuses("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Refusal::SeveralHosts, 400);
    refuses("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", Refusal::SeveralHosts, 400);
}

#[test]
fn an_invalid_host_is_refused() {
    // RFC 9112 section 3.2: 400 for an invalid field value.
    for host in [
        "",
        "a b",
        "user@h",
        "h/path",
        "a,b",
        "h:x",
        "h:80:80",
        "h:65536",
        "[::1",
        "::1",
        "[::1]x",
        "[fe80::1%25eth0]",
        "a\\b",
        "%zz",
        "http://h",
        "[v1.a]",
        "h?",
        "h#",
        "\u{e9}",
        ":80",
    ] {
        refuses(with_host(host), Refusal::InvalidHost, 400);
    }
    for host in ["h", "h:", "h:80", "127.0.0.1:8080", "[::1]", "[::1]:80", "a-b.c_d~e", "%41", "h:00080"] {
        assert!(request(with_host(host)).is_ok(), "{host}");
    }
}

#[test]
fn a_head_over_32_kib_is_431() {
    // RFC 6585 section 5
    let head = |length: usize| {
        let start = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
        format!("{start}{}\r\n\r\n", "a".repeat(length - start.len() - 4))
    };
    assert!(request(head(32 * 1024)).is_ok());
    refuses(head(32 * 1024 + 1), Refusal::HeadTooLarge, 431);
    let endless = format!("GET / HTTP/1.1\r\nHost: h\r\nA: {}", "a".repeat(40_000));
    refuses(endless, Refusal::HeadTooLarge, 431);
}

#[test]
fn more_than_100_fields_are_431() {
    // RFC 6585 section 5
    assert_eq!(request(with_fields(&"A: b\r\n".repeat(99))).unwrap().fields.len(), 100);
    refuses(with_fields(&"A: b\r\n".repeat(100)), Refusal::TooManyFields, 431);
    refuses(format!("GET / HTTP/1.1\r\nHost: h\r\n{}", "A: b\r\n".repeat(100)), Refusal::TooManyFields, 431);
}

#[test]
fn more_than_32_connection_options_are_refused() {
    // RFC 9110 section 7.6.1 sets no bound. Without one, each option would be compared with each field.
    let options = |count: usize| with_fields(&format!("Connection: {}\r\n", vec!["a"; count].join(",")));
    assert!(request(options(32)).is_ok());
    refuses(options(33), Refusal::TooManyConnectionOptions, 400);
}

#[test]
fn pipelined_requests_are_decoded_in_order() {
    // RFC 9112 section 9.3.2
    let input = "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: h\r\n\r\n\
                 POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    let stream = all_requests(input);
    let found: Vec<_> = stream.messages.iter().map(|m| (m.start.as_str(), &m.body[..])).collect();
    let expected: [(&str, &[u8]); 3] =
        [("POST /1 HTTP/1.1", b"abc"), ("GET /2 HTTP/1.1", b""), ("POST /3 HTTP/1.1", b"x")];
    assert_eq!(found, expected);
}
