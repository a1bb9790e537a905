//! A strict HTTP/1.1 codec for proxies: a core without I/O, and adapters for sockets.
//!
//! ```
#![doc = include_str!("../examples/forward.rs")]
//! ```
//!
//! # The core
//!
//! Bytes go into a [`Decoder`]; a [`RequestHead`] or [`ResponseHead`] and the [`Piece`]s of the body come out. An
//! [`Encoder`] does the opposite. Both hold the state of one direction of one connection, and neither reads, writes or
//! waits.
//!
//! - The fields of a head are a [`FieldSection`], in the order and the spelling in which they came.
//! - [`BodyFraming`] says where a body ends, and [`Persistence`] whether the connection continues after it.
//! - [`Expected`] and [`Answering`] say what a request means for its response.
//! - [`forward`] changes a head as RFC 9110 section 7.6 asks of an intermediary.
//! - A message that breaks a rule is a [`Refusal`] with the status of the answer. [`Limits`] has every bound.
//!
//! # The order of the calls
//!
//! A call out of order is an error, or does nothing. It never sends a byte that would belong to another message.
//!
//! | the decoder has | a call for the next head | [`decode_piece`](Decoder::decode_piece) |
//! |---|---|---|
//! | a part of a head, or nothing | the head, or `None` until it is complete | [`Decoded::End`] |
//! | a head, and not its complete body | [`Refusal::UnreadBody`] | the next piece |
//! | a complete message | the next head | [`Decoded::End`] |
//! | rejected a message | the same [`Refusal`] again | the same [`Refusal`] again |
//!
//! The end of the connection, [`filled(0)`](Decoder::filled), makes an incomplete message an error.
//!
//! | [`Encoder::progress`] | queueing a final head | [`queue_interim`](Encoder::queue_interim) | [`parts`](Encoder::parts) |
//! |---|---|---|---|
//! | [`Nothing`](Progress::Nothing) | begins the message | is sent before it | [`WrongBodyLength`] |
//! | [`HeadQueued`](Progress::HeadQueued) | replaces the head | does nothing | the head and the first piece |
//! | [`HeadSent`](Progress::HeadSent) | makes `parts` an error from now on | does nothing | the next piece |
//! | [`Sent`](Progress::Sent) | begins the next message | begins the next message | [`WrongBodyLength`] |
//!
//! # The adapters
//!
//! A proxy is written with an adapter: [`blocking`] is for `std::net`, [`tokio`](mod@crate::tokio) for tokio. A
//! [`ClientConnection`](blocking::ClientConnection) reads requests and writes responses, a
//! [`BackendConnection`](blocking::BackendConnection) writes requests and reads responses, and an [`Error`] says which
//! side is to blame. Read `blocking/client.rs` first. Apart from `async`, `.await` and boxes, files of the same name in
//! the two adapters differ in at most 226 lines: `tests/line_parallel.rs` counts them.
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `tokio` | yes | the adapter over tokio, on Linux with rustix; without it, neither is compiled |
//!
//! `docs/src/architecture.md` maps the source files.

#![warn(missing_docs, missing_debug_implementations)]

mod address;
mod backend_state;
pub mod blocking;
mod body;
mod both_ways;
mod buffer;
mod chunked;
mod client_state;
mod connect_failure;
mod connection;
mod date;
mod decoder;
mod encoder;
mod error;
mod error_response;
mod exchange;
mod fields;
pub mod forward;
mod framing;
mod head;
mod lazy_state;
mod limits;
mod lines;
mod media_type;
mod names;
mod patience;
mod persistence;
mod printable;
mod reason;
mod refusal;
mod report;
mod request;
mod request_line;
mod response;
mod response_state;
mod scanner;
mod signal;
mod socket_options;
mod span;
mod target;
mod token;
#[cfg(feature = "tokio")]
pub mod tokio;
mod version;

pub use address::{AddressError, BackendAddress};
pub use body::{Decoded, Piece, WrongBodyLength};
pub use date::Date;
pub use decoder::Decoder;
pub use encoder::{Encoder, Progress};
pub use error::{Blame, Cause, Error, Wait};
pub use exchange::{Answering, Expected, ResponseTo};
pub use fields::{FieldSection, Fields};
pub use framing::BodyFraming;
pub use limits::{BareLineFeed, Limits};
pub use media_type::is_media_type;
pub use persistence::Persistence;
pub use printable::{Printable, printable};
pub use reason::reason_phrase;
pub use refusal::Refusal;
pub use report::Report;
pub use request::RequestHead;
pub use response::ResponseHead;
pub use target::{Host, TargetForm};
pub use version::Version;
