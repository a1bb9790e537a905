//! Encoded bodies: their framing, and their announced lengths.

mod common;

use codec::{
    Answering, BodyFraming, Decoded, Decoder, Encoder, Limits, Persistence, Piece, Progress, RequestHead,
    ResponseHead, ResponseTo, Version, WrongBodyLength, forward,
};
use common::{DATE, request};

const ANSWERING: Answering = Answering {
    response_to: ResponseTo::Other,
    version: Version::HTTP_1_1,
    persistence: Persistence::KeepAlive,
};

fn encoder(framing: BodyFraming) -> Encoder {
    let mut encoder = Encoder::new();
    encoder.queue_response(&ResponseHead::new(200, framing), ANSWERING, common::date());
    encoder.queued();
    encoder.written(false);
    encoder
}

fn write(encoder: &mut Encoder, piece: Piece<'_>) -> Result<String, WrongBodyLength> {
    let written = encoder.parts(&piece)?.concat();
    encoder.written(piece.is_last());
    Ok(String::from_utf8_lossy(&written).into_owned())
}

#[test]
fn a_head_is_sent_with_the_first_piece_and_the_last_chunk_with_the_last() {
    // RFC 9112 section 7.1
    let mut encoder = Encoder::new();
    let head = ResponseHead::new(200, BodyFraming::Chunked);
    encoder.queue_response(&head, ANSWERING, common::date());
    assert_eq!(encoder.progress(), Progress::HeadQueued);
    let first = write(&mut encoder, Piece::partial(b"hello")).unwrap();
    let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: {DATE}\r\n\r\n");
    assert_eq!(first, head + "5\r\nhello\r\n");
    assert_eq!(encoder.progress(), Progress::HeadSent);
    assert_eq!(write(&mut encoder, Piece::partial(b"")).unwrap(), "", "an empty piece is no last chunk");
    assert_eq!(write(&mut encoder, Piece::last(b"!")).unwrap(), "1\r\n!\r\n0\r\n\r\n");
    assert!(encoder.is_clean());
}

#[test]
fn a_response_gets_no_date_without_a_clock() {
    // RFC 9110 section 6.6.1: a server without a clock MUST NOT generate a Date.
    let mut encoder = Encoder::new();
    encoder.queue_response(&ResponseHead::new(200, BodyFraming::Empty), ANSWERING, None);
    assert_eq!(encoder.queued(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    // The date of the backend is forwarded.
    encoder.reset();
    let head = ResponseHead::new(200, BodyFraming::Empty).with("Date", "then");
    encoder.queue_response(&head, ANSWERING, None);
    assert!(encoder.queued().ends_with(b"\r\nDate: then\r\nContent-Length: 0\r\n\r\n"));
}

#[test]
fn a_large_piece_is_not_copied_and_keeps_its_framing() {
    // RFC 9112 section 7.1
    let bytes = vec![b'x'; 100_000];
    let mut encoder = encoder(BodyFraming::Chunked);
    let [before, piece, after] = encoder.parts(&Piece::last(&bytes)).unwrap();
    assert_eq!((before, after), (&b"186a0\r\n"[..], &b"\r\n0\r\n\r\n"[..]));
    assert_eq!(piece.as_ptr(), bytes.as_ptr());
}

#[test]
fn a_body_that_differs_from_the_announced_length_is_an_error() {
    // RFC 9112 section 6.3: it would shift every message after it.
    let mut too_long = encoder(BodyFraming::ContentLength(4));
    assert_eq!(write(&mut too_long, Piece::partial(b"hello")), Err(WrongBodyLength));
    let mut too_short = encoder(BodyFraming::ContentLength(6));
    assert_eq!(write(&mut too_short, Piece::last(b"hello")), Err(WrongBodyLength));
    let mut right = encoder(BodyFraming::ContentLength(5));
    assert_eq!(write(&mut right, Piece::partial(b"he")).unwrap(), "he");
    assert_eq!(write(&mut right, Piece::last(b"llo")).unwrap(), "llo");
}

#[test]
fn trailers_follow_the_last_chunk_without_fields_that_frame_or_route() {
    // RFC 9110 section 6.5.1
    let input = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\nHost: g\r\n\
                 Transfer-Encoding: chunked\r\nConnection: close\r\nAuthorization: x\r\nVia: v\r\n\
                 X_Forwarded_For: f\r\nContent_Length: 5\r\nX-Checksum: 7\r\n\r\n";
    let mut decoder = Decoder::new();
    common::receive(&mut decoder, input.as_bytes(), &Limits::DEFAULT);
    decoder.decode_request(&Limits::DEFAULT).unwrap().unwrap();
    assert_eq!(decoder.decode_piece(&Limits::DEFAULT), Ok(Decoded::Piece));
    let mut encoder = encoder(BodyFraming::Chunked);
    assert_eq!(write(&mut encoder, decoder.piece()).unwrap(), "0\r\nX-Checksum: 7\r\n\r\n");
}

#[test]
fn hop_by_hop_trailers_are_not_forwarded() {
    // RFC 9110 section 7.6.1: fields and trailers that Connection names.
    for (connection, expected) in
        [("X-Checksum", "0\r\n\r\n"), ("keep-alive, TE", "0\r\nX-Checksum: 7\r\n\r\n")]
    {
        let input = format!(
            "POST / HTTP/1.1\r\nHost: h\r\nConnection: {connection}\r\nTransfer-Encoding: chunked\r\n\r\n\
             0\r\nX-Checksum: 7\r\n\r\n"
        );
        let mut decoder = Decoder::new();
        common::receive(&mut decoder, input.as_bytes(), &Limits::DEFAULT);
        let mut head = decoder.decode_request(&Limits::DEFAULT).unwrap().unwrap();
        forward::request(&mut head, [10, 0, 0, 1].into(), "proxy").unwrap();
        assert_eq!(decoder.decode_piece(&Limits::DEFAULT), Ok(Decoded::Piece));
        let mut encoder = Encoder::new();
        encoder.queue_request(&head, &common::host(), Persistence::KeepAlive);
        let sent = write(&mut encoder, decoder.piece()).unwrap();
        assert_eq!(sent.split_once("\r\n\r\n").unwrap().1, expected, "{connection}");
    }
}

#[test]
fn a_queued_head_can_be_replaced_until_it_is_sent() {
    let mut encoder = Encoder::new();
    encoder.queue_response(&ResponseHead::new(200, BodyFraming::Chunked), ANSWERING, common::date());
    encoder.queue_response(&ResponseHead::new(502, BodyFraming::Empty), ANSWERING, common::date());
    let sent = write(&mut encoder, Piece::last(b"")).unwrap();
    assert_eq!(sent, format!("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nDate: {DATE}\r\n\r\n"));
}

#[test]
fn an_encoder_is_not_clean_during_a_write() {
    let mut encoder = encoder(BodyFraming::ContentLength(5));
    let _ = encoder.parts(&Piece::last(b"hello")).unwrap();
    assert!(!encoder.is_clean(), "the write may have been broken off");
    encoder.written(true);
    assert!(encoder.is_clean());
}

#[test]
fn an_encoder_is_not_clean_after_an_interrupted_write() {
    let mut encoder = Encoder::new();
    encoder.queue_response(&ResponseHead::new(200, BodyFraming::ContentLength(5)), ANSWERING, common::date());
    let _ = encoder.parts(&Piece::partial(b"he")).unwrap();
    // `written` was not called: a part of the head may have been sent.
    assert_eq!(encoder.progress(), Progress::HeadSent);
    encoder.queue_response(&ResponseHead::new(502, BodyFraming::Empty), ANSWERING, common::date());
    assert_eq!(write(&mut encoder, Piece::last(b"")), Err(WrongBodyLength));
    encoder.written(true);
    assert!(!encoder.is_clean());
    encoder.release();
    assert!(!encoder.is_clean());
}

#[test]
fn an_encoded_request_can_be_decoded() {
    let head = RequestHead::new("PUT", "/x?y", "h:80", BodyFraming::Chunked).unwrap();
    let mut encoder = Encoder::new();
    encoder.queue_request(&head, &common::host(), Persistence::Close);
    let mut bytes = encoder.parts(&Piece::last(b"hello")).unwrap().concat();
    let message = request(&bytes).unwrap();
    assert_eq!((message.start.as_str(), &message.body[..]), ("PUT /x?y HTTP/1.1", &b"hello"[..]));
    assert_eq!(message.field("connection"), Some("close"));
    bytes.pop();
    assert!(common::is_incomplete(&bytes));
}

#[test]
fn a_built_request_is_validated_like_a_received_one() {
    for (method, target, host) in
        [("G T", "/", "h"), ("GET", "a b", "h"), ("GET", "/", "h\r\nX: y"), ("GET", "/", "")]
    {
        assert!(
            RequestHead::new(method, target, host, BodyFraming::Empty).is_err(),
            "{method} {target} {host}"
        );
    }
}
