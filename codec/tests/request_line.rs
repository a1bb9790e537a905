//! Request lines: what is accepted, and what is refused with which rule.

#![allow(clippy::unwrap_used)] // A test may fail.

mod common;

use codec::{Refusal, Version};
use common::{refuses, request, request_head};

/// A request whose request line is `line`.
fn with_line(line: &str) -> String {
    format!("{line}\r\nHost: example.org\r\n\r\n")
}

#[test]
fn a_method_is_a_token_of_at_most_64_bytes() {
    // RFC 9112 section 3.1
    assert!(request(with_line(&format!("{} / HTTP/1.1", "M".repeat(64)))).is_ok());
    refuses(with_line(&format!("{} / HTTP/1.1", "M".repeat(65))), Refusal::MethodTooLong, 400);
    refuses(with_line("G(T / HTTP/1.1"), Refusal::InvalidMethod, 400);
    refuses(with_line(" / HTTP/1.1"), Refusal::InvalidMethod, 400);
}

#[test]
fn bytes_that_are_not_http_are_refused_before_a_line_is_complete() {
    // RFC 9112 section 3: a TLS handshake is not a request line. Otherwise the proxy would wait for a line end until
    // the timeout.
    refuses(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Refusal::InvalidMethod, 400);
    refuses("M".repeat(65), Refusal::MethodTooLong, 400);
    refuses(format!("GET /{}", "a".repeat(9000)), Refusal::TargetTooLong, 414);
    refuses("GET /\r\n", Refusal::InvalidRequestLine, 400);
    refuses("GET / HTTP/1\r\n", Refusal::InvalidVersion, 400);
    refuses("PRI * HTTP/2.0\r\n", Refusal::UnsupportedVersion, 505);
    refuses("\x16\x03\x01\x02\r\n", Refusal::InvalidMethod, 400);
}

#[test]
fn the_parts_of_a_request_line_are_separated_by_single_spaces() {
    // RFC 9112 section 3: lenient splitting allows request smuggling.
    refuses(with_line("GET"), Refusal::InvalidRequestLine, 400);
    refuses(with_line("GET /"), Refusal::InvalidRequestLine, 400);
    refuses(with_line("GET  / HTTP/1.1"), Refusal::InvalidTarget, 400);
    refuses(with_line("GET /  HTTP/1.1"), Refusal::InvalidTarget, 400);
    refuses(with_line("GET / HTTP/1.1 "), Refusal::InvalidVersion, 400);
    refuses(with_line("GET\t/\tHTTP/1.1"), Refusal::InvalidMethod, 400);
    refuses(with_line("GET /a b HTTP/1.1"), Refusal::InvalidTarget, 400);
}

#[test]
fn a_target_holds_visible_ascii_only() {
    // RFC 9112 section 3.2: httparse alone accepts 0x80 and above.
    for byte in (0x01..=0x1fu8).filter(|byte| *byte != b'\n').chain([0x7f]) {
        refuses(with_line(&format!("GET /a{}b HTTP/1.1", byte as char)), Refusal::InvalidTarget, 400);
    }
    refuses(b"GET /\x80 HTTP/1.1\r\nHost: h\r\n\r\n", Refusal::InvalidTarget, 400);
    refuses(b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", Refusal::InvalidTarget, 400);
    refuses(with_line("GET /a#b HTTP/1.1"), Refusal::InvalidTarget, 400);
}

#[test]
fn a_target_has_one_of_the_four_forms() {
    // RFC 9112 section 3.2: origin, absolute, authority (CONNECT) and asterisk (OPTIONS).
    for line in [
        "GET /a?b HTTP/1.1",
        "GET http://h/a HTTP/1.1",
        "GET HTTP://h HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "CONNECT h:443 HTTP/1.1",
        "GET http://[::1]:80/ HTTP/1.1",
    ] {
        assert!(request(with_line(line)).is_ok(), "{line}");
    }
    for line in [
        "GET * HTTP/1.1",
        "GET a HTTP/1.1",
        "GET h:80 HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "CONNECT h HTTP/1.1",
        "CONNECT h: HTTP/1.1",
        "CONNECT http://h:80 HTTP/1.1",
        "GET https://h/ HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET http:///a HTTP/1.1",
        "GET http://u@h/ HTTP/1.1",
        "OPTIONS ** HTTP/1.1",
        "GET ?a HTTP/1.1",
        "GET http://h:99999/ HTTP/1.1",
        "GET http://a,b/ HTTP/1.1",
    ] {
        refuses(with_line(line), Refusal::InvalidTarget, 400);
    }
}

#[test]
fn the_path_of_a_target_is_known_in_every_form() {
    // RFC 9112 section 3.2
    for (target, path) in [
        ("/a/b?c", "/a/b"),
        ("/", "/"),
        ("http://h", "/"),
        ("http://h?x", "/"),
        ("http://h/y?x", "/y"),
        ("*", "*"),
    ] {
        let head = request_head(with_line(&format!("OPTIONS {target} HTTP/1.1")));
        assert_eq!(head.path(), path, "{target}");
    }
}

#[test]
fn a_target_over_8000_bytes_is_414() {
    // RFC 9112 section 3: at least 8000 bytes should be supported.
    let target = |length: usize| with_line(&format!("GET /{} HTTP/1.1", "a".repeat(length - 1)));
    assert!(request(target(8000)).is_ok());
    refuses(target(8001), Refusal::TargetTooLong, 414);
    refuses(target(40_000), Refusal::TargetTooLong, 414);
}

#[test]
fn versions_other_than_1_x_are_505_and_higher_minor_versions_are_1_1() {
    // RFC 9110 section 15.6.6 and section 2.5
    for version in ["HTTP/2.0", "HTTP/0.9", "HTTP/3.0"] {
        refuses(with_line(&format!("GET / {version}")), Refusal::UnsupportedVersion, 505);
    }
    for version in ["HTTP/1.2", "HTTP/1.9"] {
        let head = request_head(with_line(&format!("GET / {version}")));
        assert!(head.version() >= Version::HTTP_1_1);
    }
    assert_eq!(request(with_line("GET / HTTP/1.0")).unwrap().start, "GET / HTTP/1.0");
}

#[test]
fn a_version_is_eight_bytes_in_upper_case() {
    // RFC 9112 section 2.3
    for version in
        ["HTTP/1", "HTTP/01.1", "http/1.1", "HTTP/1.10", "HTTP/1.", "HTP/1.1", "HTTP/11", "HTTP/a.1", ""]
    {
        refuses(with_line(&format!("GET / {version}")), Refusal::InvalidVersion, 400);
    }
}
