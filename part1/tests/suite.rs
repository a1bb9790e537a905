//! The suite of all stages, run on this one; with what only a serial proxy does.

// A test says what failed by failing.
#![allow(clippy::unwrap_used)]

#[path = "../../tools/conformance/suite/serial.rs"]
mod serial;
#[path = "../../tools/conformance/suite/mod.rs"]
mod suite;

const BINARY: &str = env!("CARGO_BIN_EXE_part1");
const NAME: &str = env!("CARGO_PKG_NAME");
const STAGE: u32 = 1;
