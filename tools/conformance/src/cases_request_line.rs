//! Methods, versions and the lines around them (RFC 9112 sections 2.2, 2.3, 3 and 3.1).

use crate::case::{Case, Check, Reaches, forwarded, refused};

/// A request with this request line.
macro_rules! line {
    ($line:literal) => {
        concat!($line, "\r\nHost: example.test\r\n\r\n")
    };
}

pub(crate) const CASES: &[Case] = &[
    forwarded(
        "a-plain-get-is-forwarded",
        "RFC 9112 section 3",
        line!("GET /a HTTP/1.1"),
        &[Check::StartLine("GET /a HTTP/1.1"), Check::Body("")],
    ),
    forwarded(
        "a-method-that-is-not-registered-is-forwarded",
        "RFC 9110 section 9.1",
        line!("PURGE / HTTP/1.1"),
        &[Check::StartLine("PURGE / HTTP/1.1")],
    )
    .ours(),
    forwarded(
        "the-case-of-a-method-is-kept",
        "RFC 9110 section 9.1",
        line!("get / HTTP/1.1"),
        &[Check::StartLine("get / HTTP/1.1")],
    )
    .ours(),
    forwarded(
        "a-method-of-64-bytes-is-forwarded",
        "RFC 9110 section 9.1",
        line!("{m*64} / HTTP/1.1"),
        &[Check::StartLine("{m*64} / HTTP/1.1")],
    )
    .ours(),
    refused("a-method-of-65-bytes-is-refused", "RFC 9112 section 3.1", &[400], line!("{m*65} / HTTP/1.1"))
        .ours(),
    refused(
        "a-method-with-a-parenthesis-is-refused",
        "RFC 9112 section 3.1",
        &[400],
        line!("G(T / HTTP/1.1"),
    )
    .should(),
    refused(
        "a-method-outside-of-ascii-is-refused",
        "RFC 9112 section 3.1",
        &[400],
        line!("G\u{e4}T / HTTP/1.1"),
    )
    .should(),
    refused("a-request-line-without-target-is-refused", "RFC 9112 section 3", &[400], line!("GET")).should(),
    refused("a-request-line-without-version-is-refused", "RFC 9112 section 3", &[400], line!("GET /"))
        .should(),
    refused(
        "two-spaces-before-the-target-are-refused",
        "RFC 9112 section 3",
        &[400],
        line!("GET  / HTTP/1.1"),
    )
    .naming("RFC 9112 section 3.2")
    .ours(),
    refused(
        "two-spaces-before-the-version-are-refused",
        "RFC 9112 section 3",
        &[400],
        line!("GET /  HTTP/1.1"),
    )
    .naming("RFC 9112 section 3.2")
    .ours(),
    refused("a-space-after-the-version-is-refused", "RFC 9112 section 3", &[400], line!("GET / HTTP/1.1 "))
        .naming("RFC 9112 section 2.3")
        .ours(),
    refused("a-space-before-the-method-is-refused", "RFC 9112 section 3", &[400], line!(" GET / HTTP/1.1"))
        .naming("RFC 9112 section 3.1")
        .ours(),
    refused("tabs-in-a-request-line-are-refused", "RFC 9112 section 3", &[400], line!("GET\t/\tHTTP/1.1"))
        .naming("RFC 9112 section 3.1")
        .ours(),
    refused(
        "a-vertical-tab-in-a-request-line-is-refused",
        "RFC 9112 section 3",
        &[400],
        line!("GET /\u{b}HTTP/1.1"),
    )
    .ours(),
    refused(
        "a-bare-cr-in-a-request-line-is-refused",
        "RFC 9112 section 2.2",
        &[400],
        line!("GET /\rHTTP/1.1"),
    )
    .naming("RFC 9112 section 3"),
    refused(
        "a-fourth-word-in-a-request-line-is-refused",
        "RFC 9112 section 3",
        &[400],
        line!("GET / x HTTP/1.1"),
    )
    .naming("RFC 9112 section 3.2")
    .should(),
    refused(
        "a-smuggled-version-in-the-target-is-refused",
        "RFC 9112 section 3",
        &[400],
        line!("GET / HTTP/1.1 HTTP/1.1"),
    )
    .naming("RFC 9112 section 3.2")
    .should(),
    refused(
        "a-tls-handshake-is-refused-at-once",
        "RFC 9112 section 3.1",
        &[400],
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{7c}\u{3}\u{3}",
    )
    .ours(),
    // Lines around the request line.
    forwarded(
        "an-empty-line-before-a-request-is-skipped",
        "RFC 9112 section 2.2",
        "\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n",
        &[Check::StartLine("GET /a HTTP/1.1")],
    )
    .should(),
    refused(
        "two-empty-lines-before-a-request-are-refused",
        "RFC 9112 section 2.2",
        &[400],
        "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .ours(),
    refused(
        "a-bare-lf-before-a-request-is-refused",
        "RFC 9112 section 2.2",
        &[400],
        "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .ours(),
    refused(
        "a-request-line-that-ends-with-a-bare-lf-is-refused",
        "RFC 9112 section 2.2",
        &[400],
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
    )
    .ours(),
    refused("a-head-of-bare-lfs-is-refused", "RFC 9112 section 2.2", &[400], "GET / HTTP/1.1\nHost: a\n\n")
        .ours(),
    // Versions.
    forwarded(
        "a-higher-minor-version-is-handled-as-1-1",
        "RFC 9110 section 2.5",
        line!("GET / HTTP/1.2"),
        &[Check::StartLine("GET / HTTP/1.1")],
    )
    .should(),
    forwarded(
        "a-request-of-1-0-is-forwarded-with-the-version-of-the-proxy",
        "RFC 9110 section 2.5",
        line!("GET / HTTP/1.0"),
        &[Check::StartLine("GET / HTTP/1.1")],
    ),
    refused("version-2-0-is-answered-505", "RFC 9110 section 15.6.6", &[505], line!("GET / HTTP/2.0")).ours(),
    refused("version-3-0-is-answered-505", "RFC 9110 section 15.6.6", &[505], line!("GET / HTTP/3.0")).ours(),
    refused("version-0-9-is-answered-505", "RFC 9110 section 15.6.6", &[505], line!("GET / HTTP/0.9")).ours(),
    refused(
        "the-preface-of-http-2-is-answered-505",
        "RFC 9110 section 15.6.6",
        &[505],
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    )
    .ours(),
    refused(
        "a-version-without-minor-number-is-refused",
        "RFC 9112 section 2.3",
        &[400],
        line!("GET / HTTP/1"),
    )
    .should(),
    refused("a-version-in-lower-case-is-refused", "RFC 9112 section 2.3", &[400], line!("GET / http/1.1"))
        .should(),
    refused(
        "a-version-with-two-digits-before-the-dot-is-refused",
        "RFC 9112 section 2.3",
        &[400],
        line!("GET / HTTP/01.1"),
    )
    .should(),
    refused(
        "a-version-with-two-digits-after-the-dot-is-refused",
        "RFC 9112 section 2.3",
        &[400],
        line!("GET / HTTP/1.10"),
    )
    .should(),
    refused(
        "a-version-with-a-letter-after-it-is-refused",
        "RFC 9112 section 2.3",
        &[400],
        line!("GET / HTTP/1.1x"),
    )
    .should(),
    refused(
        "a-version-without-a-digit-after-the-dot-is-refused",
        "RFC 9112 section 2.3",
        &[400],
        line!("GET / HTTP/1."),
    )
    .should(),
    refused(
        "a-version-without-a-digit-before-the-dot-is-refused",
        "RFC 9112 section 2.3",
        &[400],
        line!("GET / HTTP/.1"),
    )
    .should(),
    refused("a-version-with-a-comma-is-refused", "RFC 9112 section 2.3", &[400], line!("GET / HTTP/1,1"))
        .should(),
    refused(
        "another-protocol-in-the-version-is-refused",
        "RFC 9112 section 2.3",
        &[400],
        line!("GET / ICE/1.0"),
    )
    .should(),
    // Methods that are not forwarded.
    refused(
        "connect-is-not-forwarded",
        "RFC 9110 section 9.3.6",
        &[501],
        "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n",
    )
    .ours(),
    refused("trace-is-answered-405-with-allow", "RFC 9110 section 15.5.6", &[405], line!("TRACE / HTTP/1.1"))
        .naming("RFC 9110 section 9.3.8")
        .getting(&[Check::One("allow"), Check::Lists("allow", "GET")])
        .ours(),
    forwarded(
        "options-for-the-server-is-answered-by-the-proxy",
        "RFC 9110 section 9.3.7",
        line!("OPTIONS * HTTP/1.1"),
        &[],
    )
    .with(&[200, 204])
    .getting(&[Check::Lists("allow", "OPTIONS")])
    .reaching(Reaches::Nothing)
    .ours(),
];
