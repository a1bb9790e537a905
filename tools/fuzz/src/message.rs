//! A byte stream decoded with the codec, cut into pieces in several ways, as messages that can be compared.

use codec::{Decoded, Decoder, Expected, FieldSection, Limits, Refusal, Version};

pub type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// The meaning of a message for its reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// `GET /path 1.1`, or `200 1.1`; a minor version over 1 is 1 (RFC 9110 section 2.5).
    pub start: Vec<u8>,
    pub fields: Fields,
    pub body: Vec<u8>,
    pub trailers: Fields,
    /// Where in the stream the next message starts.
    pub end: usize,
}

/// The messages in a stream, and the result for the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    pub messages: Vec<Message>,
    pub rest: Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    Nothing,
    Incomplete,
    Refused(Refusal),
}

/// How a stream arrives.
#[derive(Clone, Copy, Debug)]
pub enum Cuts {
    Whole,
    ByteByByte,
    /// Pieces of 1 to 32 bytes, chosen by this number.
    Random(u64),
}

impl Cuts {
    /// The length of the next piece of the remaining bytes.
    pub fn next(&mut self, left: usize) -> usize {
        match self {
            Cuts::Whole => left,
            Cuts::ByteByByte => left.min(1),
            Cuts::Random(state) => {
                *state =
                    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                left.min(1 + (*state >> 59) as usize)
            }
        }
    }
}

/// All requests in `input`.
pub fn requests(input: &[u8], cuts: Cuts, limits: &Limits) -> Stream {
    decode(input, cuts, limits, usize::MAX, |decoder| {
        let Some(head) = decoder.decode_request(limits)? else {
            return Ok(None);
        };
        let start = [head.method().as_bytes(), head.target().as_bytes(), version(head.version())].join(&b' ');
        Ok(Some((Message { start, fields: copy(&head.fields), ..Message::default() }, true)))
    })
}

/// All responses in `input` up to the first final one.
pub fn responses(input: &[u8], cuts: Cuts, expected: Expected, limits: &Limits) -> Stream {
    decode(input, cuts, limits, 1, |decoder| {
        let Some(head) = decoder.decode_response(expected, limits)? else {
            return Ok(None);
        };
        let start = [head.status().to_string().as_bytes(), version(head.version())].join(&b' ');
        let message = Message { start, fields: copy(&head.fields), ..Message::default() };
        Ok(Some((message, !head.is_interim())))
    })
}

type Head = (Message, bool);

/// Decodes up to `most` messages that have a body section; `head` also returns whether the message has one.
fn decode(
    input: &[u8],
    mut cuts: Cuts,
    limits: &Limits,
    most: usize,
    mut head: impl FnMut(&mut Decoder) -> Result<Option<Head>, Refusal>,
) -> Stream {
    let mut decoder = Decoder::new();
    let mut messages = Vec::new();
    let mut current: Option<Message> = None;
    let (mut received, mut finished) = (0, 0);
    loop {
        let length = cuts.next(input.len() - received);
        receive(&mut decoder, &input[received..received + length], limits);
        received += length;
        if length == 0 {
            decoder.filled(0);
        }
        while finished < most {
            let outcome = match current.take() {
                None => head(&mut decoder).map(|head| match head {
                    None => false,
                    Some((mut message, has_body)) => {
                        message.end = received - decoder.unread().len();
                        if has_body {
                            current = Some(message)
                        } else {
                            messages.push(message)
                        }
                        true
                    }
                }),
                Some(mut message) => decoder.decode_piece(limits).map(|decoded| {
                    assert_ne!(decoded, Decoded::End, "the last piece did not say so");
                    let piece = decoder.piece();
                    if decoded == Decoded::Piece {
                        message.body.extend_from_slice(piece.bytes());
                    }
                    if decoded == Decoded::Piece && piece.is_last() {
                        message.trailers = piece.trailers().map(copy).unwrap_or_default();
                        message.end = received - decoder.unread().len();
                        messages.push(message);
                        finished += 1;
                    } else {
                        current = Some(message);
                    }
                    decoded == Decoded::Piece
                }),
            };
            match outcome {
                Ok(true) => {}
                Ok(false) => break,
                Err(Refusal::IncompleteHead | Refusal::IncompleteBody) => {
                    return Stream { messages, rest: Rest::Incomplete };
                }
                Err(refusal) => {
                    assert_eq!(decoder.decode_piece(limits), Err(refusal), "what is refused stays refused");
                    return Stream { messages, rest: Rest::Refused(refusal) };
                }
            }
        }
        if length == 0 || finished == most {
            break;
        }
    }
    let is_done = current.is_none() && (finished == most || decoder.unread().is_empty());
    Stream { messages, rest: if is_done { Rest::Nothing } else { Rest::Incomplete } }
}

/// Puts bytes into a decoder as a socket would.
pub fn receive(decoder: &mut Decoder, mut bytes: &[u8], limits: &Limits) {
    while !bytes.is_empty() {
        let space = decoder.space(limits);
        let length = space.len().min(bytes.len());
        space[..length].copy_from_slice(&bytes[..length]);
        decoder.filled(length);
        bytes = &bytes[length..];
    }
}

pub fn copy(fields: &FieldSection) -> Fields {
    fields.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
}

fn version(version: Version) -> &'static [u8] {
    if version >= Version::HTTP_1_1 { b"1.1" } else { b"1.0" }
}
