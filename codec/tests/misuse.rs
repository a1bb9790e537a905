//! Calls in an order that HTTP does not allow. The core reports them and never writes a message that its recipient
//! would read differently.

mod common;

use codec::{
    Answering, BodyFraming, Decoded, Decoder, Encoder, FieldSection, Limits, Persistence, Piece, Progress,
    Refusal, RequestHead, ResponseHead, ResponseTo, Version, WrongBodyLength,
};
use common::{request_head, response_head};

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

fn write(encoder: &mut Encoder, piece: &Piece<'_>) -> Result<Vec<u8>, WrongBodyLength> {
    let written = encoder.parts(piece)?.concat();
    encoder.written(piece.is_last());
    Ok(written)
}

#[test]
fn a_piece_after_the_last_is_an_error() {
    // RFC 9112 section 7.1: the recipient would read its bytes as the next message.
    for framing in FRAMINGS {
        let mut encoder = encoder(framing);
        write(&mut encoder, &Piece::last(b"hello")).unwrap();
        for piece in [Piece::partial(b"hello"), Piece::last(b"hello"), Piece::last(b"")] {
            assert_eq!(write(&mut encoder, &piece), Err(WrongBodyLength), "{framing:?}, {piece:?}");
        }
        assert!(encoder.is_clean(), "{framing:?}: the message itself is complete");
    }
}

#[test]
fn a_piece_without_a_head_is_an_error() {
    for piece in [Piece::partial(b"hello"), Piece::last(b"")] {
        assert_eq!(write(&mut Encoder::new(), &piece), Err(WrongBodyLength), "{piece:?}");
    }
}

#[test]
fn a_head_within_a_body_is_an_error() {
    // RFC 9112 section 6.3: the recipient would read the head as a part of the body.
    for framing in FRAMINGS {
        for resets in [false, true] {
            let mut encoder = encoder(framing);
            write(&mut encoder, &Piece::partial(b"he")).unwrap();
            if resets {
                encoder.reset();
            }
            encoder.queue_response(&ResponseHead::new(500, BodyFraming::Empty), ANSWERING, None);
            assert_eq!(write(&mut encoder, &Piece::last(b"")), Err(WrongBodyLength), "{framing:?}");
            assert!(!encoder.is_clean(), "{framing:?}");
        }
    }
}

#[test]
fn a_piece_after_an_unfinished_write_is_an_error() {
    // It is unknown which bytes of the first piece have left, so neither can be written again.
    let mut encoder = encoder(BodyFraming::Chunked);
    encoder.parts(&Piece::partial(b"hello")).unwrap();
    assert_eq!(write(&mut encoder, &Piece::last(b"!")), Err(WrongBodyLength));
    assert!(!encoder.is_clean());
}

#[test]
fn an_interim_status_as_the_final_response_ends_the_connection() {
    // RFC 9110 section 15.2: the client waits for a final response, and would take the next one for it.
    for status in [100, 102, 103, 199] {
        let mut encoder = Encoder::new();
        let head = ResponseHead::new(status, BodyFraming::Empty);
        assert_eq!(encoder.queue_response(&head, ANSWERING, None), Persistence::Close, "{status}");
    }
}

#[test]
fn a_final_status_as_an_interim_response_is_ignored() {
    // RFC 9110 section 15.2
    for status in [101, 200, 404] {
        let mut encoder = Encoder::new();
        encoder.queue_interim(&ResponseHead::new(status, BodyFraming::Empty));
        assert_eq!(encoder.queued(), b"", "{status}");
    }
}

#[test]
fn an_interim_response_after_the_final_head_is_ignored() {
    // RFC 9110 section 15.2: an interim response precedes the final one.
    let mut encoder = encoder(BodyFraming::Chunked);
    encoder.queue_interim(&ResponseHead::new(103, BodyFraming::Empty));
    let sent = write(&mut encoder, &Piece::partial(b"hello")).unwrap();
    assert!(!String::from_utf8_lossy(&sent).contains("103"), "{}", sent.escape_ascii());
    encoder.queue_interim(&ResponseHead::new(103, BodyFraming::Empty));
    assert_eq!(write(&mut encoder, &Piece::last(b"")).unwrap(), b"0\r\n\r\n");
}

#[test]
fn a_101_ends_http_on_the_connection() {
    // RFC 9110 section 15.2.2: the bytes after it belong to another protocol.
    let mut encoder = Encoder::new();
    let head = ResponseHead::new(101, BodyFraming::Empty).with("Upgrade", "websocket");
    assert_eq!(encoder.queue_response(&head, ANSWERING, None), Persistence::Close);
    let sent = String::from_utf8_lossy(encoder.queued()).into_owned();
    assert!(sent.ends_with("\r\nConnection: upgrade\r\n\r\n"), "{sent}");
}

#[test]
fn an_interim_response_begins_the_next_message() {
    // RFC 9110 section 15.2
    let mut encoder = encoder(BodyFraming::Empty);
    write(&mut encoder, &Piece::last(b"")).unwrap();
    encoder.queue_interim(&ResponseHead::new(103, BodyFraming::Empty));
    assert_eq!(encoder.queued(), b"HTTP/1.1 103 Early Hints\r\n\r\n");
    encoder.written(false);
    assert_eq!(encoder.progress(), Progress::Nothing);
    encoder.queue_response(&ResponseHead::new(200, BodyFraming::Empty), ANSWERING, None);
    write(&mut encoder, &Piece::last(b"")).unwrap();
    assert!(encoder.is_clean());
}

#[test]
fn a_response_whose_fields_are_replaced_keeps_its_status_line() {
    // RFC 9112 section 4: bytes of another section in the reason phrase could end the line.
    let mut fields = FieldSection::new();
    fields.append("A", "1");
    fields.append("B", "2");
    let other = request_head("GET / HTTP/1.1\r\nHost: h\r\n\r\n").fields;
    for replacement in [fields, FieldSection::new(), other] {
        let received = response_head("HTTP/1.1 404 No such page\r\nContent-Length: 0\r\n\r\n");
        for mut head in [ResponseHead::new(404, BodyFraming::Empty), received] {
            head.fields = replacement.clone();
            assert_eq!(head.reason(), b"Not Found");
        }
    }
}

#[test]
fn a_request_whose_fields_are_replaced_cannot_be_sent() {
    // RFC 9112 section 3: bytes of another section in the request line would make another request.
    let mut fields = FieldSection::new();
    fields.append("Host", "h");
    fields.append("Another-Name", "value");
    let other = request_head("GET /longer/than/the/other HTTP/1.1\r\nHost: h\r\n\r\n").fields;
    for replacement in [fields, other] {
        let mut head = RequestHead::new("PUT", "/a", "h", BodyFraming::Empty).unwrap();
        head.fields = replacement;
        let queued = std::panic::catch_unwind(|| {
            let mut encoder = Encoder::new();
            encoder.queue_request(&head, &common::host(), Persistence::KeepAlive);
        });
        assert!(queued.is_err());
    }
    let mut head = RequestHead::new("PUT", "/a", "h", BodyFraming::Empty).unwrap();
    head.fields = head.clone().fields;
    assert_eq!((head.method(), head.target()), ("PUT", "/a"));
}

#[test]
fn discarding_an_incomplete_head_begins_a_new_one() {
    // The search for the end of the head must not continue at a position in the discarded bytes.
    let limits = &Limits::DEFAULT;
    for head in ["GET / HTTP/1.1\r\nHost: h\r\nX-Name: 1\r\n", "GET /", "\r\nGET / HTTP/1.1\r\n"] {
        let mut decoder = Decoder::new();
        common::receive(&mut decoder, head.as_bytes(), limits);
        assert_eq!(decoder.decode_request(limits), Ok(None));
        decoder.discard_unread();
        assert_eq!(decoder.decode_request(limits), Ok(None), "{head:?}");
        common::receive(&mut decoder, b"PUT /next HTTP/1.1\r\nHost: h\nX: a\r\n\r\n", limits);
        assert_eq!(decoder.decode_request(limits), Err(Refusal::BareLineFeed), "{head:?}");
    }
}

#[test]
fn a_body_of_which_bytes_were_discarded_is_not_decoded() {
    // RFC 9112 section 6.3: the end of the body is unknown, so nothing after it is a message.
    let limits = &Limits::DEFAULT;
    for (framing, body) in [
        ("Content-Length: 5", "he"),
        ("Transfer-Encoding: chunked", "5\r\nhe"),
        ("Transfer-Encoding: chunked", "0\r\nX-Name: 1\r\nX-Name: 2\r\n"),
    ] {
        let mut decoder = Decoder::new();
        let message = format!("POST / HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n");
        common::receive(&mut decoder, message.as_bytes(), limits);
        decoder.decode_request(limits).unwrap().unwrap();
        assert_eq!(decoder.decode_piece(limits), Ok(Decoded::Piece));
        common::receive(&mut decoder, body.as_bytes(), limits);
        if body.starts_with('0') {
            assert_eq!(decoder.decode_piece(limits), Ok(Decoded::NeedsMore));
        }
        decoder.discard_unread();
        for _ in 0..2 {
            assert_eq!(decoder.decode_piece(limits), Err(Refusal::UnreadBody), "{framing}, {body:?}");
        }
        assert_eq!(decoder.decode_request(limits), Err(Refusal::UnreadBody), "{framing}, {body:?}");
    }
}

#[test]
fn the_largest_number_as_a_limit_means_no_limit() {
    let limits = &Limits {
        max_method_bytes: usize::MAX,
        max_target_bytes: usize::MAX,
        max_head_bytes: usize::MAX,
        max_fields: usize::MAX,
        max_connection_options: usize::MAX,
        max_body_bytes: Some(u64::MAX),
        max_chunk_extension_bytes: usize::MAX,
        max_interim_responses: u32::MAX,
        max_buffer_bytes: usize::MAX,
        ..Limits::DEFAULT
    };
    let message = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0;c\r\nX: 1\r\n\r\n";
    assert_eq!(common::request_within(message, limits).unwrap().body, b"hello");
}
