//! The black-box suite: what a client of any stage gets, and what reaches the backend.
//!
//! A stage's `tests/suite.rs` names its binary and its number, and includes this folder; with it `serial.rs`, or
//! from part2 on `many/`. What differs between stages is decided in `setup.rs`. Each test starts a proxy of its
//! own on a free port. `LAB_PROXY="COMMAND {listen} {backend}"` puts another proxy in the place of the stage.

mod backend_connections;
mod bodies;
mod early_responses;
mod failures;
mod flags;
mod forwarding;
mod framing;
mod heads;
mod logging;
#[cfg(target_os = "linux")]
#[allow(dead_code)] // Part of it is for several backends.
pub mod network;
mod responses;
#[allow(dead_code)] // Each stage uses a part of it.
pub mod setup;
mod startup;
mod truncation;
