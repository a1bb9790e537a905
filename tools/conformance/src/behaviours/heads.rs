//! Request heads: what is refused, what is not, and where the limits lie.

use crate::behaviours::setup::{GET, Setup};
use crate::{Behaviour, Subject};

pub(crate) const LIST: &[Behaviour] = behaviours![
    a_line_that_does_not_end_with_cr_lf_is_refused,
    one_empty_line_before_a_request_is_skipped_and_two_are_refused,
    a_field_line_that_breaks_a_rule_is_refused,
    a_request_needs_exactly_one_valid_host,
    a_valid_host_is_passed_on_as_it_came,
    a_target_that_has_none_of_the_four_forms_is_refused,
    a_request_line_that_is_none_is_refused,
    what_cannot_become_http_is_refused_before_the_line_ends,
    a_method_of_64_bytes_is_passed_on_and_one_more_is_refused,
    a_version_that_is_none_is_refused_and_another_major_one_is_answered_505,
    a_higher_minor_version_is_handled_as_http_1_1,
    a_target_of_8000_bytes_is_passed_on_and_one_more_is_answered_414,
    a_head_over_32_kib_is_answered_431,
    a_hundred_fields_are_passed_on_and_one_more_is_answered_431,
    a_request_that_ends_within_its_head_is_answered_400,
];

fn a_line_that_does_not_end_with_cr_lf_is_refused(subject: &Subject) {
    // RFC 9112 section 2.2: a recipient MAY take LF alone; two that disagree can be played off.
    let setup = Setup::hello(subject);
    for request in [
        "GET / HTTP/1.1\nHost: example.test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: example.test\n\r\n",
        "GET / HTTP/1.1\r\nHost: example.test\r\n\n",
        "GET / HTTP/1.1\nHost: example.test\n\n",
        "\nGET / HTTP/1.1\r\nHost: example.test\r\n\r\n",
    ] {
        setup.refuses(request, 400, "RFC 9112 section 2.2");
    }
}

fn one_empty_line_before_a_request_is_skipped_and_two_are_refused(subject: &Subject) {
    // RFC 9112 section 2.2: "at least one empty line" SHOULD be ignored.
    let setup = Setup::hello(subject);
    setup.refuses(format!("\r\n\r\n{GET}"), 400, "RFC 9112 section 2.2");
    assert_eq!(setup.forward(format!("\r\n{GET}")).head.start_line, "GET / HTTP/1.1");
}

fn a_field_line_that_breaks_a_rule_is_refused(subject: &Subject) {
    let setup = Setup::hello(subject);
    for (field, section) in [
        // RFC 9112 section 5.1: no white space between name and colon.
        ("A : b", "RFC 9112 section 5.1"),
        ("A\t: b", "RFC 9112 section 5.1"),
        ("Content-Length : 5", "RFC 9112 section 5.1"),
        // RFC 9112 section 5.2: a server must refuse obs-fold, or replace it.
        ("A: b\r\n c", "RFC 9112 section 5.2"),
        ("A: b\r\n\tc", "RFC 9112 section 5.2"),
        // RFC 9110 section 5.5: CR, LF and NUL are dangerous.
        ("A: b\0c", "RFC 9110 section 5.5"),
        ("A: b\rc", "RFC 9110 section 5.5"),
        ("A: b\u{7f}c", "RFC 9110 section 5.5"),
        ("A: b\u{1}c", "RFC 9110 section 5.5"),
        // RFC 9110 section 5.1: a name is a token.
        (": b", "RFC 9112 section 5"),
        ("A", "RFC 9112 section 5"),
        ("A B: c", "RFC 9112 section 5"),
        ("A(B): c", "RFC 9112 section 5"),
        ("A\u{e4}: c", "RFC 9112 section 5"),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: example.test\r\n{field}\r\n\r\n");
        setup.refuses(request, 400, section);
    }
    // RFC 9112 section 2.2: white space before the first field line.
    setup.refuses("GET / HTTP/1.1\r\n Host: example.test\r\n\r\n", 400, "RFC 9112 section 2.2");
}

fn a_request_needs_exactly_one_valid_host(subject: &Subject) {
    // RFC 9112 section 3.2: 400 for none, for more than one, and for an invalid one.
    let setup = Setup::hello(subject);
    setup.refuses("GET / HTTP/1.1\r\n\r\n", 400, "RFC 9112 section 3.2");
    setup.refuses("GET http://a.test/ HTTP/1.1\r\n\r\n", 400, "RFC 9112 section 3.2");
    setup.refuses("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "RFC 9112 section 3.2");
    for host in [
        "", "user@a", "a/b", "a,b", "a b", "a:x", "a:65536", "a:-1", "[::1", "[x]", "::1", "a\\b", "a?b",
        "a#b", "%zz", "a:80:80", "http://a", ":80",
    ] {
        setup.refuses(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400, "RFC 9112 section 3.2");
    }
    setup.refuses("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "RFC 9112 section 3.2");
    setup.refuses("GET / HTTP/1.0\r\nHost: a/b\r\n\r\n", 400, "RFC 9112 section 3.2");
}

fn a_valid_host_is_passed_on_as_it_came(subject: &Subject) {
    // RFC 9110 section 7.2: uri-host [ ":" port ].
    for host in ["a", "Example.TEST:8080", "127.0.0.1:", "[::1]:80", "a_b.c-d%20e", "a:0"] {
        let setup = Setup::hello(subject);
        let received = setup.forward(format!("GET / HTTP/1.1\r\nhOST:  {host} \r\n\r\n"));
        assert_eq!(received.head.all("host"), [host]);
    }
}

fn a_target_that_has_none_of_the_four_forms_is_refused(subject: &Subject) {
    // RFC 9112 section 3.2: origin-form, absolute-form, authority-form (CONNECT), asterisk-form (OPTIONS).
    let setup = Setup::hello(subject);
    let targets: [&[u8]; 14] = [
        b"*",
        b"a",
        b"a.test:80",
        b"ftp://a.test/",
        b"https://a.test/",
        b"http://",
        b"http:///a",
        b"http://u@a.test/",
        b"/a#b",
        b"/\x80",
        b"/a\x7f",
        b"/a b",
        b"/a\tb",
        b"/\0",
    ];
    for target in targets {
        let request = [b"GET ", target, b" HTTP/1.1\r\nHost: example.test\r\n\r\n"].concat();
        setup.refuses(request, 400, "RFC 9112 section 3.2");
    }
    setup.refuses("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 section 3.2");
    setup.refuses("CONNECT a.test HTTP/1.1\r\nHost: a\r\n\r\n", 400, "RFC 9112 section 3.2");
}

fn a_request_line_that_is_none_is_refused(subject: &Subject) {
    // RFC 9112 section 3: method SP target SP version; section 3.1: the method is a token.
    let setup = Setup::hello(subject);
    for line in [
        "GET",
        "GET /",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/\tHTTP/1.1",
        "G(T / HTTP/1.1",
        "G\u{e4}T / HTTP/1.1",
        "GET /\u{b}HTTP/1.1",
        "\u{16}\u{3}\u{1}\u{2}",
    ] {
        setup.refuses(format!("{line}\r\nHost: example.test\r\n\r\n"), 400, "RFC 9112 section ");
    }
}

fn what_cannot_become_http_is_refused_before_the_line_ends(subject: &Subject) {
    // RFC 9112 section 3.1: the first byte of a TLS handshake is not a token.
    let setup = Setup::hello(subject);
    setup.refuses(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "RFC 9112 section 3.1");
}

fn a_method_of_64_bytes_is_passed_on_and_one_more_is_refused(subject: &Subject) {
    // RFC 9110 section 9.1: a method is a token, case-sensitive, of any length; 64 bytes are enough.
    let setup = Setup::hello(subject);
    let request = |length| format!("{} / HTTP/1.1\r\nHost: example.test\r\n\r\n", "m".repeat(length));
    setup.refuses(request(65), 400, "RFC 9112 section 3.1");
    assert_eq!(setup.forward(request(64)).head.start_line, format!("{} / HTTP/1.1", "m".repeat(64)));
}

fn a_version_that_is_none_is_refused_and_another_major_one_is_answered_505(subject: &Subject) {
    // RFC 9112 section 2.3: `HTTP/` digit `.` digit. RFC 9110 section 15.6.6: 505 for another major version.
    let setup = Setup::hello(subject);
    let request = |version| format!("GET / {version}\r\nHost: example.test\r\n\r\n");
    for version in
        ["HTTP/1", "HTTP/01.1", "http/1.1", "HTTP/1.1x", "HTTP/1,1", "HTTP/1.", "HTTP/.1", "HTTP/1.10"]
    {
        setup.refuses(request(version), 400, "RFC 9112 section 2.3");
    }
    for version in ["HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9"] {
        setup.refuses(request(version), 505, "RFC 9110 section 15.6.6");
    }
    setup.refuses("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "RFC 9110 section 15.6.6");
}

fn a_higher_minor_version_is_handled_as_http_1_1(subject: &Subject) {
    // RFC 9110 section 2.5: as the highest minor version that is known.
    let setup = Setup::hello(subject);
    let received = setup.forward("GET / HTTP/1.7\r\nHost: example.test\r\n\r\n");
    assert_eq!(received.head.start_line, "GET / HTTP/1.1");
}

fn a_target_of_8000_bytes_is_passed_on_and_one_more_is_answered_414(subject: &Subject) {
    // RFC 9112 section 3: at least 8000 should be supported, 414 for what is too long.
    let setup = Setup::hello(subject);
    let request =
        |length: usize| format!("GET /{} HTTP/1.1\r\nHost: example.test\r\n\r\n", "a".repeat(length - 1));
    setup.refuses(request(8001), 414, "RFC 9112 section 3");
    // An endless one is not waited for, nor is it a field section that is too large.
    setup.refuses(format!("GET /{}", "a".repeat(60_000)), 414, "RFC 9112 section 3");
    setup.refuses(request(60_000), 414, "RFC 9112 section 3");
    assert_eq!(setup.forward(request(8000)).head.start_line.len(), "GET  HTTP/1.1".len() + 8000);
}

fn a_head_over_32_kib_is_answered_431(subject: &Subject) {
    // RFC 6585 section 5: 431 for a field section that is too large.
    const LIMIT: usize = 32 * 1024;
    let setup = Setup::hello(subject);
    let request = |total: usize| {
        let rest = total - GET.len() - "A: \r\n".len();
        format!("{}A: {}\r\n\r\n", &GET[..GET.len() - 2], "a".repeat(rest))
    };
    assert_eq!(request(LIMIT).len(), LIMIT);
    setup.refuses(request(LIMIT + 1), 431, "RFC 6585 section 5");
    setup.refuses(request(200_000), 431, "RFC 6585 section 5");
    // One that never ends is not waited for.
    setup.refuses(&request(100_000)[..90_000], 431, "RFC 6585 section 5");
    assert_eq!(setup.forward(request(LIMIT)).head.field("a").map(str::len), Some(LIMIT - GET.len() - 5));
}

fn a_hundred_fields_are_passed_on_and_one_more_is_answered_431(subject: &Subject) {
    // RFC 6585 section 5: or if a number of fields is too large.
    let setup = Setup::hello(subject);
    let request = |fields: usize| {
        let fields: String = (1..fields).map(|number| format!("A{number}: b\r\n")).collect();
        format!("GET / HTTP/1.1\r\nHost: example.test\r\n{fields}\r\n")
    };
    setup.refuses(request(101), 431, "RFC 6585 section 5");
    let received = setup.forward(request(100));
    assert_eq!(received.head.field("a99"), Some("b"));
}

fn a_request_that_ends_within_its_head_is_answered_400(subject: &Subject) {
    // RFC 9112 section 8: an incomplete request may be answered with an error before the connection is closed.
    let setup = Setup::hello(subject);
    let mut client = setup.client();
    client.send("GET / HTTP/1.1\r\nHost: exam").unwrap();
    client.half_close().unwrap();
    assert_eq!(client.read_response("GET").unwrap().status, 400);
    assert_eq!(setup.backend.accepted(), 0);
}
