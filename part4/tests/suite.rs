//! The suite of all stages, run on this one; with what many clients, and many requests a connection, ask for.

// A test says what failed by failing.
#![allow(clippy::unwrap_used)]

#[path = "../../tools/conformance/suite/counting.rs"]
mod counting;
#[path = "../../tools/conformance/suite/many/mod.rs"]
mod many;
#[path = "../../tools/conformance/suite/pool/mod.rs"]
mod pool;
#[path = "../../tools/conformance/suite/mod.rs"]
mod suite;

const BINARY: &str = env!("CARGO_BIN_EXE_part4");
const NAME: &str = env!("CARGO_PKG_NAME");
const STAGE: u32 = 4;
