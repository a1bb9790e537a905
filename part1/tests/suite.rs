//! Black-box tests of the binary: what the client gets, and what reaches the backend.
//!
//! Each test starts a proxy of its own on a free port. The modules name no stage, but `serial`, which is about
//! what only a serial proxy does: a later stage includes the others by their path.

// A test says what failed by failing.
#![allow(clippy::unwrap_used)]

#[path = "suite/bodies.rs"]
mod bodies;
#[path = "suite/failures.rs"]
mod failures;
#[path = "suite/forwarding.rs"]
mod forwarding;
#[path = "suite/framing.rs"]
mod framing;
#[path = "suite/heads.rs"]
mod heads;
#[path = "suite/responses.rs"]
mod responses;
#[path = "suite/serial.rs"]
mod serial;
#[path = "suite/setup.rs"]
mod setup;
#[path = "suite/startup.rs"]
mod startup;
#[path = "suite/truncation.rs"]
mod truncation;

/// The binary under test, and its name.
const BINARY: &str = env!("CARGO_BIN_EXE_part1");
const NAME: &str = env!("CARGO_PKG_NAME");
