//! A strict HTTP/1.1 codec for proxies, in two layers.
//!
//! ```text
//!            bytes                                         bytes
//!  client ────────▶ Decoder ─▶ RequestHead, Pieces ─▶ Encoder ────────▶ backend
//!         ◀──────── Encoder ◀─ ResponseHead, Pieces ◀─ Decoder ◀────────
//!
//!  the core, without I/O   decoder.rs encoder.rs         all transitions of a message
//!                          head.rs request.rs response.rs target.rs fields/ names.rs version.rs reason.rs      heads
//!                          lines.rs                      how their lines are written
//!                          span.rs token.rs              where a part of one lies, which bytes it may have
//!                          scanner.rs buffer.rs          where a head ends, and what it waits in
//!                          framing.rs chunked.rs body.rs connection.rs persistence.rs         bodies
//!                          forward.rs                    what an intermediary changes
//!                          limits.rs refusal.rs          every bound, every refusal
//!  the adapters            blocking/                     over std::net
//!                          tokio/                        over tokio, with the feature `tokio`; line-parallel
//!  shared by the adapters  client_state.rs both_ways.rs signal.rs date.rs address.rs
//!                          error.rs error_response.rs report.rs     whose fault it was, and how it is answered
//!                          connect_failure.rs                       why a backend could not be reached
//!                          printable.rs                  text from outside, for people
//! ```
//!
//! A proxy is written with an adapter: a `ClientConnection` reads requests and writes responses,
//! a `BackendConnection` writes requests and reads responses. Read `blocking/client.rs` first.

#![warn(missing_docs)]

mod address;
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
mod fields;
pub mod forward;
mod framing;
mod head;
mod limits;
mod lines;
mod names;
mod persistence;
mod printable;
mod reason;
mod refusal;
mod report;
mod request;
mod response;
mod scanner;
mod signal;
mod span;
mod target;
mod token;
#[cfg(feature = "tokio")]
pub mod tokio;
mod version;

pub use address::{AddressError, BackendAddress};
pub use body::{Piece, WrongBodyLength};
pub use decoder::{Decoded, Decoder, Expected};
pub use encoder::{Answering, Encoder, Progress};
pub use error::{Blame, Cause, Error, Wait};
pub use fields::FieldSection;
pub use framing::{BodyFraming, ResponseTo};
pub use limits::{BareLineFeed, Limits};
pub use persistence::Persistence;
pub use printable::{Printable, printable};
pub use reason::reason_phrase;
pub use refusal::Refusal;
pub use report::Report;
pub use request::RequestHead;
pub use response::ResponseHead;
pub use target::TargetForm;
pub use version::Version;
