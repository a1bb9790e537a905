//! The measured work: messages that pass through the codec's core as in the adapters of a proxy.
//!
//! `benches/` measures time, `guard` counts instructions; both run what is here.

pub mod messages;

use std::fmt;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use codec::{
    Answering, Decoded, Decoder, Encoder, Expected, Host, Limits, Persistence, ResponseTo, Version, forward,
};

/// A message, and what is done with it.
pub struct Case {
    /// Its name on the command line and in `instructions.txt`.
    pub name: &'static str,
    message: fn() -> Vec<u8>,
    task: Task,
    /// The most bytes that one read returns.
    arriving: usize,
}

#[derive(Clone, Copy)]
enum Task {
    /// A request is decoded, changed for the backend, and encoded.
    PassRequest,
    /// A response is decoded, changed for the client, and encoded.
    PassResponse,
    /// The body of a response is decoded.
    DecodeBody,
}

const AT_ONCE: usize = usize::MAX;
/// The bytes per read of an attacker who wants a head to cost more than its length.
const DRIP: usize = 64;

/// All cases.
#[rustfmt::skip]
pub const CASES: [Case; 11] = [
    Case { name: "request-hello", message: messages::hello_request, task: Task::PassRequest, arriving: AT_ONCE },
    Case { name: "request-browser", message: messages::browser_request, task: Task::PassRequest, arriving: AT_ONCE },
    Case { name: "request-100-fields", message: messages::hundred_fields, task: Task::PassRequest, arriving: AT_ONCE },
    Case { name: "request-8-kib", message: messages::head_of_8_kib, task: Task::PassRequest, arriving: AT_ONCE },
    Case { name: "request-32-kib", message: messages::head_of_32_kib, task: Task::PassRequest, arriving: AT_ONCE },
    Case { name: "request-8-kib-drip", message: messages::head_of_8_kib, task: Task::PassRequest, arriving: DRIP },
    Case { name: "request-32-kib-drip", message: messages::head_of_32_kib, task: Task::PassRequest, arriving: DRIP },
    Case { name: "response-hello", message: messages::hello_response, task: Task::PassResponse, arriving: AT_ONCE },
    Case { name: "response-page", message: messages::page_response, task: Task::PassResponse, arriving: AT_ONCE },
    Case { name: "chunks-of-8-kib", message: messages::chunks_of_8_kib, task: Task::DecodeBody, arriving: AT_ONCE },
    Case { name: "chunks-of-64-bytes", message: messages::chunks_of_64_bytes, task: Task::DecodeBody, arriving: AT_ONCE },
];

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A case with its two connections, which all messages use.
pub struct Workload {
    message: Vec<u8>,
    task: Task,
    arriving: usize,
    backend: Host,
    decoder: Decoder,
    encoder: Encoder,
}

const LIMITS: Limits = Limits::DEFAULT;
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 17));
const NAME: &str = "part4";
const BACKEND: &str = "127.0.0.1:8081";
const EXPECTED: Expected = Expected { response_to: ResponseTo::Other, upgrade: false };
const ANSWERING: Answering = Answering {
    response_to: ResponseTo::Other,
    version: Version::HTTP_1_1,
    persistence: Persistence::KeepAlive,
};

impl Workload {
    /// Makes the message and the connections.
    pub fn new(case: &Case) -> Workload {
        Workload {
            message: (case.message)(),
            task: case.task,
            arriving: case.arriving,
            backend: Host::new(BACKEND).expect("a host"),
            decoder: Decoder::new(),
            encoder: Encoder::new(),
        }
    }

    /// The length of the message in bytes.
    pub fn bytes(&self) -> usize {
        self.message.len()
    }

    /// Lets the message pass once.
    ///
    /// # Panics
    /// The codec refuses it, or loses a part of it.
    pub fn run(&mut self) {
        let Workload { message, task, arriving, backend, decoder, encoder } = self;
        let mut rest = &message[..];
        // An idle connection holds no buffer.
        decoder.release();
        match task {
            Task::PassRequest => {
                while !decoder.has_started() {
                    receive(decoder, &mut rest, *arriving);
                }
                let mut head = loop {
                    match decoder.decode_request(&LIMITS).expect("a valid request") {
                        Some(head) => break head,
                        None => receive(decoder, &mut rest, *arriving),
                    }
                };
                forward::request(&mut head, CLIENT, NAME).expect("a request that can be passed on");
                encoder.reset();
                encoder.queue_request(&head, backend, Persistence::KeepAlive);
                pass_body(decoder, encoder, &mut rest, *arriving);
            }
            Task::PassResponse => {
                let mut head = loop {
                    match decoder.decode_response(EXPECTED, &LIMITS).expect("a valid response") {
                        Some(head) => break head,
                        None => receive(decoder, &mut rest, *arriving),
                    }
                };
                forward::response(&mut head, NAME);
                encoder.queue_response(&head, ANSWERING, None);
                pass_body(decoder, encoder, &mut rest, *arriving);
                encoder.release();
            }
            Task::DecodeBody => {
                while decoder.decode_response(EXPECTED, &LIMITS).expect("a valid response").is_none() {
                    receive(decoder, &mut rest, *arriving);
                }
                let mut decoded = 0;
                while next_piece(decoder, &mut rest, *arriving) {
                    decoded += black_box(decoder.piece().bytes()).len();
                }
                assert_eq!(decoded, messages::BODY_BYTES);
            }
        }
        assert!(rest.is_empty() && decoder.is_clean(), "the message was not read to its end");
    }
}

/// Does what a read from a socket does.
fn receive(decoder: &mut Decoder, rest: &mut &[u8], arriving: usize) {
    let space = decoder.space(&LIMITS);
    let (came, later) = rest.split_at(rest.len().min(arriving).min(space.len()));
    assert!(!came.is_empty(), "the codec waits for more than the message");
    kernel_copies(came, space);
    decoder.filled(came.len());
    *rest = later;
}

/// The kernel's work in a proxy, which `guard` does not count.
#[inline(never)]
fn kernel_copies(came: &[u8], space: &mut [u8]) {
    space[..came.len()].copy_from_slice(came);
}

/// Whether there is another piece of the body.
fn next_piece(decoder: &mut Decoder, rest: &mut &[u8], arriving: usize) -> bool {
    loop {
        match decoder.decode_piece(&LIMITS).expect("a valid body") {
            Decoded::Piece => return true,
            Decoded::End => return false,
            Decoded::NeedsMore => receive(decoder, rest, arriving),
        }
    }
}

fn pass_body(decoder: &mut Decoder, encoder: &mut Encoder, rest: &mut &[u8], arriving: usize) {
    while next_piece(decoder, rest, arriving) {
        let piece = decoder.piece();
        black_box(encoder.parts(&piece).expect("a body as long as its head announced"));
        encoder.written(piece.is_last());
    }
}
