//! The properties. Each function is one property for any input, and panics if it does not hold.

use std::time::UNIX_EPOCH;

use codec::{
    Answering, BodyFraming, Date, Encoder, Expected, FieldSection, Limits, Persistence, Piece, Refusal,
    ResponseHead, ResponseTo, Version,
};

use crate::message::{Cuts, Rest, Stream, requests, responses};
use crate::reference::{Kind, READERS};

/// What the first byte of an input chooses, bit by bit; `0` to `?` in ASCII are all sixteen choices.
#[derive(Clone, Copy, Debug)]
pub struct Choices {
    /// Bit 0: limits so small that short inputs reach them.
    pub small_limits: bool,
    /// Bit 1: the response answers HEAD.
    pub to_head: bool,
    /// Bit 2: the request offered to switch protocols, and the client wants the connection to end.
    pub upgrade: bool,
    /// Bit 3: the client speaks HTTP/1.0.
    pub http_1_0: bool,
}

impl Choices {
    /// The choices, and the rest of the input.
    pub fn split(input: &[u8]) -> Option<(Choices, &[u8])> {
        let (&first, rest) = input.split_first()?;
        let is_set = |bit: u8| first & 1 << bit != 0;
        let choices =
            Choices { small_limits: is_set(0), to_head: is_set(1), upgrade: is_set(2), http_1_0: is_set(3) };
        Some((choices, rest))
    }

    pub fn limits(self) -> Limits {
        if !self.small_limits {
            return Limits::DEFAULT;
        }
        Limits {
            max_method_bytes: 8,
            max_target_bytes: 24,
            max_head_bytes: 200,
            max_fields: 6,
            max_connection_options: 4,
            max_body_bytes: Some(40),
            max_chunk_extension_bytes: 12,
            max_interim_responses: 2,
            ..Limits::DEFAULT
        }
    }

    pub fn expected(self) -> Expected {
        let response_to = if self.to_head { ResponseTo::Head } else { ResponseTo::Other };
        Expected { response_to, upgrade: self.upgrade }
    }

    pub fn answering(self) -> Answering {
        Answering {
            response_to: self.expected().response_to,
            version: if self.http_1_0 { Version::HTTP_1_0 } else { Version::HTTP_1_1 },
            persistence: if self.upgrade { Persistence::Close } else { Persistence::KeepAlive },
        }
    }
}

/// Requests are decoded alike in any split, and stay within the limits.
pub fn requests_do_not_depend_on_cuts(input: &[u8]) {
    let Some((choices, input)) = Choices::split(input) else { return };
    let limits = choices.limits();
    let whole = agreeing(input, |cuts| requests(input, cuts, &limits));
    for message in &whole.messages {
        assert!(message.fields.len() <= limits.max_fields);
        assert!(message.trailers.len() <= limits.max_fields);
        assert!(limits.max_body_bytes.is_none_or(|max| message.body.len() as u64 <= max));
        let mut words = message.start.split(|&byte| byte == b' ');
        assert!(words.next().is_some_and(|method| method.len() <= limits.max_method_bytes));
        assert!(words.next().is_some_and(|target| target.len() <= limits.max_target_bytes));
    }
}

/// Responses are decoded alike in any split, and stay within the limits.
pub fn responses_do_not_depend_on_cuts(input: &[u8]) {
    let Some((choices, input)) = Choices::split(input) else { return };
    let limits = choices.limits();
    let whole = agreeing(input, |cuts| responses(input, cuts, choices.expected(), &limits));
    for message in &whole.messages {
        assert!(message.fields.len() <= limits.max_fields);
        assert!(message.trailers.len() <= limits.max_fields);
    }
    assert!(whole.messages.len() <= limits.max_interim_responses as usize + 1);
}

/// A chunked body is decoded alike in any split and by every reader.
pub fn chunked_bodies_mean_one_thing(input: &[u8]) {
    let Some((choices, body)) = Choices::split(input) else { return };
    let limits = Limits { max_body_bytes: None, ..choices.limits() };
    let head: &[u8] = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let input = [head, body].concat();
    let whole = agreeing(&input, |cuts| requests(&input, cuts, &limits));
    assert_readers_agree(&whole, &input, &mut || Kind::Request);
}

/// Requests that the codec accepts mean the same to every reader.
pub fn requests_mean_one_thing(input: &[u8]) {
    let Some((choices, input)) = Choices::split(input) else { return };
    let stream = requests(input, Cuts::Whole, &choices.limits());
    assert_readers_agree(&stream, input, &mut || Kind::Request);
}

/// Responses that the codec accepts mean the same to every reader.
pub fn responses_mean_one_thing(input: &[u8]) {
    let Some((choices, input)) = Choices::split(input) else { return };
    let stream = responses(input, Cuts::Whole, choices.expected(), &choices.limits());
    assert_readers_agree(&stream, input, &mut || Kind::Response(choices.to_head));
}

/// The stream that results from every split.
fn agreeing(input: &[u8], decode: impl Fn(Cuts) -> Stream) -> Stream {
    let whole = decode(Cuts::Whole);
    for cuts in [Cuts::ByteByByte, Cuts::Random(input.len() as u64)] {
        let other = decode(cuts);
        // If a body is too large and a later chunk is invalid, the split decides which is detected first. The request
        // is refused either way, and never looks complete.
        let is_too_large = |stream: &Stream| stream.rest == Rest::Refused(Refusal::BodyTooLarge);
        let is_refused = |stream: &Stream| matches!(stream.rest, Rest::Refused(_));
        let is_refused_anyway =
            (is_too_large(&whole) || is_too_large(&other)) && is_refused(&whole) && is_refused(&other);
        assert_eq!(other.messages, whole.messages, "{cuts:?}");
        assert!(
            is_refused_anyway || other.rest == whole.rest,
            "{cuts:?}: {:?}, {:?}",
            other.rest,
            whole.rest
        );
    }
    whole
}

fn assert_readers_agree(stream: &Stream, input: &[u8], kind: &mut dyn FnMut() -> Kind) {
    for reader in READERS {
        let mut at = 0;
        for message in &stream.messages {
            let kind = kind();
            let read = reader.read(kind, input, at);
            assert_eq!(read.as_ref(), Ok(message), "{reader:?} reads something else");
            at = message.end;
        }
        // If the codec needs more bytes of a message, no other reader may consider it complete.
        if stream.rest == Rest::Incomplete {
            let read = reader.read(kind(), input, at);
            // Except for a lone CR, which the codec refuses only when the next LF arrives.
            let is_known_to_differ = has_lone_carriage_return(&input[at..]);
            assert!(
                is_known_to_differ || read.is_err(),
                "{reader:?} reads what the codec waits for: {read:?}"
            );
        }
    }
}

pub fn has_lone_carriage_return(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n')
}

/// A body that was encoded in any pieces is decoded to the same body, whatever its framing.
pub fn bodies_survive_encoding(input: &[u8]) {
    let Some((choices, input)) = Choices::split(input) else { return };
    let Some((&seed, body)) = input.split_first() else { return };
    let framing = match seed & 3 {
        0 => BodyFraming::Chunked,
        1 => BodyFraming::CloseDelimited,
        2 => BodyFraming::ContentLength(body.len() as u64),
        // A wrong length: neither a longer nor a shorter body may be sent as complete.
        _ => BodyFraming::ContentLength(u64::from(seed >> 2)),
    };
    let mut head = ResponseHead::new(200, framing);
    let mut trailers = FieldSection::new();
    for name in ["X-Checksum", "Content-Length", "Host", "Set-Cookie"] {
        trailers.append(name, &body[..body.len().min(9)]);
    }
    head.fields.append("X-Value", body);
    let answering = choices.answering();
    let mut encoder = Encoder::new();
    let persistence = encoder.queue_response(&head, answering, Date::at(UNIX_EPOCH));
    let mut cuts = Cuts::Random(u64::from(seed));
    let (mut wire, mut sent) = (Vec::new(), 0);
    let outcome = loop {
        let length = cuts.next(body.len() - sent);
        let is_last = sent + length == body.len();
        let bytes = &body[sent..sent + length];
        let piece =
            if is_last { Piece::last(bytes).with_trailers(Some(&trailers)) } else { Piece::partial(bytes) };
        match encoder.parts(&piece) {
            Ok(parts) => wire.extend(parts.concat()),
            Err(wrong) => break Err(wrong),
        }
        encoder.written(is_last);
        sent += length;
        if is_last {
            break Ok(());
        }
    };
    let lies = matches!(framing, BodyFraming::ContentLength(length) if length != body.len() as u64);
    assert_eq!(outcome.is_err(), lies && !choices.to_head, "a wrong length is noticed");
    if outcome.is_err() {
        return;
    }
    let stream = responses(
        &wire,
        Cuts::Random(7),
        choices.expected(),
        &Limits { max_head_bytes: usize::MAX, ..Limits::DEFAULT },
    );
    assert_readers_agree(&stream, &wire, &mut || Kind::Response(choices.to_head));
    let [message] = &stream.messages[..] else { panic!("not one message: {stream:?}") };
    let expected_body: &[u8] = if choices.to_head { b"" } else { body };
    assert_eq!(
        (message.body.as_slice(), message.end, stream.rest),
        (expected_body, wire.len(), Rest::Nothing)
    );
    assert!(message.trailers.iter().all(|(name, _)| name == b"X-Checksum"));
    let is_open = !choices.to_head && framing_is_open(framing, choices);
    assert_eq!(persistence == Persistence::Close, is_open || answering.persistence == Persistence::Close);
}

pub fn framing_is_open(framing: BodyFraming, choices: Choices) -> bool {
    choices.http_1_0 && matches!(framing, BodyFraming::Chunked | BodyFraming::CloseDelimited)
}
