//! Message framing: what is accepted, and what is refused with which rule.

mod common;

use codec::{BodyFraming, Decoded, Decoder, Limits, Refusal, ResponseTo};
use common::{is_incomplete, receive, refuses, request, request_within, response, response_to};

/// A POST with `lines` (each with its CRLF) after Host, and then `body`.
fn post(lines: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}\r\n{body}")
}

fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", body)
}

#[track_caller]
fn refuses_response(input: impl AsRef<[u8]>, refusal: Refusal) {
    assert_eq!(response(input), Err(refusal));
}

#[test]
fn a_request_without_length_or_coding_has_no_body() {
    // RFC 9112 section 6.3, rule 7
    assert_eq!(request(post("", "")).unwrap().framing, BodyFraming::Empty);
}

#[test]
fn a_body_has_the_length_that_content_length_says() {
    // RFC 9112 section 6.3, rule 6
    let message = request(post("Content-Length: 5\r\n", "hello")).unwrap();
    assert_eq!((message.framing, &message.body[..]), (BodyFraming::ContentLength(5), &b"hello"[..]));
    assert_eq!(request(post("Content-Length: 0\r\n", "")).unwrap().framing, BodyFraming::ContentLength(0));
    assert!(is_incomplete(post("Content-Length: 6\r\n", "hello")));
}

#[test]
fn transfer_encoding_with_content_length_is_refused() {
    // RFC 9112 section 6.1
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: x\r\n",
    ] {
        refuses(post(lines, "0\r\n\r\n"), Refusal::ContentLengthWithTransferEncoding, 400);
    }
}

#[test]
fn two_content_lengths_are_refused_equal_or_not() {
    // RFC 9112 section 6.3, rule 5
    for lines in ["Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5\r\ncontent-length: 5\r\n"]
    {
        refuses(post(lines, "hello"), Refusal::SeveralContentLengths, 400);
    }
}

#[test]
fn a_content_length_that_is_not_a_decimal_number_is_refused() {
    // RFC 9110 section 8.6, RFC 9112 section 6.3, rule 5
    for value in ["+5", "-1", "18446744073709551621", "5,5", "5, 5", "0x5", "", "5 5", "5.0", "a", "\u{665}"]
    {
        refuses(post(&format!("Content-Length: {value}\r\n"), "hello"), Refusal::InvalidContentLength, 400);
    }
    assert!(is_incomplete(post("Content-Length: 18446744073709551615\r\n", "hello")));
}

#[test]
fn a_final_transfer_coding_other_than_chunked_is_refused() {
    // RFC 9112 section 6.3, rule 4
    for value in [
        ",chunked",
        "chunked,",
        "gzip",
        "chunked, gzip",
        "chunked, chunked",
        "identity",
        "",
        ",",
        "xchunked",
        "chunked;a=b",
        "chunked, identity",
    ] {
        refuses(post(&format!("Transfer-Encoding: {value}\r\n"), ""), Refusal::ChunkedNotFinal, 400);
    }
    let lines = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
    refuses(post(lines, "0\r\n\r\n"), Refusal::ChunkedNotFinal, 400);
    refuses(
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", ""),
        Refusal::ChunkedNotFinal,
        400,
    );
}

#[test]
fn an_inner_transfer_coding_is_answered_501() {
    // RFC 9112 section 6.1: 501 for a coding that is not understood.
    for value in ["gzip, chunked", "x, Chunked", "identity, chunked"] {
        refuses(post(&format!("Transfer-Encoding: {value}\r\n"), ""), Refusal::UnknownTransferCoding, 501);
    }
}

#[test]
fn transfer_encoding_in_http_1_0_is_refused() {
    // RFC 9112 section 6.1
    let input = "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    refuses(input, Refusal::TransferEncodingInHttp10, 400);
}

#[test]
fn a_body_over_the_limit_is_413_and_an_announced_one_is_not_read() {
    // RFC 9110 section 15.5.14
    let limits = Limits { max_body_bytes: Some(4), ..Limits::DEFAULT };
    let too_large = Err(Refusal::BodyTooLarge);
    assert_eq!(request_within(post("Content-Length: 5\r\n", ""), &limits), too_large);
    assert_eq!(request_within(chunked("5\r\nhello\r\n0\r\n\r\n"), &limits), too_large);
    assert_eq!(request_within(chunked("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), &limits), too_large);
    assert!(request_within(post("Content-Length: 4\r\n", "hell"), &limits).is_ok());
    assert_eq!(Refusal::BodyTooLarge.status(), 413);
    // The limit does not apply to responses.
    let expected = codec::Expected { response_to: ResponseTo::Other, upgrade: false };
    let input = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(common::all_responses(expected, input, &limits).messages.len(), 1);
}

#[test]
fn a_response_without_length_or_coding_is_close_delimited() {
    // RFC 9112 section 6.3, rule 8
    let message = response("HTTP/1.1 200 OK\r\n\r\nall of it").unwrap();
    assert_eq!((message.framing, &message.body[..]), (BodyFraming::CloseDelimited, &b"all of it"[..]));
    assert_eq!(response("HTTP/1.0 200 OK\r\n\r\n").unwrap().body, b"");
}

#[test]
fn responses_to_head_and_of_204_and_304_have_no_body() {
    // RFC 9112 section 6.3, rule 1
    for status in ["204 No Content", "304 Not Modified"] {
        let message = response(format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\nsurplus")).unwrap();
        assert_eq!((message.framing, message.body.len()), (BodyFraming::Empty, 0));
    }
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let message = response_to(ResponseTo::Head, head).unwrap();
    assert_eq!((message.framing, message.body.len()), (BodyFraming::Empty, 0));
}

#[test]
fn in_a_response_transfer_encoding_overrides_content_length() {
    // RFC 9112 section 6.3, rule 3
    let input =
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let message = response(input).unwrap();
    assert_eq!((message.framing, &message.body[..]), (BodyFraming::Chunked, &b"hello"[..]));
}

#[test]
fn a_response_with_invalid_framing_is_refused() {
    // RFC 9112 section 6.3, rule 5, and section 6.1
    let with = |lines: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\nhello");
    refuses_response(with("Content-Length: 5\r\nContent-Length: 6"), Refusal::SeveralContentLengths);
    refuses_response(with("Content-Length: +5"), Refusal::InvalidContentLength);
    refuses_response(with("Transfer-Encoding: gzip"), Refusal::ChunkedNotFinal);
    refuses_response(with("Transfer-Encoding: gzip, chunked"), Refusal::UnknownTransferCoding);
    let http_1_0 = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    refuses_response(http_1_0, Refusal::TransferEncodingInHttp10);
}

#[test]
fn the_buffer_of_a_long_body_grows_to_256_kib_and_no_further() {
    // The bound is `Limits::max_buffer_bytes`: a fast sender cannot increase it.
    let limits = &Limits::DEFAULT;
    let mut decoder = Decoder::new();
    receive(&mut decoder, post("Content-Length: 99999999\r\n", "").as_bytes(), limits);
    assert!(decoder.decode_request(limits).unwrap().is_some());
    let mut largest = 0;
    for _ in 0..100 {
        // Fills all the space, like a socket that always has more bytes.
        let space = decoder.space(limits).len();
        decoder.filled(space);
        largest = largest.max(space);
        while decoder.decode_piece(limits) == Ok(Decoded::Piece) {}
    }
    assert_eq!(largest, limits.max_buffer_bytes);
}
