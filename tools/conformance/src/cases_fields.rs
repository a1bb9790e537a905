//! Field lines (RFC 9112 section 5, RFC 9110 section 5.5) and their limits.

use crate::case::{Act, Case, Check, forwarded, refused};

pub(crate) const CASES: &[Case] = &[
    refused("a-space-before-a-colon-is-refused", "RFC 9112 section 5.1", &[400], get!("A : b\r\n")),
    refused("a-tab-before-a-colon-is-refused", "RFC 9112 section 5.1", &[400], get!("A\t: b\r\n")),
    refused(
        "a-space-before-the-colon-of-content-length-is-refused",
        "RFC 9112 section 5.1",
        &[400],
        post!("Content-Length : 5\r\n", "hello"),
    ),
    refused(
        "a-space-before-the-colon-of-transfer-encoding-is-refused",
        "RFC 9112 section 5.1",
        &[400],
        post!("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
    ),
    refused("a-folded-line-is-refused", "RFC 9112 section 5.2", &[400], get!("A: b\r\n c\r\n")).ours(),
    refused("a-line-folded-with-a-tab-is-refused", "RFC 9112 section 5.2", &[400], get!("A: b\r\n\tc\r\n"))
        .ours(),
    refused(
        "a-folded-transfer-encoding-is-refused",
        "RFC 9112 section 5.2",
        &[400],
        post!("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
    )
    .ours(),
    refused(
        "white-space-before-the-first-field-is-refused",
        "RFC 9112 section 2.2",
        &[400],
        "GET / HTTP/1.1\r\n X: y\r\nHost: example.test\r\n\r\n",
    )
    .ours(),
    refused(
        "a-field-line-that-ends-with-a-bare-lf-is-refused",
        "RFC 9112 section 2.2",
        &[400],
        "GET / HTTP/1.1\r\nHost: example.test\nA: b\r\n\r\n",
    )
    .ours(),
    refused(
        "an-empty-line-with-a-bare-lf-is-refused",
        "RFC 9112 section 2.2",
        &[400],
        "GET / HTTP/1.1\r\nHost: example.test\r\n\n",
    )
    .ours(),
    refused("a-bare-cr-in-a-value-is-refused", "RFC 9112 section 2.2", &[400], get!("A: b\rc\r\n"))
        .naming("RFC 9110 section 5.5"),
    refused("two-crs-at-the-end-of-a-line-are-refused", "RFC 9112 section 2.2", &[400], get!("A: b\r\r\n"))
        .naming("RFC 9110 section 5.5"),
    refused("a-nul-in-a-value-is-refused", "RFC 9110 section 5.5", &[400], get!("A: b\0c\r\n")),
    refused(
        "a-control-character-in-a-value-is-refused",
        "RFC 9110 section 5.5",
        &[400],
        get!("A: b\u{1}c\r\n"),
    )
    .ours(),
    refused("a-del-in-a-value-is-refused", "RFC 9110 section 5.5", &[400], get!("A: b\u{7f}c\r\n")).ours(),
    refused("an-empty-field-name-is-refused", "RFC 9112 section 5", &[400], get!(": b\r\n")).should(),
    refused("a-field-line-without-colon-is-refused", "RFC 9112 section 5", &[400], get!("A\r\n")).should(),
    refused("a-field-name-with-a-space-is-refused", "RFC 9112 section 5", &[400], get!("A B: c\r\n"))
        .should(),
    refused("a-field-name-with-a-parenthesis-is-refused", "RFC 9112 section 5", &[400], get!("A(B): c\r\n"))
        .should(),
    refused("a-field-name-outside-of-ascii-is-refused", "RFC 9112 section 5", &[400], get!("A\u{e4}: c\r\n"))
        .should(),
    refused("a-nul-in-a-field-name-is-refused", "RFC 9112 section 5", &[400], get!("A\0: c\r\n")).should(),
    // Valid field lines, which are forwarded.
    forwarded(
        "field-lines-of-one-name-keep-their-order",
        "RFC 9110 section 5.3",
        get!("A: 1\r\nB: 2\r\nA: 3\r\n"),
        &[Check::Fields("a", &["1", "3"])],
    ),
    forwarded(
        "white-space-around-a-value-is-removed",
        "RFC 9112 section 5.1",
        get!("A:  b\tc \t\r\n"),
        &[Check::Field("a", "b\tc")],
    ),
    forwarded("an-empty-value-is-forwarded", "RFC 9112 section 5", get!("A:\r\n"), &[Check::Field("a", "")])
        .ours(),
    forwarded(
        "obsolete-text-in-a-value-is-forwarded-unchanged",
        "RFC 9110 section 5.5",
        get!("A: \u{e4}\r\n"),
        &[Check::Raw(b": \xc3\xa4\r\n")],
    )
    .should(),
    forwarded(
        "the-spelling-of-a-field-name-is-kept",
        "RFC 9110 section 5.1",
        get!("x-mIxEd: 1\r\n"),
        &[Check::Raw(b"\r\nx-mIxEd: 1\r\n")],
    )
    .ours(),
    forwarded(
        "every-character-of-a-token-may-be-in-a-name",
        "RFC 9110 section 5.6.2",
        get!("!#$%&'*+-.^`|~1aZ: b\r\n"),
        &[Check::Field("!#$%&'*+-.^`|~1aZ", "b")],
    )
    .ours(),
    forwarded(
        "an-unknown-field-is-forwarded",
        "RFC 9110 section 5.1",
        get!("X-What: ever\r\n"),
        &[Check::Field("x-what", "ever")],
    ),
    // Limits.
    forwarded(
        "a-hundred-fields-are-forwarded",
        "RFC 6585 section 5",
        get!("{A: b\r\n*98}Last: c\r\n"),
        &[Check::Field("last", "c")],
    )
    .ours(),
    refused(
        "a-hundred-and-one-fields-are-answered-431",
        "RFC 6585 section 5",
        &[431],
        get!("{A: b\r\n*100}"),
    )
    .ours(),
    forwarded(
        "a-head-of-32-kib-is-forwarded",
        "RFC 9110 section 5.4",
        get!("A: {a*32725}\r\n"),
        &[Check::Field("host", "example.test")],
    )
    .ours(),
    refused("a-head-over-32-kib-is-answered-431", "RFC 6585 section 5", &[431], get!("A: {a*32726}\r\n"))
        .ours(),
    refused(
        "a-field-line-that-never-ends-is-answered-431",
        "RFC 6585 section 5",
        &[431],
        "GET / HTTP/1.1\r\nHost: example.test\r\nA: {a*90000}",
    )
    .ours(),
    refused(
        "field-lines-that-never-end-are-answered-431",
        "RFC 6585 section 5",
        &[431],
        "GET / HTTP/1.1\r\nHost: example.test\r\n{A: b\r\n*20000}",
    )
    .ours(),
    refused(
        "thirty-three-connection-options-are-refused",
        "RFC 9110 section 7.6.1",
        &[400],
        get!("Connection: {a, *33}\r\n"),
    )
    .ours(),
    refused(
        "a-request-that-ends-within-its-head-is-answered-400",
        "RFC 9112 section 8",
        &[400],
        "GET / HTTP/1.1\r\nHost: exam",
    )
    .then(&[Act::HalfClose])
    .ours(),
    refused(
        "a-request-that-ends-within-its-request-line-is-answered-400",
        "RFC 9112 section 8",
        &[400],
        "GET / HT",
    )
    .then(&[Act::HalfClose])
    .ours(),
];
