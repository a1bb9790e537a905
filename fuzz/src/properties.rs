//! What must hold for any bytes. Each function is one property, and panics where it does not hold.

use std::net::{IpAddr, Ipv4Addr};

use codec::{
    Answering, BodyFraming, Decoded, Decoder, Encoder, Expected, FieldSection, Limits, Persistence, Piece,
    Refusal, RequestHead, ResponseHead, ResponseTo, TargetForm, Version, forward,
};

use crate::message::{Cuts, Fields, Rest, Stream, copy, receive, requests, responses};
use crate::reference::{Kind, No, READERS, values};

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

    fn limits(self) -> Limits {
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

    fn answering(self) -> Answering {
        Answering {
            response_to: self.expected().response_to,
            version: if self.http_1_0 { Version::HTTP_1_0 } else { Version::HTTP_1_1 },
            persistence: if self.upgrade { Persistence::Close } else { Persistence::KeepAlive },
        }
    }
}

/// Requests mean the same however they arrive, and keep to the limits.
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

/// Responses mean the same however they arrive, and keep to the limits.
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

/// A chunked body means the same however it arrives, and the same to every reader.
pub fn chunked_bodies_mean_one_thing(input: &[u8]) {
    let Some((choices, body)) = Choices::split(input) else { return };
    let limits = Limits { max_body_bytes: None, ..choices.limits() };
    let head: &[u8] = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let input = [head, body].concat();
    let whole = agreeing(&input, |cuts| requests(&input, cuts, &limits));
    assert_readers_agree(&whole, &input, &mut || Kind::Request);
}

/// What the codec takes for requests means the same to every reader.
pub fn requests_mean_one_thing(input: &[u8]) {
    let Some((choices, input)) = Choices::split(input) else { return };
    let stream = requests(input, Cuts::Whole, &choices.limits());
    assert_readers_agree(&stream, input, &mut || Kind::Request);
}

/// What the codec takes for responses means the same to every reader.
pub fn responses_mean_one_thing(input: &[u8]) {
    let Some((choices, input)) = Choices::split(input) else { return };
    let stream = responses(input, Cuts::Whole, choices.expected(), &choices.limits());
    assert_readers_agree(&stream, input, &mut || Kind::Response(choices.to_head));
}

/// The stream that all ways of arriving lead to.
fn agreeing(input: &[u8], decode: impl Fn(Cuts) -> Stream) -> Stream {
    let whole = decode(Cuts::Whole);
    for cuts in [Cuts::ByteByByte, Cuts::Random(input.len() as u64)] {
        let other = decode(cuts);
        // Where a body is too large and a later chunk of it invalid, which one is seen first depends on how much comes
        // at once. The request is refused either way, and none of it looks whole.
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
        // A message that the codec waits for must not be one that another has in full.
        if stream.rest == Rest::Incomplete {
            let read = reader.read(kind(), input, at);
            // But for a CR alone, which the codec refuses together with the LF that follows some day.
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
        // A length that lies: neither more nor less may be sent as if it were whole.
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
    let persistence = encoder.queue_response(&head, answering, "now");
    let mut cuts = Cuts::Random(u64::from(seed));
    let (mut wire, mut sent) = (Vec::new(), 0);
    let outcome = loop {
        let length = cuts.next(body.len() - sent);
        let is_last = sent + length == body.len();
        let bytes = &body[sent..sent + length];
        let piece =
            if is_last { Piece::last(bytes).with_trailers(Some(&trailers)) } else { Piece::partial(bytes) };
        match encoder.parts(piece) {
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

fn framing_is_open(framing: BodyFraming, choices: Choices) -> bool {
    choices.http_1_0 && matches!(framing, BodyFraming::Chunked | BodyFraming::CloseDelimited)
}

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));

/// What is sent on for a request is one message for every reader: the same method, target and body, all fields but
/// those of one hop. What was refused or cut short is never whole. Returns what was sent on, each request by itself.
pub fn requests_are_forwarded_as_they_are_meant(input: &[u8]) -> Vec<Vec<u8>> {
    let mut sent_on = Vec::new();
    let Some((choices, input)) = Choices::split(input) else { return sent_on };
    let limits = choices.limits();
    let meant = requests(input, Cuts::Whole, &limits).messages;
    let mut decoder = Decoder::new();
    let mut feed = Feed { input, cuts: Cuts::Random(input.len() as u64) };
    let mut index = 0;
    while let Some(mut head) =
        feed.head(&mut decoder, &limits, |decoder, limits| decoder.decode_request(limits))
    {
        let received = copy(&head.fields);
        let form = head.target_form();
        if forward::request(&mut head, CLIENT, "proxy").is_err() {
            return sent_on;
        }
        let mut encoder = Encoder::new();
        let persistence = if choices.upgrade { Persistence::Close } else { Persistence::KeepAlive };
        encoder.queue_request(&head, "backend:81", persistence);
        let (wire, is_whole) = feed.relay(&mut decoder, &mut encoder, &limits);
        assert_eq!(is_whole, meant.get(index).is_some(), "only a whole request leaves whole");
        for reader in READERS {
            let read = reader.read(Kind::Request, &wire, 0);
            let Some(meant) = meant.get(index) else {
                assert_eq!(read, Err(No::Incomplete), "{reader:?} reads a request that never ended");
                continue;
            };
            let read = read.unwrap_or_else(|no| panic!("{reader:?}: {no:?}: {}", wire.escape_ascii()));
            assert_eq!(read.end, wire.len(), "{reader:?} reads where the next request starts");
            assert_eq!((&read.body, &read.start), (&meant.body, &origin_form(&head, form)), "{reader:?}");
            check_request_fields(&received, &read.fields, head.version(), head.authority());
            check_trailers(&meant.trailers, &read.trailers);
        }
        sent_on.push(wire);
        if !is_whole {
            return sent_on;
        }
        index += 1;
    }
    sent_on
}

/// RFC 9112 section 3.2.1: what a server gets for this target.
fn origin_form(head: &RequestHead, form: TargetForm) -> Vec<u8> {
    let target = head.target();
    let path = match form {
        TargetForm::Absolute => {
            let rest = target.split('/').nth(2).unwrap_or_default();
            let authority = rest.find('?').unwrap_or(rest.len());
            let path = &target["http://".len() + authority..];
            match path.as_bytes().first() {
                None if head.method() == "OPTIONS" => "*".to_owned(),
                Some(b'/') => path.to_owned(),
                _ => format!("/{path}"),
            }
        }
        _ => target.to_owned(),
    };
    format!("{} {path} 1.1", head.method()).into_bytes()
}

/// RFC 9110 section 7.6.1 and what is known to be of one hop; lower case.
const ONE_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
];
/// What the encoder writes by itself; lower case.
const WRITTEN: [&str; 3] = ["content-length", "host", "transfer-encoding"];

fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

/// What is in a list field, lower case.
fn members(fields: &Fields, name: &str) -> Vec<String> {
    let lines: Vec<String> = values(fields, name).map(lower).collect();
    lines
        .iter()
        .flat_map(|line| line.split(','))
        .map(|member| member.trim().to_owned())
        .filter(|member| !member.is_empty())
        .collect()
}

fn is_replaced(name: &str) -> bool {
    name == "forwarded" || name.starts_with("x-forwarded-")
}

fn check_request_fields(received: &Fields, sent: &Fields, version: Version, authority: Option<&[u8]>) {
    let listed = members(received, "connection");
    let is_dropped = |name: &[u8]| {
        let name = lower(name);
        let plain = name.replace('_', "-");
        let is_disguised = name != plain
            && (ONE_HOP.contains(&&*plain)
                || WRITTEN.contains(&&*plain)
                || plain == "via"
                || plain.starts_with("x-forwarded-"));
        let is_http_1_0_expect = version < Version::HTTP_1_1 && name == "expect";
        ONE_HOP.contains(&&*name)
            || WRITTEN.contains(&&*name)
            || is_replaced(&name)
            || is_disguised
            || is_http_1_0_expect
            || listed.contains(&name) && name != "close"
    };
    let is_ours = |name: &[u8]| {
        let name = lower(name);
        WRITTEN.contains(&&*name) || ["connection", "te", "upgrade"].contains(&&*name) || is_replaced(&name)
    };
    let mut kept: Fields = received.iter().filter(|(name, _)| !is_dropped(name)).cloned().collect();
    kept.push((b"Via".to_vec(), format!("{} proxy", version.number()).into_bytes()));
    for (name, value) in &mut kept {
        // RFC 9110 section 7.6.2: only counted down for OPTIONS, which puts it at the end.
        if lower(name) == "max-forwards" {
            value.clear();
        }
    }
    let mut others: Fields = sent.iter().filter(|(name, _)| !is_ours(name)).cloned().collect();
    for (name, value) in &mut others {
        if lower(name) == "max-forwards" {
            value.clear();
        }
    }
    if others.iter().any(|(name, _)| lower(name) == "max-forwards") {
        let is_other = |(name, _): &(Vec<u8>, Vec<u8>)| lower(name) != "max-forwards";
        kept.retain(is_other);
        others.retain(is_other);
    }
    assert_eq!(others, kept, "all fields but those of one hop are passed on, in order");

    assert_eq!(values(sent, "host").collect::<Vec<_>>(), [authority.unwrap_or(b"backend:81")]);
    assert_eq!(values(sent, "x-forwarded-for").collect::<Vec<_>>(), [b"10.1.2.3"]);
    assert!(values(sent, "te").all(|value| value == b"trailers"));
    let upgrades = members(sent, "upgrade");
    assert!(
        !upgrades.iter().any(|protocol| protocol.split('/').next() == Some("h2c")),
        "a tunnel of HTTP/2 was offered"
    );
    for option in members(sent, "connection") {
        let is_true = match option.as_str() {
            "close" => true,
            "te" => values(sent, "te").next().is_some(),
            "upgrade" => !upgrades.is_empty(),
            _ => false,
        };
        assert!(is_true, "Connection lists {option}");
    }
    assert_eq!(upgrades.is_empty(), !members(sent, "connection").contains(&"upgrade".to_owned()));
}

/// RFC 9110 section 6.5.1: trailers may be left out, never added, and none of them frames or routes.
fn check_trailers(received: &Fields, sent: &Fields) {
    let mut rest = received.iter();
    for trailer in sent {
        assert!(rest.any(|other| other == trailer), "a trailer that was not received: {trailer:?}");
        let name = lower(&trailer.0);
        assert!(
            !ONE_HOP.contains(&&*name) && !WRITTEN.contains(&&*name) && !is_replaced(&name),
            "{name} is no trailer"
        );
    }
}

/// What is sent on for a response is the same status and body for every reader, framed so that this client can
/// read it; what was cut short does not look whole. Returns what was sent on.
pub fn responses_are_forwarded_as_they_are_meant(input: &[u8]) -> Vec<u8> {
    let Some((choices, input)) = Choices::split(input) else { return Vec::new() };
    let limits = choices.limits();
    let expected = choices.expected();
    let meant = responses(input, Cuts::Whole, expected, &limits);
    let mut decoder = Decoder::new();
    let mut feed = Feed { input, cuts: Cuts::Random(input.len() as u64) };
    let mut encoder = Encoder::new();
    let mut wire = Vec::new();
    let answering = choices.answering();
    let mut interim = 0;
    let (received, status, persistence, framing) = loop {
        let decode = |decoder: &mut Decoder, limits: &Limits| decoder.decode_response(expected, limits);
        let Some(mut head) = feed.head(&mut decoder, &limits, decode) else { return wire };
        let received = copy(&head.fields);
        forward::response(&mut head, "proxy");
        if head.is_interim() {
            if !choices.http_1_0 {
                encoder.queue_interim(&head);
                wire.extend_from_slice(encoder.queued());
                encoder.written(false);
                interim += 1;
            }
            continue;
        }
        let persistence = encoder.queue_response(&head, answering, "now");
        break (received, head.status(), persistence, head.framing());
    };
    let (bytes, is_whole) = feed.relay(&mut decoder, &mut encoder, &limits);
    wire.extend(bytes);
    let meant = meant.messages.last().filter(|_| meant.rest == Rest::Nothing);
    assert_eq!(is_whole, meant.is_some(), "only a whole response leaves whole");
    for reader in READERS {
        let mut at = 0;
        for _ in 0..interim {
            let read = reader.read(Kind::Response(choices.to_head), &wire, at);
            let read = read.unwrap_or_else(|no| panic!("{reader:?}: {no:?}: {}", wire.escape_ascii()));
            assert!(read.start.starts_with(b"1") && read.body.is_empty());
            check_response_fields(&Fields::new(), &read.fields);
            at = read.end;
        }
        let read = reader.read(Kind::Response(choices.to_head), &wire, at);
        let Some(meant) = meant else {
            // The connection is then reset, or a close-delimited body would look whole.
            let is_open = framing_is_open(framing, choices);
            assert!(is_open || read == Err(No::Incomplete), "{reader:?} reads what was cut short: {read:?}");
            continue;
        };
        let read = read.unwrap_or_else(|no| panic!("{reader:?}: {no:?}: {}", wire.escape_ascii()));
        assert_eq!(read.end, wire.len(), "{reader:?} reads where the next response starts");
        assert_eq!(
            (&read.body, read.start),
            (&meant.body, format!("{status} 1.1").into_bytes()),
            "{reader:?}"
        );
        check_response_fields(&received, &read.fields);
        check_trailers(&meant.trailers, &read.trailers);
        if matches!(status, 100..=199 | 204) {
            // RFC 9110 section 8.6.
            assert_eq!(values(&read.fields, "content-length").next(), None);
            assert_eq!(values(&read.fields, "transfer-encoding").next(), None);
        }
        let options = members(&read.fields, "connection");
        assert_eq!(options.contains(&"close".to_owned()), persistence == Persistence::Close);
        let is_delimited = values(&read.fields, "content-length").next().is_some()
            || values(&read.fields, "transfer-encoding").next().is_some()
            || choices.to_head
            || matches!(status, 100..=199 | 204 | 304);
        assert!(
            is_delimited || persistence == Persistence::Close,
            "a connection goes on behind a body without an end"
        );
        // RFC 9112 section 6.1: no chunked to HTTP/1.0.
        assert!(!choices.http_1_0 || values(&read.fields, "transfer-encoding").next().is_none());
    }
    wire
}

fn check_response_fields(received: &Fields, sent: &Fields) {
    let listed = members(received, "connection");
    for (name, _) in sent {
        let name = lower(name);
        let is_of_one_hop = ONE_HOP.contains(&&*name) && name != "connection" && name != "upgrade";
        let was_listed = listed.contains(&name)
            && !["close", "connection", "date", "keep-alive", "te", "upgrade", "via"].contains(&&*name)
            && !WRITTEN.contains(&&*name)
            && !name.starts_with("x-forwarded-");
        assert!(!is_of_one_hop && !was_listed, "{name} is of one hop");
    }
    for option in members(sent, "connection") {
        assert!(["close", "keep-alive", "upgrade"].contains(&&*option), "Connection lists {option}");
    }
    assert!(members(sent, "via").last().is_some_and(|via| via.ends_with(" proxy")));
}

/// Bytes that are still to arrive.
struct Feed<'a> {
    input: &'a [u8],
    cuts: Cuts,
}

impl Feed<'_> {
    /// The next piece arrives; false at the end.
    fn arrive(&mut self, decoder: &mut Decoder, limits: &Limits) -> bool {
        if decoder.is_at_end_of_file() {
            return false;
        }
        let (piece, rest) = self.input.split_at(self.cuts.next(self.input.len()));
        self.input = rest;
        match piece {
            [] => decoder.filled(0),
            piece => receive(decoder, piece, limits),
        }
        true
    }

    fn head<T>(
        &mut self,
        decoder: &mut Decoder,
        limits: &Limits,
        decode: impl Fn(&mut Decoder, &Limits) -> Result<Option<T>, codec::Refusal>,
    ) -> Option<T> {
        loop {
            match decode(decoder, limits) {
                Ok(Some(head)) => return Some(head),
                Ok(None) if self.arrive(decoder, limits) => {}
                _ => return None,
            }
        }
    }

    /// What leaves of a message as its body arrives, and whether it leaves whole.
    fn relay(&mut self, decoder: &mut Decoder, encoder: &mut Encoder, limits: &Limits) -> (Vec<u8>, bool) {
        let mut wire = Vec::new();
        loop {
            match decoder.decode_piece(limits) {
                Ok(Decoded::Piece) => {
                    let piece = decoder.piece();
                    let Ok(parts) = encoder.parts(piece) else { return (wire, false) };
                    wire.extend(parts.concat());
                    encoder.written(piece.is_last());
                    if piece.is_last() {
                        return (wire, true);
                    }
                }
                Ok(Decoded::NeedsMore) if self.arrive(decoder, limits) => {}
                _ => return (wire, false),
            }
        }
    }
}
