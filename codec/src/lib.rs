//! A strict HTTP/1.1 codec for proxies, in two layers.
//!
//! ```text
//!            bytes                                         bytes
//!  client ────────▶ Decoder ─▶ RequestHead, Pieces ─▶ Encoder ────────▶ backend
//!         ◀──────── Encoder ◀─ ResponseHead, Pieces ◀─ Decoder ◀────────
//!
//!  the core, without I/O     decoder.rs encoder.rs      all transitions of a message
//!                            scanner.rs request.rs response.rs target.rs fields.rs    heads
//!                            framing.rs chunked.rs body.rs                            bodies
//!                            forward.rs persistence.rs                                what an intermediary does
//!                            limits.rs refusal.rs                                     every bound, every refusal
//!  the adapters              blocking/   over std::net
//!                            tokio/      over tokio, with the feature `tokio`; line-parallel to the other
//!                            error.rs    whose fault it was, and which status answers it
//! ```
//!
//! A proxy is written with an adapter: a `ClientConnection` reads requests and writes responses,
//! a `BackendConnection` writes requests and reads responses. Read `blocking/client.rs` first.

#![warn(missing_docs)]

mod address;
mod answer;
pub mod blocking;
mod body;
mod both_ways;
mod buffer;
mod chunked;
mod client_state;
mod clock;
mod decoder;
mod encoder;
mod error;
mod fields;
pub mod forward;
mod framing;
mod limits;
mod persistence;
mod refusal;
mod report;
mod request;
mod response;
mod scanner;
mod signal;
mod status;
mod target;
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
pub use refusal::Refusal;
pub use report::Report;
pub use request::RequestHead;
pub use response::ResponseHead;
pub use status::reason_phrase;
pub use target::TargetForm;
pub use version::Version;
