//! A response arrives one byte at a time. The result is the same as for a response that arrives at once, and
//! no byte is searched twice.

use codec::{Decoded, Decoder, Expected, Limits, Refusal, ResponseTo};

const RECEIVED: &[u8] =
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Checksum: 7\r\n\r\n";

pub fn main() -> Result<(), Refusal> {
    let limits = &Limits::DEFAULT;
    // How a response is framed depends on its request.
    let expected = Expected { response_to: ResponseTo::Other, upgrade: false };
    let mut decoder = Decoder::new();
    let mut head = None;
    let mut body = Vec::new();
    let mut checksum = None;
    for byte in RECEIVED {
        decoder.space(limits)[0] = *byte;
        decoder.filled(1);
        if head.is_none() {
            head = decoder.decode_response(expected, limits)?;
        }
        // The piece is borrowed from the decoder's buffer, so use it before the next byte is read.
        while head.is_some() && decoder.decode_piece(limits)? == Decoded::Piece {
            let piece = decoder.piece();
            body.extend_from_slice(piece.bytes());
            checksum = piece.trailers().and_then(|trailers| trailers.get("X-Checksum")).map(<[u8]>::to_vec);
        }
    }
    println!("{head:?}\n{}", body.escape_ascii());
    assert_eq!(head.map(|head| head.status()), Some(200));
    assert_eq!(body, b"hello");
    assert_eq!(checksum.as_deref(), Some(&b"7"[..]));
    assert!(decoder.is_clean(), "the next response may follow");
    Ok(())
}
