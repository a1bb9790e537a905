//! Requests: what an intermediary must change and must not change (RFC 9110 section 7.6).

use crate::case::{Case, Check, Reaches, forwarded, refused};

const HOP_BY_HOP: &str = "RFC 9110 section 7.6.1";

pub(crate) const CASES: &[Case] = &[
    forwarded(
        "a-field-that-connection-lists-is-removed",
        HOP_BY_HOP,
        get!("Connection: X-Secret\r\nX-Secret: 1\r\n"),
        &[Check::Absent("x-secret"), Check::ListsNot("connection", "x-secret")],
    ),
    forwarded(
        "fields-that-two-connection-lines-list-are-removed",
        HOP_BY_HOP,
        get!("Connection: keep-alive, X-A ,,\r\nconnection: x-b\r\nX-A: 1\r\nx-B: 2\r\nX-C: 3\r\n"),
        &[Check::Absent("x-a"), Check::Absent("x-b"), Check::Field("x-c", "3")],
    ),
    forwarded(
        "keep-alive-is-removed",
        HOP_BY_HOP,
        get!("Keep-Alive: timeout=5\r\n"),
        &[Check::Absent("keep-alive")],
    )
    .should(),
    forwarded(
        "proxy-connection-is-removed",
        HOP_BY_HOP,
        get!("Proxy-Connection: keep-alive\r\n"),
        &[Check::Absent("proxy-connection")],
    )
    .should(),
    forwarded(
        "proxy-authorization-is-removed",
        "RFC 9110 section 11.7.2",
        get!("Proxy-Authorization: Basic x\r\n"),
        &[Check::Absent("proxy-authorization")],
    )
    .ours(),
    forwarded(
        "te-is-removed",
        "RFC 9110 section 10.1.4",
        get!("TE: gzip\r\nConnection: TE\r\n"),
        &[Check::Absent("te")],
    ),
    forwarded(
        "te-trailers-is-forwarded-and-listed",
        "RFC 9110 section 10.1.4",
        get!("TE: gzip, trailers\r\nConnection: TE\r\n"),
        &[Check::Field("te", "trailers"), Check::Lists("connection", "te")],
    )
    .ours(),
    forwarded(
        "te-trailers-with-a-weight-is-removed",
        "RFC 9110 section 10.1.4",
        get!("TE: gzip, trailers;q=1\r\nConnection: TE\r\n"),
        &[Check::Absent("te"), Check::ListsNot("connection", "te")],
    )
    .ours(),
    forwarded(
        "close-is-not-treated-as-a-field-name",
        HOP_BY_HOP,
        get!("Connection: close, X-A\r\nClose: 1\r\nX-A: 2\r\n"),
        &[Check::Field("close", "1")],
    )
    .ours(),
    refused(
        "a-connection-that-lists-host-is-refused",
        HOP_BY_HOP,
        &[400],
        get!("Connection: close, Host\r\n"),
    )
    .ours(),
    refused(
        "a-connection-that-lists-content-length-is-refused",
        HOP_BY_HOP,
        &[400],
        post!("Connection: Content-Length\r\nContent-Length: 5\r\n", "hello"),
    )
    .ours(),
    refused(
        "a-connection-that-lists-transfer-encoding-is-refused",
        HOP_BY_HOP,
        &[400],
        post!("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    )
    .ours(),
    refused("a-connection-that-lists-via-is-refused", HOP_BY_HOP, &[400], get!("Connection: via\r\n")).ours(),
    refused(
        "a-connection-that-lists-x-forwarded-for-is-refused",
        HOP_BY_HOP,
        &[400],
        get!("Connection: X-Forwarded-For\r\n"),
    )
    .ours(),
    refused(
        "a-connection-that-lists-another-x-forwarded-field-is-refused",
        HOP_BY_HOP,
        &[400],
        get!("Connection: x-forwarded-x\r\n"),
    )
    .ours(),
    // Where the request came from, and how.
    forwarded("via-is-added", "RFC 9110 section 7.6.3", get!(""), &[Check::One("via")]),
    forwarded(
        "via-is-added-after-earlier-ones",
        "RFC 9110 section 7.6.3",
        get!("Via: 1.0 first\r\n"),
        &[Check::Lists("via", "1.0 first"), Check::Members("via", 2)],
    ),
    forwarded(
        "via-has-the-received-version",
        "RFC 9110 section 7.6.3",
        "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        &[Check::One("via"), Check::Raw(b"ia: 1.0 ")],
    ),
    forwarded(
        "x-forwarded-for-is-replaced",
        "RFC 7239 section 8.1",
        get!("X-Forwarded-For: 1.2.3.4\r\nx-forwarded-for: 5.6.7.8\r\n"),
        &[Check::Field("x-forwarded-for", "127.0.0.1")],
    )
    .ours(),
    forwarded(
        "x-forwarded-host-and-proto-are-replaced",
        "RFC 7239 section 8.1",
        get!("X-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /a\r\n"),
        &[
            Check::Field("x-forwarded-host", "example.test"),
            Check::Field("x-forwarded-proto", "http"),
            Check::Absent("x-forwarded-prefix"),
        ],
    )
    .ours(),
    forwarded(
        "forwarded-is-dropped",
        "RFC 7239 section 8.1",
        get!("Forwarded: for=1.2.3.4\r\n"),
        &[Check::Absent("forwarded")],
    )
    .ours(),
    forwarded(
        "an-x-forwarded-for-with-underscores-is-dropped",
        "RFC 7239 section 8.1",
        get!("X_Forwarded_For: 1.2.3.4\r\n"),
        &[Check::Absent("x_forwarded_for")],
    )
    .ours(),
    // Max-Forwards.
    forwarded(
        "max-forwards-of-options-is-decremented",
        "RFC 9110 section 7.6.2",
        "OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 7\r\n\r\n",
        &[Check::Field("max-forwards", "6")],
    ),
    forwarded(
        "options-with-max-forwards-0-is-answered-by-the-proxy",
        "RFC 9110 section 7.6.2",
        "OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n",
        &[],
    )
    .with(&[200, 204])
    .reaching(Reaches::Nothing),
    forwarded(
        "max-forwards-of-get-is-unchanged",
        "RFC 9110 section 7.6.2",
        get!("Max-Forwards: 0\r\n"),
        &[Check::Field("max-forwards", "0")],
    )
    .ours(),
];
