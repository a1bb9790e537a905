//! The four forms of request targets (RFC 9112 section 3.2), and their length.

use crate::case::{Case, Check, forwarded, refused};

/// A request for this target.
macro_rules! target {
    ($target:literal) => {
        target!("GET", $target)
    };
    ($method:literal, $target:literal) => {
        concat!($method, " ", $target, " HTTP/1.1\r\nHost: example.test\r\n\r\n")
    };
}

pub(crate) const CASES: &[Case] = &[
    forwarded(
        "path-and-query-are-forwarded-unchanged",
        "RFC 9110 section 7.7",
        target!("/a//b/../c/%2e?d=%20&e=/?f"),
        &[Check::StartLine("GET /a//b/../c/%2e?d=%20&e=/?f HTTP/1.1")],
    ),
    forwarded(
        "a-target-of-two-slashes-is-forwarded-unchanged",
        "RFC 9110 section 7.7",
        target!("//a.test/b"),
        &[Check::StartLine("GET //a.test/b HTTP/1.1")],
    ),
    forwarded(
        "a-target-of-8000-bytes-is-forwarded",
        "RFC 9112 section 3",
        target!("/{a*7999}"),
        &[Check::StartLine("GET /{a*7999} HTTP/1.1")],
    )
    .should(),
    refused("a-target-of-8001-bytes-is-answered-414", "RFC 9112 section 3", &[414], target!("/{a*8000}"))
        .ours(),
    refused("a-target-of-60000-bytes-is-answered-414", "RFC 9112 section 3", &[414], target!("/{a*60000}"))
        .ours(),
    refused("a-target-that-never-ends-is-answered-414", "RFC 9112 section 3", &[414], "GET /{a*60000}")
        .ours(),
    // Absolute-form.
    forwarded(
        "the-host-of-an-absolute-form-target-replaces-host",
        "RFC 9112 section 3.2.2",
        target!("http://other.test:81/p?q"),
        &[Check::StartLine("GET /p?q HTTP/1.1"), Check::ListsNot("host", "example.test")],
    ),
    forwarded(
        "the-host-of-an-absolute-form-target-is-forwarded",
        "RFC 9112 section 3.2.2",
        target!("http://other.test:81/p?q"),
        &[Check::Field("host", "other.test:81"), Check::Field("x-forwarded-host", "other.test:81")],
    )
    .ours(),
    forwarded(
        "an-absolute-form-target-without-path-is-sent-as-a-slash",
        "RFC 9112 section 3.2.1",
        target!("http://example.test"),
        &[Check::StartLine("GET / HTTP/1.1")],
    ),
    forwarded(
        "an-absolute-form-target-with-only-a-query-gets-a-slash",
        "RFC 9112 section 3.2.1",
        target!("http://example.test?q"),
        &[Check::StartLine("GET /?q HTTP/1.1")],
    ),
    forwarded(
        "the-scheme-of-an-absolute-form-target-is-case-insensitive",
        "RFC 9110 section 4.2.3",
        target!("HTTP://example.test/p"),
        &[Check::StartLine("GET /p HTTP/1.1")],
    ),
    forwarded(
        "options-in-absolute-form-without-path-is-sent-as-an-asterisk",
        "RFC 9112 section 3.2.4",
        target!("OPTIONS", "http://example.test"),
        &[Check::StartLine("OPTIONS * HTTP/1.1")],
    ),
    refused(
        "an-absolute-form-target-without-host-is-refused",
        "RFC 9110 section 4.2.1",
        &[400],
        target!("http:///a"),
    )
    .naming("RFC 9112 section 3.2"),
    refused(
        "an-absolute-form-target-that-ends-after-the-scheme-is-refused",
        "RFC 9110 section 4.2.1",
        &[400],
        target!("http://"),
    )
    .naming("RFC 9112 section 3.2"),
    refused(
        "an-absolute-form-target-with-userinfo-is-refused",
        "RFC 9110 section 4.2.4",
        &[400],
        target!("http://user@a.test/"),
    )
    .naming("RFC 9112 section 3.2")
    .should(),
    refused(
        "an-absolute-form-target-with-a-bad-port-is-refused",
        "RFC 9112 section 3.2.2",
        &[400],
        target!("http://a.test:x/"),
    )
    .naming("RFC 9112 section 3.2")
    .should(),
    refused(
        "an-absolute-form-target-without-a-host-field-is-refused",
        "RFC 9112 section 3.2",
        &[400],
        "GET http://a.test/ HTTP/1.1\r\n\r\n",
    ),
    refused(
        "a-target-with-scheme-https-is-refused",
        "RFC 9112 section 3.2.2",
        &[400],
        target!("https://a.test/"),
    )
    .naming("RFC 9112 section 3.2")
    .ours(),
    refused(
        "a-target-with-scheme-ftp-is-refused",
        "RFC 9112 section 3.2.2",
        &[400],
        target!("ftp://a.test/"),
    )
    .naming("RFC 9112 section 3.2")
    .ours(),
    // Authority-form and asterisk-form.
    refused("connect-with-a-path-is-refused", "RFC 9112 section 3.2.3", &[400], target!("CONNECT", "/"))
        .naming("RFC 9112 section 3.2")
        .should(),
    refused(
        "connect-without-port-is-refused",
        "RFC 9112 section 3.2.3",
        &[400],
        target!("CONNECT", "a.test"),
    )
    .naming("RFC 9112 section 3.2")
    .should(),
    refused("get-with-an-authority-is-refused", "RFC 9112 section 3.2.3", &[400], target!("a.test:80"))
        .naming("RFC 9112 section 3.2")
        .should(),
    refused("get-with-an-asterisk-is-refused", "RFC 9112 section 3.2.4", &[400], target!("*"))
        .naming("RFC 9112 section 3.2")
        .should(),
    // None of the four forms.
    refused("a-target-without-leading-slash-is-refused", "RFC 9112 section 3.2", &[400], target!("a"))
        .should(),
    refused("a-target-with-a-fragment-is-refused", "RFC 9112 section 3.2", &[400], target!("/a#b")).ours(),
    refused("a-target-with-a-space-is-refused", "RFC 9112 section 3.2", &[400], target!("/a b")).should(),
    refused("a-target-with-a-tab-is-refused", "RFC 9112 section 3.2", &[400], target!("/a\tb")).should(),
    refused("a-target-with-a-nul-is-refused", "RFC 9112 section 3.2", &[400], target!("/a\0b")).should(),
    refused("a-target-with-a-del-is-refused", "RFC 9112 section 3.2", &[400], target!("/a\u{7f}")).should(),
    refused(
        "a-target-with-a-control-character-is-refused",
        "RFC 9112 section 3.2",
        &[400],
        target!("/a\u{1}b"),
    )
    .should(),
    refused("a-target-outside-of-ascii-is-refused", "RFC 9112 section 3.2", &[400], target!("/\u{e4}"))
        .ours(),
];
