//! `Content-Length` and `Transfer-Encoding` of requests (RFC 9112 sections 6.1 to 6.3): where a body ends.

use crate::case::{Case, Check, forwarded, refused};

const SECTION: &str = "RFC 9112 section 6.3";

pub(crate) const CASES: &[Case] = &[
    refused(
        "content-length-with-transfer-encoding-is-refused",
        "RFC 9112 section 6.1",
        &[400],
        post!(
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        ),
    )
    .ours(),
    refused(
        "transfer-encoding-with-content-length-is-refused",
        "RFC 9112 section 6.1",
        &[400],
        post!(
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        ),
    )
    .ours(),
    refused(
        "content-length-0-with-transfer-encoding-is-refused",
        "RFC 9112 section 6.1",
        &[400],
        post!("transfer-encoding: CHUNKED\r\ncontent-length: 0\r\n", "0\r\n\r\n"),
    )
    .ours(),
    refused(
        "a-bad-content-length-with-transfer-encoding-is-refused",
        "RFC 9112 section 6.1",
        &[400],
        post!("Transfer-Encoding: chunked\r\nContent-Length: x\r\n", "0\r\n\r\n"),
    )
    .ours(),
    // Content-Length.
    refused(
        "a-content-length-with-a-plus-is-refused",
        SECTION,
        &[400],
        post!("Content-Length: +5\r\n", "hello"),
    ),
    refused(
        "a-negative-content-length-is-refused",
        SECTION,
        &[400],
        post!("Content-Length: -1\r\n", "hello"),
    ),
    refused(
        "a-hexadecimal-content-length-is-refused",
        SECTION,
        &[400],
        post!("Content-Length: 0x5\r\n", "hello"),
    ),
    refused(
        "a-content-length-with-a-space-is-refused",
        SECTION,
        &[400],
        post!("Content-Length: 5 5\r\n", "hello"),
    ),
    refused("an-empty-content-length-is-refused", SECTION, &[400], post!("Content-Length:\r\n", "hello")),
    refused(
        "a-content-length-with-an-exponent-is-refused",
        SECTION,
        &[400],
        post!("Content-Length: 1e1\r\n", "hello"),
    ),
    refused(
        "a-content-length-with-a-fraction-is-refused",
        SECTION,
        &[400],
        post!("Content-Length: 5.0\r\n", "hello"),
    ),
    refused(
        "a-content-length-with-a-parameter-is-refused",
        SECTION,
        &[400],
        post!("Content-Length: 5;\r\n", "hello"),
    ),
    refused(
        "a-content-length-of-other-digits-is-refused",
        SECTION,
        &[400],
        post!("Content-Length: \u{665}\r\n", "hello"),
    ),
    refused(
        "a-content-length-over-64-bits-is-refused",
        SECTION,
        &[400],
        post!("Content-Length: 18446744073709551621\r\n", "hello"),
    ),
    refused(
        "a-content-length-far-over-64-bits-is-refused",
        SECTION,
        &[400],
        post!("Content-Length: {9*100}\r\n", "hello"),
    ),
    refused(
        "two-different-content-lengths-are-refused",
        SECTION,
        &[400],
        post!("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"),
    ),
    refused(
        "content-lengths-of-0-and-5-are-refused",
        SECTION,
        &[400],
        post!("Content-Length: 0\r\nContent-Length: 5\r\n", "hello"),
    ),
    refused(
        "two-different-content-lengths-in-a-list-are-refused",
        SECTION,
        &[400],
        post!("Content-Length: 5, 6\r\n", "hello"),
    ),
    refused(
        "two-equal-content-lengths-are-refused",
        SECTION,
        &[400],
        post!("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
    )
    .ours(),
    refused(
        "two-content-lengths-that-are-equal-as-numbers-are-refused",
        SECTION,
        &[400],
        post!("Content-Length: 5\r\nContent-Length: 05\r\n", "hello"),
    )
    .ours(),
    refused(
        "two-equal-content-lengths-in-a-list-are-refused",
        SECTION,
        &[400],
        post!("Content-Length: 5,5\r\n", "hello"),
    )
    .ours(),
    // Transfer-Encoding.
    refused(
        "a-transfer-coding-other-than-chunked-is-refused",
        SECTION,
        &[400],
        post!("Transfer-Encoding: gzip\r\n", "0\r\n\r\n"),
    ),
    refused(
        "transfer-coding-identity-is-refused",
        SECTION,
        &[400],
        post!("Transfer-Encoding: identity\r\n", "0\r\n\r\n"),
    ),
    refused(
        "chunked-before-another-coding-is-refused",
        SECTION,
        &[400],
        post!("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"),
    ),
    refused(
        "chunked-before-another-coding-in-the-next-line-is-refused",
        SECTION,
        &[400],
        post!("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"),
    ),
    refused(
        "chunked-twice-is-refused",
        "RFC 9112 section 7",
        &[400],
        post!("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
    )
    .naming("RFC 9112 section 6.3")
    .ours(),
    refused(
        "chunked-in-two-lines-is-refused",
        "RFC 9112 section 7",
        &[400],
        post!("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    )
    .naming("RFC 9112 section 6.3")
    .ours(),
    refused(
        "a-coding-that-ends-like-chunked-is-refused",
        SECTION,
        &[400],
        post!("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    ),
    refused(
        "chunked-in-quotes-is-refused",
        SECTION,
        &[400],
        post!("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"),
    ),
    refused(
        "chunked-with-a-parameter-is-refused",
        SECTION,
        &[400],
        post!("Transfer-Encoding: chunked;a=b\r\n", "0\r\n\r\n"),
    )
    .ours(),
    refused(
        "chunked-after-a-vertical-tab-is-refused",
        SECTION,
        &[400],
        post!("Transfer-Encoding: \u{b}chunked\r\n", "0\r\n\r\n"),
    )
    .naming("RFC 9110 section 5.5"),
    refused(
        "chunked-after-an-empty-member-is-refused",
        SECTION,
        &[400],
        post!("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n"),
    )
    .ours(),
    refused(
        "an-empty-transfer-encoding-is-refused",
        SECTION,
        &[400],
        post!("Transfer-Encoding:\r\n", "0\r\n\r\n"),
    )
    .ours(),
    refused(
        "an-inner-coding-is-answered-501",
        "RFC 9112 section 6.1",
        &[501],
        post!("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
    )
    .should(),
    refused(
        "an-inner-coding-in-two-lines-is-answered-501",
        "RFC 9112 section 6.1",
        &[501],
        post!("Transfer-Encoding: br\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    )
    .should(),
    refused(
        "transfer-encoding-in-1-0-is-refused",
        "RFC 9112 section 6.1",
        &[400],
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    // Valid lengths.
    forwarded(
        "a-body-of-content-length-is-forwarded",
        "RFC 9112 section 6.2",
        post!("Content-Length: 5\r\n", "hello"),
        &[Check::Body("hello")],
    ),
    forwarded(
        "a-content-length-with-leading-zeros-is-forwarded",
        "RFC 9110 section 8.6",
        post!("Content-Length: 0005\r\n", "hello"),
        &[Check::Body("hello")],
    )
    .ours(),
    forwarded(
        "a-get-with-content-length-is-forwarded",
        "RFC 9110 section 9.3.1",
        get!("Content-Length: 0\r\n"),
        &[Check::Body("")],
    ),
    forwarded(
        "an-empty-post-is-forwarded-with-content-length-0",
        "RFC 9110 section 8.6",
        post!("Content-Length: 0\r\n", ""),
        &[Check::Field("content-length", "0")],
    )
    .should(),
    forwarded(
        "a-post-without-content-length-gets-none",
        "RFC 9110 section 8.6",
        post!("", ""),
        &[Check::Absent("content-length"), Check::Absent("transfer-encoding")],
    )
    .ours(),
    forwarded(
        "an-empty-chunked-body-stays-chunked",
        "RFC 9112 section 7.1",
        post!("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        &[Check::Field("transfer-encoding", "chunked"), Check::Absent("content-length")],
    )
    .ours(),
    forwarded(
        "chunked-is-case-insensitive",
        "RFC 9112 section 7",
        post!("Transfer-Encoding: ChUnKeD\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        &[Check::Body("hello")],
    ),
    forwarded(
        "framing-fields-with-an-underscore-are-dropped",
        "RFC 9112 section 6.3",
        get!("Content_Length: 5\r\nTransfer_Encoding: chunked\r\n"),
        &[Check::Absent("content_length"), Check::Absent("transfer_encoding")],
    )
    .ours(),
];
