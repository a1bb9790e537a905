// A request arrives as bytes, is changed as a proxy changes it, and leaves as bytes. No socket is involved.

use codec::{Decoded, Decoder, Encoder, Host, Limits, Persistence, Refusal, forward};

const RECEIVED: &[u8] =
    b"POST /notes HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";

pub fn main() -> Result<(), Refusal> {
    let limits = &Limits::DEFAULT;

    // Bytes in: a program with a socket reads into this space.
    let mut decoder = Decoder::new();
    decoder.space(limits)[..RECEIVED.len()].copy_from_slice(RECEIVED);
    decoder.filled(RECEIVED.len());

    // A head and pieces of the body out.
    let mut request = decoder.decode_request(limits)?.expect("a complete head");
    assert_eq!((request.method(), request.path()), ("POST", "/notes"));
    assert_eq!(request.fields.get("host"), Some(&b"example.com"[..]));
    forward::request(&mut request, [192, 0, 2, 1].into(), "example")?;

    // Bytes out: the head is queued, and leaves together with the first piece of the body.
    let mut encoder = Encoder::new();
    let backend = Host::new("backend:8081")?;
    encoder.queue_request(&request, &backend, Persistence::KeepAlive);
    let mut sent = Vec::new();
    while decoder.decode_piece(limits)? == Decoded::Piece {
        let piece = decoder.piece();
        sent.extend(encoder.parts(&piece).expect("a body of the announced length").concat());
        encoder.written(piece.is_last());
    }

    let sent = String::from_utf8_lossy(&sent);
    println!("{sent}");
    assert!(sent.starts_with("POST /notes HTTP/1.1\r\nHost: example.com\r\n"));
    // RFC 9110 section 7.6.1: `Connection: close` is for this hop only, and is not forwarded.
    assert!(!sent.contains("close") && sent.contains("\r\nVia: 1.1 example\r\n"));
    assert!(sent.ends_with("\r\nContent-Length: 5\r\n\r\nhello"));
    Ok(())
}
