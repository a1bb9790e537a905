//! The chunked coding of requests (RFC 9112 section 7.1), and truncated bodies (section 8).

use crate::case::{Act, Answer, Case, Check, Reaches, broken, forwarded};

/// A POST with this chunked body.
macro_rules! chunked {
    ($body:literal) => {
        post!("Transfer-Encoding: chunked\r\n", $body)
    };
}

const SECTION: &str = "RFC 9112 section 7.1";
const EXTENSION: &str = "RFC 9112 section 7.1.1";
/// The decoded body of all valid cases here.
const IS_HELLO: &[Check] = &[Check::Body("hello")];

pub(crate) const CASES: &[Case] = &[
    forwarded("chunks-are-forwarded", SECTION, chunked!("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), IS_HELLO),
    forwarded(
        "chunk-sizes-are-case-insensitive-and-may-have-leading-zeros",
        SECTION,
        chunked!("0A\r\n0123456789\r\n0b\r\n0123456789a\r\n00\r\n\r\n"),
        &[Check::Body("01234567890123456789a")],
    ),
    forwarded("an-empty-chunked-body-is-forwarded", SECTION, chunked!("0\r\n\r\n"), &[Check::Body("")]),
    forwarded("a-chunked-body-that-arrives-byte-by-byte-is-forwarded", SECTION, "", IS_HELLO)
        .then(&[Act::SendByteByByte(chunked!("5\r\nhello\r\n0\r\n\r\n"))]),
    forwarded(
        "a-chunk-of-100000-bytes-is-forwarded",
        SECTION,
        chunked!("186A0\r\n{a*100000}\r\n0\r\n\r\n"),
        &[Check::Body("{a*100000}")],
    ),
    forwarded(
        "a-thousand-chunks-are-forwarded",
        SECTION,
        chunked!("{1\r\na\r\n*1000}0\r\n\r\n"),
        &[Check::Body("{a*1000}")],
    ),
    forwarded(
        "chunk-extensions-are-removed",
        EXTENSION,
        chunked!("3;name=value\r\nhel\r\n02;a;b=\"c; d\"\r\nlo\r\n0;z\r\n\r\n"),
        &[Check::Body("hello"), Check::Nowhere(";")],
    ),
    forwarded(
        "trailers-are-forwarded",
        "RFC 9110 section 6.5",
        chunked!("5\r\nhello\r\n0\r\nX-Checksum: 17\r\n\r\n"),
        &[Check::Body("hello"), Check::Trailers(&[("X-Checksum", "17")])],
    )
    .ours(),
    forwarded(
        "trailers-that-frame-or-route-are-not-forwarded",
        "RFC 9110 section 6.5.1",
        chunked!(
            "5\r\nhello\r\n0\r\nContent-Length: 9\r\nHost: evil.test\r\nTransfer-Encoding: x\r\nAuthorization: y\r\nIf-Match: z\r\n\r\n"
        ),
        &[
            Check::Body("hello"),
            Check::Trailers(&[]),
            Check::ListsNot("content-length", "9"),
            Check::ListsNot("host", "evil.test"),
            Check::Absent("authorization"),
        ],
    ),
    // Sizes.
    broken("a-chunk-size-with-a-prefix-is-refused", SECTION, chunked!("0x5\r\nhello\r\n0\r\n\r\n")).should(),
    broken("a-chunk-size-with-a-plus-is-refused", SECTION, chunked!("+5\r\nhello\r\n0\r\n\r\n")).should(),
    broken("a-negative-chunk-size-is-refused", SECTION, chunked!("-5\r\nhello\r\n0\r\n\r\n")).should(),
    broken("a-space-before-a-chunk-size-is-refused", SECTION, chunked!(" 5\r\nhello\r\n0\r\n\r\n")).should(),
    broken("a-space-after-a-chunk-size-is-refused", EXTENSION, chunked!("5 \r\nhello\r\n0\r\n\r\n"))
        .naming("RFC 9112 section 7.1")
        .ours(),
    broken("a-space-before-a-chunk-extension-is-refused", EXTENSION, chunked!("5 ;a\r\nhello\r\n0\r\n\r\n"))
        .naming("RFC 9112 section 7.1")
        .ours(),
    broken("a-chunk-size-that-is-not-a-number-is-refused", SECTION, chunked!("g\r\nhello\r\n0\r\n\r\n"))
        .should(),
    broken("a-chunk-size-with-an-underscore-is-refused", SECTION, chunked!("0_5\r\nhello\r\n0\r\n\r\n"))
        .should(),
    broken("an-empty-chunk-size-is-refused", SECTION, chunked!("\r\nhello\r\n0\r\n\r\n")).should(),
    broken("an-empty-chunk-size-does-not-end-a-body", SECTION, chunked!("\r\n\r\n")).should(),
    broken(
        "a-chunk-size-of-16-digits-is-refused",
        SECTION,
        chunked!("0000000000000005\r\nhello\r\n0\r\n\r\n"),
    )
    .ours(),
    broken("a-chunk-size-of-64-bits-is-refused", SECTION, chunked!("ffffffffffffffff\r\nhello\r\n0\r\n\r\n")),
    broken(
        "a-chunk-size-over-64-bits-is-refused",
        SECTION,
        chunked!("10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ),
    broken("a-chunk-size-far-over-64-bits-is-refused", SECTION, chunked!("{f*100}\r\nhello\r\n0\r\n\r\n")),
    // Line ends.
    broken("a-chunk-size-that-ends-with-a-bare-lf-is-refused", SECTION, chunked!("5\nhello\r\n0\r\n\r\n"))
        .should(),
    broken("a-chunk-size-that-ends-with-a-bare-cr-is-refused", SECTION, chunked!("5\rhello\r\n0\r\n\r\n"))
        .should(),
    broken("a-chunk-that-ends-with-other-bytes-is-refused", SECTION, chunked!("5\r\nhelloXX0\r\n\r\n"))
        .should(),
    broken("a-chunk-without-a-line-end-is-refused", SECTION, chunked!("5\r\nhello0\r\n\r\n")).should(),
    broken("a-chunk-that-ends-with-a-bare-lf-is-refused", SECTION, chunked!("5\r\nhello\n0\r\n\r\n"))
        .should(),
    broken("a-chunk-that-is-shorter-than-its-size-is-refused", SECTION, chunked!("5\r\nhell\r\n0\r\n\r\n"))
        .should(),
    broken("a-chunk-that-is-longer-than-its-size-is-refused", SECTION, chunked!("5\r\nhello!\r\n0\r\n\r\n"))
        .should(),
    broken("a-last-chunk-that-ends-with-a-bare-lf-is-refused", SECTION, chunked!("5\r\nhello\r\n0\n\r\n"))
        .should(),
    broken("a-body-that-ends-with-a-bare-lf-is-refused", SECTION, chunked!("5\r\nhello\r\n0\r\n\n"))
        .naming("RFC 9112 section 2.2")
        .should(),
    // Extensions.
    broken("a-bare-semicolon-after-a-chunk-size-is-refused", EXTENSION, chunked!("5;\r\nhello\r\n0\r\n\r\n"))
        .should(),
    broken("a-bare-lf-in-a-chunk-extension-is-refused", EXTENSION, chunked!("5;a\nb\r\nhello\r\n0\r\n\r\n"))
        .should(),
    broken(
        "a-chunk-extension-that-ends-with-a-bare-lf-is-refused",
        EXTENSION,
        chunked!("5;a\nhello\r\n0\r\n\r\n"),
    )
    .should(),
    broken("a-bare-cr-in-a-chunk-extension-is-refused", EXTENSION, chunked!("5;a\rb\r\nhello\r\n0\r\n\r\n"))
        .should(),
    broken(
        "a-control-character-in-a-chunk-extension-is-refused",
        EXTENSION,
        chunked!("5;a=\u{1}\r\nhello\r\n0\r\n\r\n"),
    )
    .should(),
    broken(
        "a-chunk-extension-that-is-not-a-token-is-refused",
        EXTENSION,
        chunked!("5;a b\r\nhello\r\n0\r\n\r\n"),
    )
    .ours(),
    broken(
        "a-chunk-extension-with-an-open-quote-is-refused",
        EXTENSION,
        chunked!("5;a=\"b\r\nhello\r\n0\r\n\r\n"),
    )
    .should(),
    broken(
        "a-chunk-extension-of-300-bytes-is-refused",
        EXTENSION,
        chunked!("5;{a*300}\r\nhello\r\n0\r\n\r\n"),
    )
    .ours(),
    broken("a-chunk-extension-that-never-ends-is-refused", EXTENSION, chunked!("5;{a*100000}")).ours(),
    // Trailer sections.
    broken(
        "a-trailer-with-a-space-before-its-colon-is-refused",
        "RFC 9112 section 7.1.2",
        chunked!("0\r\nA : b\r\n\r\n"),
    )
    .naming("RFC 9112 section 5.1")
    .should(),
    broken("a-folded-trailer-is-refused", "RFC 9112 section 7.1.2", chunked!("0\r\nA: b\r\n c\r\n\r\n"))
        .naming("RFC 9112 section 5.2")
        .ours(),
    broken("a-trailer-without-colon-is-refused", "RFC 9112 section 7.1.2", chunked!("0\r\nA\r\n\r\n"))
        .naming("RFC 9112 section 5")
        .should(),
    broken(
        "a-trailer-section-over-32-kib-is-refused",
        "RFC 6585 section 5",
        chunked!("0\r\nA: {a*40000}\r\n\r\n"),
    )
    .with(&[431])
    .ours(),
    broken(
        "a-trailer-section-of-a-hundred-and-one-fields-is-refused",
        "RFC 6585 section 5",
        chunked!("0\r\n{A: b\r\n*101}\r\n"),
    )
    .with(&[431])
    .ours(),
    // Truncated bodies.
    broken(
        "a-body-shorter-than-its-content-length-stays-incomplete-for-the-backend",
        "RFC 9112 section 8",
        post!("Content-Length: 10\r\n", "hello"),
    )
    .then(&[Act::HalfClose]),
    broken(
        "a-body-without-last-chunk-stays-incomplete-for-the-backend",
        "RFC 9112 section 8",
        chunked!("5\r\nhello\r\n"),
    )
    .then(&[Act::HalfClose]),
    broken(
        "a-body-without-the-line-after-the-last-chunk-stays-incomplete-for-the-backend",
        "RFC 9112 section 8",
        chunked!("5\r\nhello\r\n0\r\n"),
    )
    .then(&[Act::HalfClose]),
    broken(
        "a-body-that-is-cut-within-a-chunk-stays-incomplete-for-the-backend",
        "RFC 9112 section 8",
        chunked!("9\r\nhello"),
    )
    .then(&[Act::HalfClose]),
    broken("a-bad-chunk-after-a-forwarded-one-is-answered-400", SECTION, chunked!("5\r\nhello\r\n"))
        .then(&[Act::AwaitBackend(5), Act::Send("5\nworld\r\n0\r\n\r\n")])
        .ours(),
    forwarded(
        "a-head-does-not-wait-for-its-body",
        "RFC 9110 section 7.6",
        post!("Content-Length: 5\r\n", ""),
        IS_HELLO,
    )
    .then(&[Act::AwaitBackend(0), Act::Send("hel"), Act::AwaitBackend(3), Act::Send("lo")])
    .ours(),
    forwarded(
        "a-body-is-echoed-while-it-is-sent",
        "RFC 9112 section 9.3",
        post!("Content-Length: 100000\r\n", "{a*50000}"),
        &[],
    )
    .before(Answer::Echo)
    .then(&[Act::AwaitBackend(50_000), Act::Send("{a*50000}")])
    .getting(&[Check::Body("{a*100000}")])
    .ours(),
    // Before the end of the request.
    forwarded(
        "a-response-before-the-end-of-the-request-is-forwarded",
        "RFC 9112 section 9.3",
        post!("Content-Length: 1000000\r\n", "{a*1000}"),
        &[],
    )
    .before(Answer::Early(
        "HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large",
    ))
    .with(&[413])
    .reaching(Reaches::NothingWhole)
    .getting(&[Check::Body("too large"), Check::Closes])
    .ours(),
    forwarded(
        "a-response-is-forwarded-although-the-backend-resets",
        "RFC 9112 section 9.6",
        post!("Content-Length: 4000000\r\n", "{a*1000000}"),
        &[],
    )
    .before(Answer::Script(|connection| {
        connection.read_head()?;
        connection.answer(
            "HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large",
        )
    }))
    .with(&[413])
    .then(&[Act::Send("{a*1000000}")])
    .reaching(Reaches::NothingWhole)
    .getting(&[Check::Body("too large")])
    .ours(),
];
