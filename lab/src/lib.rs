//! What tests and the attendee's tool need around a proxy: a process, a client, backends.

/// Scripted backends, good and bad, that record what reached them.
mod backend;
/// `cargo lab bench`: measures stages against each other.
pub mod bench;
/// What is typed in the book, and what comes of it.
pub mod book;
/// A raw-socket client that sends any bytes and reads responses strictly.
mod client;
/// A list of cases, each with its RFC section, and what runs them against any proxy.
pub mod conform;
/// What goes wrong on a socket, told apart.
mod fault;
/// Starts a proxy that is none of the stages.
mod foreign;
/// What a process has said.
mod log;
/// Ports that nobody else gets.
mod port;
/// Starts a stage, or a foreign proxy, and stops it when it is dropped.
mod process;
/// How far a long command is.
mod progress;
/// What has reached a backend, and how to wait for it to change.
mod record;
/// The memory, descriptors and time that a process uses, and the limit of open files.
mod resources;
/// What a scripted backend can do with one connection.
mod script;
/// `cargo lab soak`: load and faults for minutes.
pub mod soak;
/// The source files of a crate: the `*.rs` files that Cargo would build.
pub mod sources;
/// Ctrl-C.
pub mod stop;
/// The attendee's tasks: what is cut out of each stage, how it is checked, and what is said about it.
pub mod tasks;
/// Heads and bodies as they come from a socket: no line of it is shared with `codec`.
mod wire;

use std::time::Duration;

pub use backend::Backend;
pub use client::{Client, Ended, Response};
pub use foreign::check_command_line;
pub use port::{FullPort, KeptPort, RefusedPort};
pub use process::{Finished, Process, StartError, run_to_end};
pub use record::Received;
pub use resources::raise_open_files_limit;
pub use script::Connection;
pub use wire::{End, Head};

/// The largest number of a stage that a flag may give.
pub const MAX_STAGE: u64 = 99;

/// How long anything here waits for something to happen, before it fails with a reason.
pub const PATIENCE: Duration = Duration::from_secs(10);
