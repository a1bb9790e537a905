//! `Host` (RFC 9112 section 3.2, RFC 9110 section 7.2).

use crate::case::{Case, Check, forwarded, refused};

/// A request with this value of `Host`.
macro_rules! host {
    ($value:literal) => {
        concat!("GET / HTTP/1.1\r\nHost: ", $value, "\r\n\r\n")
    };
}

const SECTION: &str = "RFC 9112 section 3.2";

pub(crate) const CASES: &[Case] = &[
    refused("a-request-without-host-is-refused", SECTION, &[400], "GET / HTTP/1.1\r\n\r\n"),
    refused("two-hosts-are-refused", SECTION, &[400], "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    refused("two-equal-hosts-are-refused", SECTION, &[400], "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"),
    refused(
        "a-request-of-1-0-with-two-hosts-is-refused",
        SECTION,
        &[400],
        "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
    ),
    refused(
        "a-request-of-1-0-with-a-bad-host-is-refused",
        SECTION,
        &[400],
        "GET / HTTP/1.0\r\nHost: a/b\r\n\r\n",
    ),
    refused("an-empty-host-is-refused", SECTION, &[400], host!("")).ours(),
    refused("a-host-with-userinfo-is-refused", SECTION, &[400], host!("user@a")),
    refused("a-host-with-a-path-is-refused", SECTION, &[400], host!("a/b")),
    refused("a-host-with-a-query-is-refused", SECTION, &[400], host!("a?b")),
    refused("a-host-with-a-fragment-is-refused", SECTION, &[400], host!("a#b")),
    refused("a-host-with-a-backslash-is-refused", SECTION, &[400], host!("a\\b")),
    refused("a-host-with-a-space-is-refused", SECTION, &[400], host!("a b")),
    refused("a-host-with-a-comma-is-refused", SECTION, &[400], host!("a,b")).ours(),
    refused("a-host-with-a-scheme-is-refused", SECTION, &[400], host!("http://a")),
    refused("a-host-with-a-port-of-letters-is-refused", SECTION, &[400], host!("a:x")),
    refused("a-host-with-a-negative-port-is-refused", SECTION, &[400], host!("a:-1")),
    refused("a-host-with-a-port-over-65535-is-refused", SECTION, &[400], host!("a:65536")).ours(),
    refused("a-host-with-two-ports-is-refused", SECTION, &[400], host!("a:80:80")),
    refused("a-host-of-only-a-port-is-refused", SECTION, &[400], host!(":80")).ours(),
    refused("an-ipv6-host-without-brackets-is-refused", SECTION, &[400], host!("::1")),
    refused("an-ipv6-host-without-its-closing-bracket-is-refused", SECTION, &[400], host!("[::1")),
    refused("an-ipv6-host-with-a-zone-is-refused", SECTION, &[400], host!("[fe80::1%25eth0]")).ours(),
    refused("brackets-without-an-ipv6-address-are-refused", SECTION, &[400], host!("[x]")),
    refused("a-host-with-a-broken-percent-encoding-is-refused", SECTION, &[400], host!("%zz")),
    refused("a-host-outside-of-ascii-is-refused", SECTION, &[400], host!("\u{e4}.test")),
    forwarded(
        "a-host-with-a-port-is-forwarded-unchanged",
        "RFC 9110 section 7.2",
        host!("Example.TEST:8080"),
        &[Check::Field("host", "Example.TEST:8080")],
    )
    .ours(),
    forwarded(
        "an-ipv6-host-is-forwarded",
        "RFC 9110 section 7.2",
        host!("[::1]:80"),
        &[Check::Field("host", "[::1]:80")],
    )
    .ours(),
    forwarded(
        "a-host-with-an-empty-port-is-forwarded",
        "RFC 9110 section 7.2",
        host!("127.0.0.1:"),
        &[Check::Field("host", "127.0.0.1:")],
    )
    .ours(),
    forwarded(
        "a-host-with-port-0-is-forwarded",
        "RFC 9110 section 7.2",
        host!("a:0"),
        &[Check::Field("host", "a:0")],
    )
    .ours(),
    forwarded(
        "a-percent-encoded-host-is-forwarded",
        "RFC 9110 section 7.2",
        host!("a_b.c-d%20e"),
        &[Check::Field("host", "a_b.c-d%20e")],
    )
    .ours(),
    forwarded(
        "a-request-of-1-0-without-host-gets-one",
        SECTION,
        "GET / HTTP/1.0\r\n\r\n",
        &[Check::StartLine("GET / HTTP/1.1"), Check::One("host")],
    ),
    forwarded(
        "a-request-of-1-0-without-host-gets-the-address-of-the-backend",
        SECTION,
        "GET / HTTP/1.0\r\n\r\n",
        &[Check::Raw(b"\r\nHost: 127.0.0.1:"), Check::Absent("x-forwarded-host")],
    )
    .ours(),
    forwarded(
        "host-becomes-the-first-field",
        "RFC 9110 section 7.2",
        "GET / HTTP/1.1\r\nA: b\r\nHost: a\r\n\r\n",
        &[Check::Raw(b"GET / HTTP/1.1\r\nHost: a\r\n")],
    )
    .ours(),
    forwarded(
        "host-is-case-insensitive",
        "RFC 9110 section 5.1",
        "GET / HTTP/1.1\r\nhOST: a.test\r\n\r\n",
        &[Check::One("host")],
    ),
];
