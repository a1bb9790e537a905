//! Calls in an order that HTTP does not allow. The core reports them and never writes a message that its recipient
//! would read differently.

use codec::{
    Answering, BodyFraming, Encoder, Persistence, Piece, ResponseHead, ResponseTo, Version, WrongBodyLength,
};

const ANSWERING: Answering = Answering {
    response_to: ResponseTo::Other,
    version: Version::HTTP_1_1,
    persistence: Persistence::KeepAlive,
};

const FRAMINGS: [BodyFraming; 3] =
    [BodyFraming::Chunked, BodyFraming::ContentLength(5), BodyFraming::CloseDelimited];

/// An encoder with the queued head of a response.
fn encoder(framing: BodyFraming) -> Encoder {
    let mut encoder = Encoder::new();
    encoder.queue_response(&ResponseHead::new(200, framing), ANSWERING, None);
    encoder
}

fn write(encoder: &mut Encoder, piece: Piece<'_>) -> Result<Vec<u8>, WrongBodyLength> {
    let written = encoder.parts(piece)?.concat();
    encoder.written(piece.is_last());
    Ok(written)
}

#[test]
fn a_piece_after_the_last_is_an_error() {
    // RFC 9112 section 7.1: the recipient would read its bytes as the next message.
    for framing in FRAMINGS {
        let mut encoder = encoder(framing);
        write(&mut encoder, Piece::last(b"hello")).unwrap();
        for piece in [Piece::partial(b"hello"), Piece::last(b"hello"), Piece::last(b"")] {
            assert_eq!(write(&mut encoder, piece), Err(WrongBodyLength), "{framing:?}, {piece:?}");
        }
        assert!(encoder.is_clean(), "{framing:?}: the message itself is complete");
    }
}

#[test]
fn a_piece_without_a_head_is_an_error() {
    for piece in [Piece::partial(b"hello"), Piece::last(b"")] {
        assert_eq!(write(&mut Encoder::new(), piece), Err(WrongBodyLength), "{piece:?}");
    }
}

#[test]
fn a_head_within_a_body_is_an_error() {
    // RFC 9112 section 6.3: the recipient would read the head as a part of the body.
    for framing in FRAMINGS {
        for resets in [false, true] {
            let mut encoder = encoder(framing);
            write(&mut encoder, Piece::partial(b"he")).unwrap();
            if resets {
                encoder.reset();
            }
            encoder.queue_response(&ResponseHead::new(500, BodyFraming::Empty), ANSWERING, None);
            assert_eq!(write(&mut encoder, Piece::last(b"")), Err(WrongBodyLength), "{framing:?}");
            assert!(!encoder.is_clean(), "{framing:?}");
        }
    }
}

#[test]
fn a_piece_after_an_unfinished_write_is_an_error() {
    // It is unknown which bytes of the first piece have left, so neither can be written again.
    let mut encoder = encoder(BodyFraming::Chunked);
    encoder.parts(Piece::partial(b"hello")).unwrap();
    assert_eq!(write(&mut encoder, Piece::last(b"!")), Err(WrongBodyLength));
    assert!(!encoder.is_clean());
}
