//! Decodes a byte stream in four ways that must agree: at once, byte by byte, split at every index, and with the bytes
//! of a next message after it.

#![allow(dead_code)] // Each test binary uses a part of it.

use std::time::{Duration, UNIX_EPOCH};

use codec::{
    BodyFraming, Date, Decoded, Decoder, Expected, Host, Limits, Refusal, RequestHead, ResponseHead,
    ResponseTo,
};

/// A decoded message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `GET /path HTTP/1.1`, or `200 OK`.
    pub start: String,
    pub fields: Vec<(String, String)>,
    pub framing: BodyFraming,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, String)>,
}

/// The contents of a byte stream: complete messages, and the result for the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    pub messages: Vec<Message>,
    pub rest: Rest,
}

/// The result for the bytes after the complete messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// There are none.
    Nothing,
    /// A message that is not complete.
    Incomplete,
    Refused(Refusal),
}

impl Message {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The one request in `input`, decoded in four ways.
pub fn request(input: impl AsRef<[u8]>) -> Result<Message, Refusal> {
    request_within(input, &Limits::DEFAULT)
}

pub fn request_within(input: impl AsRef<[u8]>, limits: &Limits) -> Result<Message, Refusal> {
    one(four_ways(input.as_ref(), b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n", |pieces, closed| {
        requests(pieces, closed, limits)
    }))
}

/// All requests in `input`.
pub fn all_requests(input: impl AsRef<[u8]>) -> Stream {
    four_ways(input.as_ref(), b"", |pieces, closed| requests(pieces, closed, &Limits::DEFAULT))
}

/// The one final response in `input`, decoded in four ways.
pub fn response(input: impl AsRef<[u8]>) -> Result<Message, Refusal> {
    response_to(ResponseTo::Other, input)
}

pub fn response_to(response_to: ResponseTo, input: impl AsRef<[u8]>) -> Result<Message, Refusal> {
    let expected = Expected { response_to, upgrade: false };
    one(all_responses(expected, input, &Limits::DEFAULT))
}

/// All responses in `input`, interim ones included, up to the first final one.
pub fn all_responses(expected: Expected, input: impl AsRef<[u8]>, limits: &Limits) -> Stream {
    four_ways(input.as_ref(), b"", |pieces, closed| responses(pieces, closed, expected, limits))
}

/// Whether the decoder needs more bytes of a request.
pub fn is_incomplete(input: impl AsRef<[u8]>) -> bool {
    all_requests(input).rest == Rest::Incomplete
}

fn one(stream: Stream) -> Result<Message, Refusal> {
    match stream {
        Stream { rest: Rest::Refused(refusal), .. } => Err(refusal),
        Stream { messages, .. } if messages.len() == 1 => Ok(messages[0].clone()),
        other => panic!("not one message: {other:?}"),
    }
}

/// Runs `decode` on `input` in the four ways, asserts that they agree, and returns what they found. `decode` gets the
/// pieces in the order of arrival, and whether the connection is closed after them.
fn four_ways(input: &[u8], next: &[u8], decode: impl Fn(&[&[u8]], bool) -> Stream) -> Stream {
    let whole = decode(&[input], true);
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_same(&decode(&bytes, true), &whole, "byte by byte", input);
    // Every index of a short input. Of a long input, every index near its ends and some between.
    let far = input.len() > 2000;
    for index in
        (0..input.len()).filter(|index| !far || *index < 60 || *index + 60 > input.len() || index % 997 == 0)
    {
        let (first, second) = input.split_at(index);
        assert_same(&decode(&[first, second], true), &whole, &format!("split at {index}"), input);
    }
    let is_close_delimited =
        whole.messages.iter().any(|message| message.framing == BodyFraming::CloseDelimited);
    if !next.is_empty() && whole.rest != Rest::Incomplete && !is_close_delimited {
        let mut followed = decode(&[&[input, next].concat()], true);
        if whole.rest == Rest::Nothing {
            let last = followed.messages.pop();
            assert!(last.is_some_and(|message| message.start.contains("/next")), "the next message is lost");
        }
        assert_same(&followed, &whole, "with a next message after it", input);
    }
    whole
}

#[track_caller]
fn assert_same(other: &Stream, whole: &Stream, way: &str, input: &[u8]) {
    assert_eq!(other, whole, "{way}: {:?}", String::from_utf8_lossy(input));
}

fn requests(pieces: &[&[u8]], closed: bool, limits: &Limits) -> Stream {
    decode(pieces, closed, limits, usize::MAX, |decoder| {
        Ok(decoder.decode_request(limits)?.map(|head| (request_message(&head), true)))
    })
}

fn responses(pieces: &[&[u8]], closed: bool, expected: Expected, limits: &Limits) -> Stream {
    decode(pieces, closed, limits, 1, |decoder| {
        let head = decoder.decode_response(expected, limits)?;
        Ok(head.map(|head| (response_message(&head), !head.is_interim())))
    })
}

/// Decodes up to `most` messages with bodies.
fn decode(
    pieces: &[&[u8]],
    closed: bool,
    limits: &Limits,
    most: usize,
    mut head: impl FnMut(&mut Decoder) -> Result<Option<(Message, bool)>, Refusal>,
) -> Stream {
    let mut decoder = Decoder::new();
    let mut messages = Vec::new();
    let mut current: Option<Message> = None;
    let mut finished = 0;
    let ends = closed.then_some(&b""[..]);
    for piece in pieces.iter().copied().map(Some).chain(ends.map(|_| None)) {
        match piece {
            Some(bytes) => receive(&mut decoder, bytes, limits),
            None => decoder.filled(0),
        }
        loop {
            if finished == most {
                break;
            }
            let step = match &mut current {
                None => match head(&mut decoder) {
                    Ok(Some((message, true))) => {
                        current = Some(message);
                        Ok(true)
                    }
                    Ok(Some((interim, false))) => {
                        messages.push(interim);
                        Ok(true)
                    }
                    Ok(None) => Ok(false),
                    Err(refusal) => Err(refusal),
                },
                Some(message) => match decoder.decode_piece(limits) {
                    Ok(Decoded::Piece) => {
                        let piece = decoder.piece();
                        message.body.extend_from_slice(piece.bytes());
                        message.trailers = piece.trailers().map(texts).unwrap_or_default();
                        if piece.is_last() {
                            messages.extend(current.take());
                            finished += 1;
                        }
                        Ok(true)
                    }
                    Ok(Decoded::NeedsMore) => Ok(false),
                    Ok(Decoded::End) => panic!("the last piece did not say so"),
                    Err(refusal) => Err(refusal),
                },
            };
            match step {
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
    }
    let nothing_left = current.is_none() && (decoder.unread().is_empty() || finished == most);
    Stream { messages, rest: if nothing_left { Rest::Nothing } else { Rest::Incomplete } }
}

fn request_message(head: &RequestHead) -> Message {
    Message {
        start: format!("{} {} {}", head.method(), head.target(), head.version()),
        fields: texts(&head.fields),
        framing: head.framing(),
        body: Vec::new(),
        trailers: Vec::new(),
    }
}

fn response_message(head: &ResponseHead) -> Message {
    Message {
        start: format!("{} {}", head.status(), String::from_utf8_lossy(head.reason())),
        fields: texts(&head.fields),
        framing: head.framing(),
        body: Vec::new(),
        trailers: Vec::new(),
    }
}

fn texts(fields: &codec::FieldSection) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fields.iter().map(|(name, value)| (text(name), text(value))).collect()
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

/// The time at which responses are sent.
pub fn date() -> Option<Date> {
    Date::at(UNIX_EPOCH + Duration::from_secs(784_111_777))
}

/// The value of [`date`] in a `Date` field.
pub const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// The host of a backend.
pub fn host() -> Host {
    Host::new("backend:81").expect("a host")
}

/// A complete head of a request, to be forwarded or answered.
pub fn request_head(input: impl AsRef<[u8]>) -> RequestHead {
    let mut decoder = Decoder::new();
    receive(&mut decoder, input.as_ref(), &Limits::DEFAULT);
    decoder.decode_request(&Limits::DEFAULT).expect("a valid request").expect("a complete head")
}

/// A complete head of a response to any request but HEAD.
pub fn response_head(input: impl AsRef<[u8]>) -> ResponseHead {
    response_head_to(ResponseTo::Other, input)
}

pub fn response_head_to(response_to: ResponseTo, input: impl AsRef<[u8]>) -> ResponseHead {
    let mut decoder = Decoder::new();
    receive(&mut decoder, input.as_ref(), &Limits::DEFAULT);
    let expected = Expected { response_to, upgrade: true };
    decoder.decode_response(expected, &Limits::DEFAULT).expect("a valid response").expect("a complete head")
}

/// A request is refused with this rule, whose response has this status.
#[track_caller]
pub fn refuses(input: impl AsRef<[u8]>, refusal: Refusal, status: u16) {
    assert_eq!(request(input), Err(refusal));
    assert_eq!(refusal.status(), status);
}
