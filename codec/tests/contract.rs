//! What the core promises to its caller: the end of a connection, and the order of the calls.

#![allow(clippy::unwrap_used)] // A test may fail.

mod common;

use codec::{Decoded, Decoder, Expected, Limits, Refusal, ResponseTo};
use common::receive;

const LIMITS: &Limits = &Limits::DEFAULT;
const EXPECTED: Expected = Expected { response_to: ResponseTo::Other, upgrade: false };
const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";

/// A decoder with these bytes, at the end of the connection.
fn ended(bytes: &[u8]) -> Decoder {
    let mut decoder = Decoder::new();
    receive(&mut decoder, bytes, LIMITS);
    decoder.filled(0);
    decoder
}

#[test]
fn the_end_within_a_head_is_an_error_and_the_end_between_messages_is_not() {
    // RFC 9112 section 8
    for end in 1..POST.len() {
        let refusal = ended(&POST[..end]).decode_request(LIMITS).unwrap_err();
        assert_eq!(refusal, Refusal::IncompleteHead, "after {end} bytes");
    }
    for nothing in [&b""[..], b"\r\n", b"\r"] {
        assert!(ended(nothing).decode_request(LIMITS).unwrap().is_none(), "{nothing:?}");
    }
    for part in [&b"HTTP/1.1 200 OK\r\n"[..], b"H"] {
        let refusal = ended(part).decode_response(EXPECTED, LIMITS).unwrap_err();
        assert_eq!(refusal, Refusal::IncompleteHead, "{part:?}");
    }
    assert!(ended(b"").decode_response(EXPECTED, LIMITS).unwrap().is_none());
}

#[test]
fn the_end_after_an_interim_response_is_an_error() {
    // RFC 9110 section 15.2: a final response follows.
    let mut decoder = ended(b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(decoder.decode_response(EXPECTED, LIMITS).unwrap().unwrap().status(), 100);
    assert_eq!(decoder.decode_response(EXPECTED, LIMITS).unwrap_err(), Refusal::IncompleteHead);
}

#[test]
fn the_end_within_a_body_is_an_error_after_the_last_piece() {
    // RFC 9112 section 8
    let chunked = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (message, body) in [
        ([POST, b""].concat(), &b""[..]),
        ([POST, b"he"].concat(), b"he"),
        ([&chunked[..], b"5\r\nhe"].concat(), b"he"),
        ([&chunked[..], b"5\r\nhello\r\n0\r\nX: "].concat(), b"hello"),
    ] {
        let mut decoder = ended(&message);
        decoder.decode_request(LIMITS).unwrap().unwrap();
        assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::Piece), "the first call gives what came");
        assert_eq!((decoder.piece().bytes(), decoder.piece().is_last()), (body, false));
        for _ in 0..2 {
            assert_eq!(decoder.decode_piece(LIMITS), Err(Refusal::IncompleteBody));
        }
        assert_eq!(decoder.decode_request(LIMITS).unwrap_err(), Refusal::IncompleteBody);
    }
}

#[test]
fn the_end_ends_a_close_delimited_body() {
    // RFC 9112 section 6.3, rule 8
    let mut decoder = ended(b"HTTP/1.1 200 OK\r\n\r\nhello");
    decoder.decode_response(EXPECTED, LIMITS).unwrap().unwrap();
    assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::Piece));
    assert_eq!((decoder.piece().bytes(), decoder.piece().is_last()), (&b"hello"[..], true));
    assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::End));
}

#[test]
fn a_next_head_before_the_end_of_the_body_is_an_error_that_does_not_last() {
    let mut decoder = Decoder::new();
    receive(&mut decoder, &[POST, b"hello", POST].concat(), LIMITS);
    decoder.decode_request(LIMITS).unwrap().unwrap();
    assert_eq!(decoder.decode_request(LIMITS).unwrap_err(), Refusal::UnreadBody);
    assert_eq!(decoder.decode_response(EXPECTED, LIMITS).unwrap_err(), Refusal::UnreadBody);
    assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::Piece));
    assert_eq!((decoder.piece().bytes(), decoder.piece().is_last()), (&b"hello"[..], true));
    assert!(decoder.decode_request(LIMITS).unwrap().is_some());
}

#[test]
fn there_is_no_body_before_a_head() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::End));
    receive(&mut decoder, POST, LIMITS);
    assert_eq!(decoder.decode_piece(LIMITS), Ok(Decoded::End));
    assert!(decoder.decode_request(LIMITS).unwrap().is_some());
}
