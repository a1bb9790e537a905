//! Bytes after a rejected request or a truncated response are never served (RFC 9112 section 9.3).

use crate::case::{Act, Answer, Case, Check, Ends, Reaches, answered, connection, refused};

const PERSISTENCE: &str = "RFC 9112 section 9.3";
const LENGTH: &str = "RFC 9112 section 6.3";
const CLOSES: &[Check] = &[Check::Lists("connection", "close"), Check::Closes];

/// A valid request, a request that is rejected with 400, and another valid one that is not served.
const fn after_a_valid_one(name: &'static str, section: &'static str, sends: &'static str) -> Case {
    connection(name, section, sends, &["GET"; 2], CLOSES)
        .with(&[200, 400])
        .failing("http_request_error")
        .reaching(Reaches::Whole(1))
        .ours()
}

pub(crate) const CASES: &[Case] = &[
    refused(
        "a-request-after-a-refused-one-is-not-served",
        "RFC 9112 section 9.3",
        &[400],
        concat!("GET / HTTP/1.1\r\n\r\n", next!("/2")),
    )
    .naming("RFC 9112 section 3.2"),
    refused(
        "a-request-after-a-body-of-ambiguous-length-is-not-served",
        LENGTH,
        &[400],
        concat!(post!("Content-Length: 5\r\nContent-Length: 50\r\n", "hello"), next!("/2")),
    ),
    refused(
        "a-request-after-a-bad-chunk-is-not-served",
        "RFC 9112 section 7.1",
        &[400],
        concat!(post!("Transfer-Encoding: chunked\r\n", "x\r\n\r\n"), next!("/2")),
    )
    .reaching(Reaches::NothingWhole),
    answered(
        "bytes-after-an-early-response-are-not-served",
        PERSISTENCE,
        Answer::Early("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"),
        &[413],
        CLOSES,
    )
    .sending(post!("Content-Length: 100\r\n", "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"))
    .then(&[Act::AwaitBackend(0)])
    .reaching(Reaches::NothingWhole)
    .ours(),
    refused(
        "the-body-of-a-refused-request-is-not-served",
        PERSISTENCE,
        &[400],
        post!("A : b\r\nContent-Length: 35\r\n", "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
    )
    .naming("RFC 9112 section 5.1"),
    refused(
        "the-body-of-a-request-with-an-unknown-coding-is-not-served",
        PERSISTENCE,
        &[501],
        post!("Transfer-Encoding: gzip, chunked\r\n", "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
    )
    .naming("RFC 9112 section 6.1"),
    refused(
        "the-body-of-a-request-with-an-unknown-expectation-is-not-served",
        PERSISTENCE,
        &[417],
        post!("Expect: x\r\nContent-Length: 35\r\n", "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
    )
    .naming("RFC 9110 section 10.1.1")
    .ours(),
    refused(
        "the-body-of-a-trace-is-not-served",
        PERSISTENCE,
        &[405],
        "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .naming("RFC 9110 section 9.3.8")
    .ours(),
    refused(
        "the-body-of-a-connect-is-not-served",
        PERSISTENCE,
        &[501],
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .naming("RFC 9110 section 9.3.6")
    .ours(),
    connection(
        "the-body-of-options-for-the-proxy-is-not-served",
        PERSISTENCE,
        "OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
        &["OPTIONS"],
        &[],
    )
    .with(&[200, 204])
    .reaching(Reaches::Nothing)
    .ours(),
    refused(
        "a-request-after-a-head-that-is-too-large-is-not-served",
        PERSISTENCE,
        &[431],
        get!("A: {a*40000}\r\n{GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n*2}"),
    )
    .naming("RFC 6585 section 5")
    .ours(),
    connection(
        "a-body-is-not-served-if-the-backend-refuses-connections",
        PERSISTENCE,
        post!("Content-Length: 35\r\n", "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
        &["POST"],
        CLOSES,
    )
    .before(Answer::Nobody)
    .with(&[502])
    .failing("connection_refused")
    .naming("RFC 9110 section 15.6.3")
    .reaching(Reaches::Nothing)
    .ours(),
    after_a_valid_one(
        "a-bad-line-after-a-valid-request-is-answered-second",
        "RFC 9112 section 2.2",
        concat!(next!("/1"), "GET / HTTP/1.1\nHost: a\r\n\r\n", next!("/3")),
    ),
    after_a_valid_one(
        "a-missing-host-after-a-valid-request-is-answered-second",
        "RFC 9112 section 3.2",
        concat!(next!("/1"), "GET / HTTP/1.1\r\n\r\n", next!("/3")),
    ),
    after_a_valid_one(
        "two-empty-lines-after-a-valid-request-are-answered-second",
        "RFC 9112 section 2.2",
        concat!(next!("/1"), "\r\n\r\n", next!("/3")),
    ),
    after_a_valid_one(
        "a-body-of-ambiguous-length-after-a-valid-request-is-answered-second",
        "RFC 9112 section 6.1",
        concat!(next!("/1"), post!("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), next!("/3")),
    ),
    after_a_valid_one(
        "a-protected-option-after-a-valid-request-is-answered-second",
        "RFC 9110 section 7.6.1",
        concat!(next!("/1"), get!("Connection: Host\r\n"), next!("/3")),
    ),
    after_a_valid_one(
        "a-bad-chunk-after-a-valid-request-is-answered-second",
        "RFC 9112 section 7.1",
        concat!(next!("/1"), post!("Transfer-Encoding: chunked\r\n", "5\r\nhelloXX\r\n0\r\n\r\n"), next!("/3")),
    ),
    connection(
        "a-request-after-one-whose-response-is-cut-is-not-served",
        "RFC 9112 section 8",
        "{GET / HTTP/1.1\r\nHost: a\r\n\r\n*3}",
        &["GET"],
        &[Check::CutShort],
    )
    .before(Answer::Parts(ok!("Content-Length: 10\r\n", "hello"), "", Ends::Closing)),
];
