//! Properties of forwarded messages for any input.

use std::net::{IpAddr, Ipv4Addr};
use std::time::UNIX_EPOCH;

use codec::{Date, Decoded, Decoder, Encoder, Host, Limits, Persistence, RequestHead, TargetForm, forward};

use crate::fields::{check_request_fields, check_response_fields, check_trailers, members};
use crate::message::{Cuts, Fields, Rest, copy, receive, requests, responses};
use crate::properties::{Choices, framing_is_open};
use crate::reference::{Kind, No, READERS, values};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3));

/// A forwarded request is one message for every reader, with the same method, target and body, and all fields except
/// hop-by-hop ones. A refused or truncated request never looks complete. Returns each forwarded request.
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
        let backend = Host::new("backend:81").expect("a host");
        let persistence = if choices.upgrade { Persistence::Close } else { Persistence::KeepAlive };
        encoder.queue_request(&head, &backend, persistence);
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

/// A forwarded response has the same status and body for every reader, in a framing that this client can read. A
/// truncated response does not look complete. Returns the forwarded bytes.
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
        let persistence = encoder.queue_response(&head, answering, Date::at(UNIX_EPOCH));
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
            // The connection is then reset, because otherwise a close-delimited body would look complete.
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

    /// The bytes that are sent for a message while its body arrives, and whether the message is complete.
    fn relay(&mut self, decoder: &mut Decoder, encoder: &mut Encoder, limits: &Limits) -> (Vec<u8>, bool) {
        let mut wire = Vec::new();
        loop {
            match decoder.decode_piece(limits) {
                Ok(Decoded::Piece) => {
                    let piece = decoder.piece();
                    let Ok(parts) = encoder.parts(&piece) else { return (wire, false) };
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
