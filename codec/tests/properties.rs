//! Properties of the codec for any input, tested on messages that are composed at random of words of HTTP.
//! `tools/fuzz/` tests the same properties with millions of inputs. The inputs that fuzzing has found are at the end.

mod common;
#[path = "../../tools/fuzz/src/fields.rs"]
mod fields;
#[path = "../../tools/fuzz/src/forwarding.rs"]
mod forwarding;
#[path = "../../tools/fuzz/src/message.rs"]
mod message;
#[path = "../../tools/fuzz/src/properties.rs"]
mod properties;
#[path = "../../tools/fuzz/src/reference.rs"]
mod reference;

use codec::{FieldSection, Limits, Refusal};
use common::{request, request_within};
use proptest::prelude::*;
use proptest::sample::select;

const REQUEST_LINES: [&str; 12] = [
    "GET / HTTP/1.1\r\n",
    "POST /a?b HTTP/1.1\r\n",
    "HEAD http://b.test?q HTTP/1.1\r\n",
    "OPTIONS * HTTP/1.1\r\n",
    "OPTIONS http://b.test HTTP/1.1\r\n",
    "CONNECT b.test:80 HTTP/1.1\r\n",
    "PUT / HTTP/1.0\r\n",
    "GET / HTTP/1.7\r\n",
    "GET / HTTP/2.0\r\n",
    "GET  / HTTP/1.1\r\n",
    "\r\nGET / HTTP/1.1\r\n",
    "GET / HTTP/1.1\n",
];

const STATUS_LINES: [&str; 10] = [
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200\r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.1 304 Not Modified\r\n",
    "HTTP/1.1 426 Upgrade Required\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n",
    "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 \r\n",
    "HTTP/1.1 99 OK\r\n",
];

const FIELDS: [&str; 36] = [
    "Content-Length: 5\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Content-Length: +5\r\n",
    "Content-Length : 5\r\n",
    "Content_Length: 9\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: CHUNKED\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding:\tchunked \r\n",
    "Transfer_Encoding: chunked\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive, X-A\r\n",
    "Connection: Upgrade, TE\r\n",
    "Connection: Content-Length\r\n",
    "Keep-Alive: 5\r\n",
    "Proxy-Authorization: a\r\n",
    "Proxy-Connection: a\r\n",
    "TE: trailers, gzip\r\n",
    "Upgrade: websocket, h2c\r\n",
    "Expect: 100-continue\r\n",
    "Max-Forwards: 3\r\n",
    "Forwarded: for=a\r\n",
    "X-Forwarded-For: a\r\n",
    "X_Forwarded_For: a\r\n",
    "Via: 1.0 a\r\n",
    "Trailer: X-A\r\n",
    "Date: a\r\n",
    "X-A: 1\r\n",
    "X-B:\r\n",
    "X-C: \u{e4} \t\u{ff}\r\n",
    "X-D: a\r\n b\r\n",
    "X-E: a\rb\r\n",
    "X-F: a\n",
];

const BODIES: [&str; 14] = [
    "",
    "hello",
    "hell",
    "5\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\r\n0\r\nX-A: 1\r\nContent-Length: 7\r\n\r\n",
    "3;a=b\r\nabc\r\n2;c=\"d;e\"\r\nde\r\n000\r\n\r\n",
    "5\r\nhello\r\n",
    "5\r\nhello!\r\n0\r\n\r\n",
    "5\nhello\n0\n\n",
    "\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "5;a\nb\r\nhello\r\n0\r\n\r\n",
    "fffffffffffffff\r\nhello",
    "0000000000000005\r\nhello\r\n0\r\n\r\n",
];

/// Choices, and one to three messages of such words, rarely with one byte changed.
fn messages(lines: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let fields = prop::collection::vec(select(&FIELDS[..]), 0..5);
    let message = (select(lines), fields, select(&BODIES[..]), 0..8);
    let messages = prop::collection::vec(message, 1..4);
    let change = prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>()));
    (b'0'..=b'?', messages, change).prop_map(|(choices, messages, change)| {
        let mut input = vec![choices];
        for (line, fields, body, host) in messages {
            input.extend_from_slice(line.as_bytes());
            if host != 0 {
                input.extend_from_slice(b"Host: a.test\r\n");
            }
            input.extend_from_slice(fields.concat().as_bytes());
            input.extend_from_slice(b"\r\n");
            input.extend_from_slice(body.as_bytes());
        }
        if let Some((index, byte)) = change {
            let index = index.index(input.len());
            input[index] = byte;
        }
        input
    })
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..400)
}

fn chunks() -> impl Strategy<Value = Vec<u8>> {
    (b'0'..=b'1', prop::collection::vec(select(&BODIES[..]), 1..4), any_bytes()).prop_map(
        |(choices, bodies, rest)| [&[choices], bodies.concat().as_bytes(), &rest[..rest.len() % 9]].concat(),
    )
}

proptest! {
    // Every run has the same cases. A failure writes no file: its message shows the smallest input.
    #![proptest_config(ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(9112),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_request_is_decoded_alike_in_any_split(input in messages(&REQUEST_LINES)) {
        properties::requests_do_not_depend_on_cuts(&input);
    }

    #[test]
    fn a_response_is_decoded_alike_in_any_split(input in messages(&STATUS_LINES)) {
        properties::responses_do_not_depend_on_cuts(&input);
    }

    #[test]
    fn no_input_makes_the_codec_panic(input in any_bytes()) {
        properties::requests_do_not_depend_on_cuts(&input);
        properties::responses_do_not_depend_on_cuts(&input);
    }

    #[test]
    fn every_reader_decodes_a_chunked_body_alike(input in chunks()) {
        properties::chunked_bodies_mean_one_thing(&input);
    }

    #[test]
    fn every_reader_decodes_a_request_alike(input in messages(&REQUEST_LINES)) {
        properties::requests_mean_one_thing(&input);
    }

    #[test]
    fn every_reader_decodes_a_response_alike(input in messages(&STATUS_LINES)) {
        properties::responses_mean_one_thing(&input);
    }

    #[test]
    fn requests_are_forwarded_as_they_are_meant(input in messages(&REQUEST_LINES)) {
        forwarding::requests_are_forwarded_as_they_are_meant(&input);
    }

    #[test]
    fn responses_are_forwarded_as_they_are_meant(input in messages(&STATUS_LINES)) {
        forwarding::responses_are_forwarded_as_they_are_meant(&input);
    }

    #[test]
    fn bodies_survive_encoding(choices in b'0'..=b'?', body in any_bytes()) {
        properties::bodies_survive_encoding(&[&[choices], &body[..]].concat());
    }
}

#[test]
fn the_seeds_of_the_fuzz_targets_hold() {
    type Property = fn(&[u8]);
    let properties: [(&str, &[Property]); 4] = [
        (
            "requests",
            &[properties::requests_do_not_depend_on_cuts, properties::requests_mean_one_thing, |input| {
                drop(forwarding::requests_are_forwarded_as_they_are_meant(input))
            }],
        ),
        (
            "responses",
            &[properties::responses_do_not_depend_on_cuts, properties::responses_mean_one_thing, |input| {
                drop(forwarding::responses_are_forwarded_as_they_are_meant(input))
            }],
        ),
        ("chunked", &[properties::chunked_bodies_mean_one_thing]),
        ("bodies", &[properties::bodies_survive_encoding]),
    ];
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/fuzz/seeds");
    for (kind, properties) in properties {
        let mut count = 0;
        for seed in seeds.join(kind).read_dir().unwrap() {
            let input = std::fs::read(seed.unwrap().path()).unwrap();
            properties.iter().for_each(|property| property(&input));
            count += 1;
        }
        assert!(count > 10, "{kind}: {count} seeds");
    }
}

#[test]
fn found_by_fuzzing_a_long_extension_is_refused_alike_in_any_split() {
    // RFC 9112 section 7.1.1: byte by byte it was too long, and together with its bare LF it was invalid.
    let extension = format!("5;{}\nhello\r\n0\r\n\r\n", "a".repeat(300));
    let input = format!("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{extension}");
    assert_eq!(request(input), Err(Refusal::ChunkExtensionTooLong));
}

#[test]
fn found_by_fuzzing_a_request_line_over_the_head_limit_is_refused_alike_in_any_split() {
    // RFC 9112 section 3, RFC 6585 section 5: it was 431 if it arrived byte by byte, and 400 or 414 if it arrived at
    // once.
    let limits = Limits { max_head_bytes: 200, max_target_bytes: 24, ..Limits::DEFAULT };
    for line in [format!("GET / {}\r\n\r\n", "x".repeat(300)), format!("GET / {} x\r\n\r\n", "x".repeat(300))]
    {
        assert_eq!(request_within(line, &limits), Err(Refusal::HeadTooLarge));
    }
}

#[test]
fn found_by_fuzzing_control_characters_in_an_added_value_become_spaces() {
    // RFC 9110 section 5.5: of control characters, only HTAB is valid in a value.
    let mut fields = FieldSection::new();
    fields.append("A", b"a\x01b\x7fc\r\nd\te\0\xff");
    assert_eq!(fields.get("a"), Some(&b"a b c  d\te \xff"[..]));
}
