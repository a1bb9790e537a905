//! A client and a server without sockets: a request, and a response of unknown length in pieces. Each side has a
//! decoder and an encoder, and the bytes between them are in vectors.

use codec::{
    BodyFraming, Date, Decoded, Decoder, Encoder, Host, Limits, Persistence, Piece, RequestHead, ResponseHead,
};

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limits = &Limits::DEFAULT;

    // The client writes a request without a body. Its one piece is empty, and the last.
    let host = Host::new("example.com")?;
    let request = RequestHead::new("GET", "/notes", host.as_str(), BodyFraming::Empty)?;
    let mut encoder = Encoder::new();
    encoder.queue_request(&request, &host, Persistence::KeepAlive);
    let to_server = encoder.parts(&Piece::last(b""))?.concat();
    encoder.written(true);

    // The server reads it, and answers in pieces. The encoder writes what the version of the client can read.
    let (received, _) = read(&mut Decoder::new(), &to_server, |decoder| decoder.decode_request(limits))?;
    let mut answer = Encoder::new();
    let head = ResponseHead::new(200, BodyFraming::Chunked).with("Content-Type", "text/plain");
    let persistence = answer.queue_response(&head, received.answering(), Date::now());
    let mut to_client = Vec::new();
    for piece in [Piece::partial(b"first\n"), Piece::partial(b"second\n"), Piece::last(b"")] {
        to_client.extend(answer.parts(&piece)?.concat());
        answer.written(piece.is_last());
    }
    assert_eq!((persistence, answer.is_clean()), (Persistence::KeepAlive, true));

    // The client reads the response. How it is framed depends on the request.
    let mut decoder = Decoder::new();
    let (response, body) =
        read(&mut decoder, &to_client, |decoder| decoder.decode_response(request.expected(), limits))?;
    let persistence = response.persistence(request.response_to());
    println!("{response:?}\n{}", body.escape_ascii());
    assert_eq!((response.status(), &body[..]), (200, &b"first\nsecond\n"[..]));
    // RFC 9112 section 9.3: all three must hold before the connection is used again.
    assert!(persistence == Persistence::KeepAlive && encoder.is_clean() && decoder.is_clean());
    Ok(())
}

/// Reads a message: its head, which `decode_head` decodes, and its body.
fn read<T>(
    decoder: &mut Decoder,
    mut input: &[u8],
    mut decode_head: impl FnMut(&mut Decoder) -> Result<Option<T>, codec::Refusal>,
) -> Result<(T, Vec<u8>), Box<dyn std::error::Error>> {
    let limits = &Limits::DEFAULT;
    let head = loop {
        match decode_head(decoder)? {
            Some(head) => break head,
            None if decoder.is_at_end_of_file() => {
                return Err("the connection ended before the message".into());
            }
            None => fill(decoder, &mut input)?,
        }
    };
    let mut body = Vec::new();
    loop {
        match decoder.decode_piece(limits)? {
            Decoded::Piece => body.extend_from_slice(decoder.piece().bytes()),
            Decoded::NeedsMore => fill(decoder, &mut input)?,
            Decoded::End => return Ok((head, body)),
        }
    }
}

/// Reads once from any input, such as a socket. At its end it reads 0 bytes, which tells the decoder that no more follow.
fn fill(decoder: &mut Decoder, input: &mut impl std::io::Read) -> std::io::Result<()> {
    let length = input.read(decoder.space(&Limits::DEFAULT))?;
    decoder.filled(length);
    Ok(())
}
