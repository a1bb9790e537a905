//! What tests and tools need around a proxy: a process, ports, raw clients, scripted backends.
//!
//! Invariant: nothing here uses the codec or a stage, so it can disagree with them.

/// Scripted backends, good and bad, that record what reached them.
mod backend;
/// A child process that does not outlive this one.
mod child;
/// A raw-socket client that sends any bytes and reads responses strictly.
mod client;
/// What goes wrong on a socket, told apart.
pub mod fault;
/// Starts a proxy that is none of the stages.
mod foreign;
/// Ends a tool in the middle of what it does.
#[cfg(unix)]
mod interruption;
/// What a process has said.
mod log;
/// Proxies of others.
mod peer;
/// Ports that nobody else gets.
mod port;
/// Starts a stage, or a foreign proxy, and ends it when it is dropped.
mod process;
/// A proxy under test.
mod program;
/// How far a long command is.
pub mod progress;
/// What has reached a backend, and how to wait for it to change.
mod record;
/// The memory, descriptors and time that a process uses, and the limit of open files.
mod resources;
/// What a scripted backend can do with one connection.
mod script;
/// Ctrl-C.
pub mod stop;
/// Text for a terminal.
pub mod text;
/// Heads and bodies as they come from a socket: no line of it is shared with `codec`.
pub mod wire;
/// The workspace in which a command was typed, and what cargo builds there.
mod workspace;

use std::time::Duration;

pub use backend::{Backend, listen, listen_anywhere};
pub use child::Child;
#[cfg(unix)]
pub use child::{interrupt, terminate};
pub use client::{Client, Ended, Response};
pub use foreign::check_command_line;
#[cfg(unix)]
pub use interruption::{Interruption, end_in_the_middle};
pub use peer::{Peer, Settings};
pub use port::{FullPort, KeptPort, RefusedPort, localhost};
pub use process::{Finished, Process, StartError, run_to_end};
pub use program::Program;
pub use record::Received;
pub use resources::{children, raise_open_files_limit};
pub use script::Connection;
pub use wire::{End, Head};
pub use workspace::{Binaries, Profile, Workspace};

/// The largest number of a stage that a flag may give.
pub const MAX_STAGE: u64 = 99;

/// How long anything here waits for something to happen, before it fails with a reason.
pub const PATIENCE: Duration = Duration::from_secs(10);
