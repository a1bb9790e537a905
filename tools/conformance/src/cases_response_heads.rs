//! Response heads: what an intermediary must change and must not change (RFC 9110 section 7.6).

use crate::case::{Answer, Case, Check, HELLO, answered};

use Answer::Good;

pub(crate) const CASES: &[Case] = &[
    answered(
        "a-field-that-connection-of-a-response-lists-is-removed",
        "RFC 9110 section 7.6.1",
        Good(ok!("Content-Length: 5\r\nConnection: X-Secret\r\nX-Secret: 1\r\nX-Kept: 3\r\n", "hello")),
        &[200],
        &[Check::Absent("x-secret"), Check::ListsNot("connection", "x-secret"), Check::Field("x-kept", "3")],
    ),
    answered(
        "a-length-that-connection-of-a-response-lists-still-delimits",
        "RFC 9110 section 7.6.1",
        Good(ok!("Connection: Content-Length\r\nContent-Length: 5\r\n", "hello")),
        &[200],
        &[Check::Delimited, Check::Body("hello")],
    )
    .ours(),
    answered(
        "a-via-that-connection-of-a-response-lists-is-kept",
        "RFC 9110 section 7.6.3",
        Good(ok!("Connection: Via\r\nVia: 1.1 x\r\nContent-Length: 0\r\n", "")),
        &[200],
        &[Check::Lists("via", "1.1 x"), Check::Members("via", 2)],
    )
    .ours(),
    answered(
        "hop-by-hop-fields-do-not-reach-the-client",
        "RFC 9110 section 7.6.1",
        Good(ok!(
            "Content-Length: 5\r\nProxy-Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n",
            "hello"
        )),
        &[200],
        &[Check::Absent("proxy-connection"), Check::Absent("keep-alive"), Check::Absent("upgrade")],
    )
    .should(),
    answered(
        "proxy-authenticate-does-not-reach-the-client",
        "RFC 9110 section 11.7.1",
        Good(ok!("Content-Length: 5\r\nProxy-Authenticate: Basic\r\n", "hello")),
        &[200],
        &[Check::Absent("proxy-authenticate")],
    )
    .ours(),
    answered(
        "the-protocols-of-a-426-reach-the-client",
        "RFC 9110 section 15.5.22",
        Good(
            "HTTP/1.1 426 Upgrade Required\r\nConnection: upgrade\r\nUpgrade: other/1\r\nContent-Length: 0\r\n\r\n",
        ),
        &[426],
        &[Check::Field("upgrade", "other/1")],
    ),
    answered(
        "via-is-added-to-a-response",
        "RFC 9110 section 7.6.3",
        Good("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nVia: 1.1 x\r\n\r\n"),
        &[200],
        &[Check::Lists("via", "1.1 x"), Check::Members("via", 2), Check::Raw(b"ia: 1.0 ")],
    )
    .ours(),
    answered(
        "a-response-without-date-gets-one",
        "RFC 9110 section 6.6.1",
        Good(HELLO),
        &[200],
        &[Check::One("date")],
    ),
    answered(
        "the-date-of-a-response-is-kept",
        "RFC 9110 section 6.6.1",
        Good(ok!("Content-Length: 0\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\n", "")),
        &[200],
        &[Check::Field("date", "Tue, 15 Nov 1994 08:12:31 GMT")],
    )
    .ours(),
    answered(
        "a-response-carries-the-version-of-the-proxy",
        "RFC 9110 section 2.5",
        Good("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        &[200],
        &[Check::StartLine("HTTP/1.1 200 OK")],
    ),
    answered(
        "a-reason-phrase-is-kept",
        "RFC 9112 section 4",
        Good("HTTP/1.1 200 Fine by me\r\nContent-Length: 0\r\n\r\n"),
        &[200],
        &[Check::StartLine("HTTP/1.1 200 Fine by me")],
    )
    .ours(),
    answered(
        "a-status-line-without-reason-is-forwarded",
        "RFC 9112 section 4",
        Good("HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello"),
        &[200],
        &[Check::Body("hello")],
    ),
    answered(
        "a-status-line-without-the-space-before-its-reason-is-forwarded",
        "RFC 9112 section 4",
        Good("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello"),
        &[200],
        &[Check::Body("hello"), Check::StartLine("HTTP/1.1 200 ")],
    )
    .ours(),
    answered(
        "an-unknown-status-is-forwarded",
        "RFC 9110 section 15",
        Good("HTTP/1.1 299 What\r\nContent-Length: 5\r\n\r\nhello"),
        &[299],
        &[Check::Body("hello")],
    ),
    answered(
        "two-set-cookies-are-not-joined",
        "RFC 9110 section 5.3",
        Good(ok!("Content-Length: 0\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n", "")),
        &[200],
        &[Check::Fields("set-cookie", &["a=b", "c=d"])],
    ),
];
