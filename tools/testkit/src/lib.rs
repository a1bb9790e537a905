//! What tests and tools need around a proxy: a process, ports, raw clients, scripted backends.
//!
//! Invariant: nothing here uses the codec or a stage, so this crate can disagree with them.

/// Scripted backends, good and bad, that record what reached them.
mod backend;
/// A child process that does not outlive this one.
mod child;
/// A raw-socket client that sends any bytes and reads responses strictly.
mod client;
/// Distinguishes the errors of a socket.
pub mod fault;
/// Starts a proxy that is not a stage.
mod foreign;
/// The head of a message, or its trailer section.
mod head;
/// Ends a tool while it runs.
#[cfg(unix)]
mod interruption;
/// The stderr of a process.
mod log;
/// Third-party proxies.
mod peer;
/// Polls for conditions without a notification.
mod poll;
/// Ports that no other program gets.
mod port;
/// Starts a stage or a foreign proxy, and ends it when the handle is dropped.
mod process;
/// A proxy under test.
mod program;
/// The progress of a long command.
pub mod progress;
/// The ready line of a program.
mod ready_line;
/// What a backend received, and how to wait for changes.
mod record;
/// The memory, descriptors and CPU time of a process.
mod resources;
/// What a scripted backend can do with one connection.
mod script;
/// Ctrl-C.
pub mod stop;
/// Text for a terminal.
pub mod text;
/// Heads and bodies read from a socket, without any code of `codec`.
pub mod wire;
/// The workspace in which a command runs, and what cargo builds there.
mod workspace;

use std::time::Duration;

pub use backend::{Backend, listen, listen_anywhere};
pub use child::Child;
#[cfg(unix)]
pub use child::{interrupt, terminate};
pub use client::{Client, Ended, Response};
pub use foreign::{COMMAND_LINE, check_command_line};
pub use head::Head;
#[cfg(unix)]
pub use interruption::{Interruption, end_in_the_middle};
pub use peer::{Peer, Settings};
pub use poll::poll;
pub use port::{FullPort, KeptPort, RefusedPort, localhost};
pub use process::{Finished, Process, StartError, run_to_end};
pub use program::Program;
pub use record::Received;
pub use resources::children;
pub use script::Connection;
pub use wire::End;
pub use workspace::{Binaries, Profile, Workspace};

/// The largest stage number that a flag accepts.
pub const MAX_STAGE: u64 = 99;

/// How long anything here waits for an event before it fails with a reason.
pub const PATIENCE: Duration = Duration::from_secs(10);
