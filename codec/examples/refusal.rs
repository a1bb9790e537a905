//! An ambiguous request is rejected, and answered with the status of the rule that it breaks.

use codec::{
    Answering, BodyFraming, Date, Decoder, Encoder, Limits, Persistence, Piece, Refusal, ResponseHead,
    ResponseTo, Version, WrongBodyLength,
};

/// RFC 9112 section 6.1: the two fields contradict each other, and two recipients may trust different ones.
const RECEIVED: &[u8] =
    b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

pub fn main() -> Result<(), WrongBodyLength> {
    let limits = &Limits::DEFAULT;
    let mut decoder = Decoder::new();
    decoder.space(limits)[..RECEIVED.len()].copy_from_slice(RECEIVED);
    decoder.filled(RECEIVED.len());

    let refusal = decoder.decode_request(limits).expect_err("two lengths");
    assert_eq!(refusal, Refusal::ContentLengthWithTransferEncoding);
    // The start of the next request is unknown, so the connection is closed after the answer.
    let answering = Answering {
        response_to: ResponseTo::Other,
        version: Version::HTTP_1_1,
        persistence: Persistence::Close,
    };
    let text = format!("{refusal}\n");
    let head = ResponseHead::new(refusal.status(), BodyFraming::ContentLength(text.len() as u64))
        .with("Content-Type", "text/plain");
    let mut encoder = Encoder::new();
    encoder.queue_response(&head, answering, Date::now());
    let sent = encoder.parts(&Piece::last(text.as_bytes()))?.concat();
    encoder.written(true);

    let sent = String::from_utf8_lossy(&sent);
    println!("{sent}");
    assert!(sent.starts_with("HTTP/1.1 400 Bad Request\r\n") && sent.contains("\r\nConnection: close\r\n"));
    assert!(sent.contains("RFC 9112 section 6.1"));
    Ok(())
}
