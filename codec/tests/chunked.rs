//! The chunked coding: what is accepted, and what is refused with which rule.

#![allow(clippy::unwrap_used)] // A test may fail.

mod common;

use codec::{BodyFraming, Limits, Refusal};
use common::{is_incomplete, refuses, request, request_within};

fn chunked(body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
}

#[test]
fn adjacent_chunks_become_one_piece_without_framing() {
    // RFC 9112 section 7.1
    let message = request(chunked("5\r\nhello\r\n2\r\n, \r\n00005\r\nworld\r\n0\r\n\r\n")).unwrap();
    assert_eq!(message.body, b"hello, world");
    assert_eq!(message.framing, BodyFraming::Chunked);
    let upper = request(chunked(&format!("1A\r\n{0}\r\n1a\r\n{0}\r\n0\r\n\r\n", "x".repeat(26)))).unwrap();
    assert_eq!(upper.body.len(), 52);
    for incomplete in
        ["", "5", "5\r", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n0\r\n", "0\r\n\r", "0\r\nA: b\r\n"]
    {
        assert!(is_incomplete(chunked(incomplete)), "{incomplete:?}");
    }
}

#[test]
fn a_chunk_size_is_1_to_15_hexadecimal_digits() {
    // RFC 9112 section 7.1
    for size in ["0x5", "+5", "-5", " 5", "5 ", "5\t", "", "g", "\r", "1234567890123456", "5\0", "5,"] {
        refuses(chunked(&format!("{size}\r\nhello\r\n0\r\n\r\n")), Refusal::InvalidChunkSize, 400);
    }
    assert!(is_incomplete(chunked("fffffffffffffff\r\nhello")));
    assert_eq!(request(chunked("000000000000005\r\nhello\r\n0\r\n\r\n")).unwrap().body, b"hello");
}

#[test]
fn a_chunk_size_line_that_ends_with_line_feed_alone_is_refused() {
    // RFC 9112 section 7.1: CRLF, without the leniency of section 2.2
    refuses(chunked("5\nhello\r\n0\r\n\r\n"), Refusal::InvalidChunkSize, 400);
    refuses(chunked("5\r\nhello\r\n0\n\r\n"), Refusal::InvalidChunkSize, 400);
    refuses(chunked("5\r\nhello\r\n0\r\n\n"), Refusal::BareLineFeed, 400);
}

#[test]
fn an_empty_chunk_size_line_is_refused() {
    // RFC 9112 section 7.1: `httparse::parse_chunk_size` parses it as 0.
    refuses(chunked("\r\n\r\n"), Refusal::InvalidChunkSize, 400);
    refuses(chunked(";a=b\r\n\r\n"), Refusal::InvalidChunkSize, 400);
}

#[test]
fn a_chunk_that_does_not_end_where_its_size_says_is_refused() {
    // RFC 9112 section 7.1
    for body in [
        "5\r\nhello!\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\rx",
        "3\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
    ] {
        refuses(chunked(body), Refusal::InvalidChunkEnd, 400);
    }
}

#[test]
fn chunk_extensions_are_checked_and_dropped() {
    // RFC 9112 section 7.1.1
    for extension in [";a", ";a=b", ";a=\"b;c\\\"d\"", ";a;b=c", ";a=\"\""] {
        let message = request(chunked(&format!("5{extension}\r\nhello\r\n0{extension}\r\n\r\n"))).unwrap();
        assert_eq!(message.body, b"hello", "{extension}");
    }
    for extension in [
        ";",
        ";;",
        ";a;",
        ";=b",
        ";a=",
        ";a=b c",
        "; a",
        ";a =b",
        ";a\0",
        ";a\rb",
        ";a=\"b",
        ";a=\"b\"c",
        ";(",
        ";a\u{7f}",
        ";a=\"b\u{1}\"",
    ] {
        refuses(chunked(&format!("5{extension}\r\nhello\r\n0\r\n\r\n")), Refusal::InvalidChunkExtension, 400);
    }
}

#[test]
fn a_line_feed_in_a_chunk_extension_is_refused() {
    // RFC 9112 section 7.1.1: Pingora accepts it, and reads another body than its backend.
    refuses(chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"), Refusal::InvalidChunkExtension, 400);
}

#[test]
fn a_chunk_extension_over_256_bytes_is_refused() {
    // RFC 9112 section 7.1.1: a recipient ought to limit the total length of extensions.
    let with = |length: usize| chunked(&format!("5;{}\r\nhello\r\n0\r\n\r\n", "a".repeat(length - 1)));
    assert!(request(with(256)).is_ok());
    refuses(with(257), Refusal::ChunkExtensionTooLong, 400);
    refuses(chunked(&format!("5;{}", "a".repeat(1000))), Refusal::ChunkExtensionTooLong, 400);
}

#[test]
fn a_trailer_section_is_decoded_after_the_last_chunk() {
    // RFC 9112 section 7.1.2
    let message = request(chunked("5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n")).unwrap();
    assert_eq!(message.trailers, [("A".to_string(), "b".to_string()), ("C".to_string(), "d".to_string())]);
    refuses(chunked("0\r\nA : b\r\n\r\n"), Refusal::WhitespaceBeforeColon, 400);
    refuses(chunked("0\r\nA: b\n\r\n"), Refusal::BareLineFeed, 400);
    let lenient = Limits { bare_line_feed: codec::BareLineFeed::Accept, ..Limits::DEFAULT };
    let lenient = request_within(chunked("0\r\nA: b\n\n"), &lenient);
    assert_eq!(lenient, Err(Refusal::BareLineFeed), "the limits accept it in heads only");
}

#[test]
fn a_trailer_section_has_the_bounds_of_a_head() {
    // RFC 6585 section 5
    refuses(chunked(&format!("0\r\n{}\r\n", "A: b\r\n".repeat(101))), Refusal::TooManyFields, 431);
    refuses(chunked(&format!("0\r\nA: {}\r\n\r\n", "a".repeat(33_000))), Refusal::HeadTooLarge, 431);
}
