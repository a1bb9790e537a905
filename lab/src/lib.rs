//! What tests and the attendee's tool need around a proxy: a process, a client, backends.
//!
//! | file | what it holds |
//! |---|---|
//! | `process.rs` | starts a stage, or a foreign proxy, and stops it when it is dropped |
//! | `log.rs` | what a process has said |
//! | `client.rs` | a raw-socket client that sends any bytes and reads responses strictly |
//! | `backend.rs` | scripted backends, good and bad, that record what reached them |
//! | `record.rs` | that record, and how to wait for it to change |
//! | `script.rs` | what a scripted backend can do with one connection |
//! | `wire.rs` | heads and bodies as they come from a socket: no line of it is shared with `codec` |

mod backend;
mod client;
mod log;
mod process;
mod record;
mod script;
mod wire;

use std::time::Duration;

pub use backend::{Backend, RefusedPort};
pub use client::{Client, Ended, Response};
pub use process::{Finished, Process, StartError, run_to_end};
pub use record::Received;
pub use script::Connection;
pub use wire::{End, Head};

/// How long anything here waits for something to happen, before it fails with a reason.
pub const PATIENCE: Duration = Duration::from_secs(10);
