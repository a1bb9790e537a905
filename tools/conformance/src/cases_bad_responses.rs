//! Invalid responses and failing backends: answered 502 before the first forwarded byte, cut after it
//! (RFC 9112 section 8).

use crate::case::{Act, Answer, Case, Check, Ends, Reaches, answered};

use Answer::{Closing, Nobody, Resetting};

const LENGTH: &str = "RFC 9112 section 6.3";
const STATUS: &str = "RFC 9112 section 4";
const GATEWAY: &str = "RFC 9110 section 15.6.3";
const GET_1_0: &str = "GET / HTTP/1.0\r\nHost: example.test\r\n\r\n";
/// The beginnings of two responses.
const WITH_LENGTH: &str = ok!("Content-Length: 10\r\n", "hello");
const CHUNKED: &str = ok!("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n");

/// An invalid response, which is answered 502.
const fn bad(name: &'static str, section: &'static str, response: &'static str) -> Case {
    answered(name, section, Closing(response), &[502], &[]).failing("http_protocol_error")
}

/// A response that is truncated or invalid after its beginning has reached the client.
const fn cut(name: &'static str, first: &'static str, rest: &'static str, ends: Ends) -> Case {
    let backend = Answer::Parts(first, rest, ends);
    answered(name, "RFC 9112 section 8", backend, &[200, 502], &[Check::CutShort])
}

pub(crate) const CASES: &[Case] = &[
    answered(
        "transfer-encoding-of-a-response-overrides-its-content-length",
        LENGTH,
        Closing(ok!("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")),
        &[200],
        &[Check::Body("hello"), Check::Absent("content-length")],
    ),
    bad(
        "a-control-character-in-a-reason-phrase",
        STATUS,
        "HTTP/1.1 200 O\x0bK\r\nContent-Length: 5\r\n\r\nhello",
    )
    .should(),
    bad("a-nul-in-a-reason-phrase", STATUS, "HTTP/1.1 200 O\0K\r\nContent-Length: 5\r\n\r\nhello").should(),
    bad(
        "a-bare-cr-in-a-reason-phrase",
        "RFC 9112 section 2.2",
        "HTTP/1.1 200 OK\rSet-Cookie: x\r\nContent-Length: 5\r\n\r\nhello",
    )
    .naming("RFC 9112 section 4"),
    bad(
        "two-different-content-lengths-of-a-response",
        LENGTH,
        ok!("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"),
    ),
    bad(
        "two-equal-content-lengths-of-a-response",
        LENGTH,
        ok!("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
    )
    .ours(),
    bad("a-negative-content-length-of-a-response", LENGTH, ok!("Content-Length: -1\r\n", "hello")),
    bad("a-content-length-of-a-response-with-a-plus", LENGTH, ok!("Content-Length: +5\r\n", "hello")),
    bad(
        "a-content-length-of-a-response-over-64-bits",
        LENGTH,
        ok!("Content-Length: 18446744073709551621\r\n", "hello"),
    ),
    bad("a-list-of-content-lengths-of-a-response", LENGTH, ok!("Content-Length: 5,5\r\n", "hello")).ours(),
    bad(
        "an-inner-coding-of-a-response",
        "RFC 9112 section 6.1",
        ok!("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
    )
    .ours(),
    bad(
        "chunked-before-another-coding-of-a-response",
        LENGTH,
        ok!("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"),
    )
    .ours(),
    bad(
        "transfer-encoding-in-a-response-of-1-0",
        "RFC 9112 section 6.1",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    )
    .ours(),
    bad("a-response-of-bare-lfs", "RFC 9112 section 2.2", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello")
        .ours(),
    bad(
        "a-folded-line-in-a-response",
        "RFC 9112 section 5.2",
        ok!("A: b\r\n c\r\nContent-Length: 5\r\n", "hello"),
    )
    .ours(),
    bad(
        "a-space-before-a-colon-in-a-response",
        "RFC 9112 section 5.1",
        ok!("Content-Length : 5\r\n", "hello"),
    )
    .ours(),
    bad("a-nul-in-a-response", "RFC 9110 section 5.5", ok!("A: b\0c\r\nContent-Length: 0\r\n", "")),
    bad("a-bare-cr-in-a-response", "RFC 9112 section 2.2", ok!("A: b\rc\r\nContent-Length: 0\r\n", ""))
        .naming("RFC 9110 section 5.5"),
    bad(
        "a-field-name-that-is-not-a-token-in-a-response",
        "RFC 9112 section 5",
        ok!("A B: c\r\nContent-Length: 0\r\n", ""),
    )
    .should(),
    bad("a-status-of-two-digits", STATUS, "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n").should(),
    bad("a-status-of-four-digits", STATUS, "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n").should(),
    bad("a-status-below-100", STATUS, "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n").should(),
    bad("a-status-with-a-sign", STATUS, "HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n").should(),
    bad("a-response-of-version-2", STATUS, "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n").ours(),
    bad("a-response-of-another-protocol", STATUS, "ICY 200 OK\r\nContent-Length: 0\r\n\r\n").should(),
    bad("a-mail-server-that-speaks-first", STATUS, "220 mail.test ESMTP\r\n").should(),
    answered(
        "a-first-line-that-is-not-a-status-line-is-refused-before-the-head-ends",
        STATUS,
        Answer::Script(|connection| {
            connection.read_request()?;
            connection.send("220 mail.test ESMTP\r\n")?;
            connection.wait_for_end().map(drop)
        }),
        &[502],
        &[],
    )
    .failing("http_protocol_error")
    .ours(),
    bad("bytes-that-are-not-http-instead-of-a-response", STATUS, "\0\u{1}garbage\r\n\r\n").should(),
    bad("a-body-without-head", STATUS, "hello").should(),
    bad(
        "a-response-head-over-32-kib",
        "RFC 6585 section 5",
        ok!("A: {a*40000}\r\nContent-Length: 0\r\n", ""),
    )
    .ours(),
    bad(
        "a-response-with-over-100-fields",
        "RFC 6585 section 5",
        ok!("{A: b\r\n*101}Content-Length: 0\r\n", ""),
    )
    .ours(),
    // Failures before a head.
    bad("a-backend-that-closes-without-a-response", GATEWAY, "").failing("connection_terminated").should(),
    bad("a-response-that-ends-within-its-head", GATEWAY, "HTTP/1.1 200 OK\r\nContent-Len")
        .failing("connection_terminated")
        .should(),
    bad("an-interim-response-without-a-final-one", GATEWAY, "HTTP/1.1 103 Early Hints\r\n\r\n")
        .failing("connection_terminated")
        .should(),
    answered("a-backend-that-resets-without-a-response", GATEWAY, Resetting(""), &[502], &[])
        .failing("connection_terminated")
        .should(),
    answered("no-backend-is-answered-502", GATEWAY, Nobody, &[502], &[])
        .failing("connection_refused")
        .reaching(Reaches::Nothing)
        .should(),
    answered(
        "no-backend-is-answered-502-without-body-to-head",
        "RFC 9110 section 9.3.2",
        Nobody,
        &[502],
        &[Check::Body("")],
    )
    .sending("HEAD / HTTP/1.1\r\nHost: example.test\r\n\r\n")
    .to(&["HEAD"])
    .failing("connection_refused")
    .reaching(Reaches::Nothing),
    // Failures within a body: the client must be able to detect them.
    cut(
        "a-body-shorter-than-its-content-length-stays-incomplete-for-the-client",
        WITH_LENGTH,
        "",
        Ends::Closing,
    ),
    cut("a-body-that-a-half-close-cuts-stays-incomplete-for-the-client", WITH_LENGTH, "", Ends::HalfClosing),
    cut("a-body-that-is-reset-stays-incomplete-for-the-client", WITH_LENGTH, "", Ends::Resetting),
    cut("a-response-without-last-chunk-stays-incomplete-for-the-client", CHUNKED, "", Ends::Closing),
    cut("chunks-that-a-half-close-cuts-stay-incomplete-for-the-client", CHUNKED, "", Ends::HalfClosing),
    cut("chunks-that-are-reset-stay-incomplete-for-the-client", CHUNKED, "", Ends::Resetting),
    cut(
        "a-response-that-ends-within-a-chunk-stays-incomplete-for-the-client",
        CHUNKED,
        "9\r\nworld",
        Ends::Closing,
    ),
    cut(
        "a-response-with-a-bad-chunk-size-stays-incomplete-for-the-client",
        CHUNKED,
        "x\r\n\r\n",
        Ends::Closing,
    )
    .citing("RFC 9112 section 7.1"),
    cut(
        "a-response-with-an-empty-chunk-size-stays-incomplete-for-the-client",
        CHUNKED,
        "\r\n\r\n",
        Ends::Closing,
    )
    .citing("RFC 9112 section 7.1")
    .should(),
    cut(
        "a-response-whose-chunk-size-overflows-stays-incomplete-for-the-client",
        CHUNKED,
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        Ends::Closing,
    )
    .citing("RFC 9112 section 7.1"),
    cut(
        "a-close-delimited-body-that-is-reset-stays-incomplete-for-the-client",
        ok!("", "hello"),
        "",
        Ends::Resetting,
    )
    .ours(),
    cut("a-cut-body-of-1-0-stays-incomplete-for-the-client", CHUNKED, "", Ends::Closing)
        .sending(GET_1_0)
        .ours(),
    cut("chunks-that-are-reset-stay-incomplete-for-a-client-of-1-0", CHUNKED, "", Ends::Resetting)
        .sending(GET_1_0)
        .ours(),
    cut(
        "a-close-delimited-body-of-1-0-that-is-reset-stays-incomplete-for-the-client",
        ok!("", "hello"),
        "",
        Ends::Resetting,
    )
    .sending(GET_1_0)
    .ours(),
    cut(
        "a-body-shorter-than-its-content-length-stays-incomplete-for-a-client-of-1-0",
        WITH_LENGTH,
        "",
        Ends::Closing,
    )
    .sending(GET_1_0),
    answered(
        "bytes-after-a-response-do-not-reach-the-client",
        "RFC 9112 section 9.2",
        Closing(ok!("Content-Length: 5\r\n", "helloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")),
        &[200],
        &[Check::Body("hello")],
    ),
    answered(
        "a-failed-upload-is-answered-502",
        GATEWAY,
        Answer::Script(|connection| {
            connection.read_head()?;
            connection.reset()
        }),
        &[502],
        &[Check::Closes],
    )
    .sending(post!("Content-Length: 10\r\n", "hello"))
    .then(&[Act::AwaitBackend(0)])
    .failing("connection_terminated")
    .reaching(Reaches::NothingWhole)
    .ours(),
];
