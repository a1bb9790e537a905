//! The suite of all stages, run on this one; with what many clients, and many requests a connection, ask for.

// A test says what failed by failing.
#![allow(clippy::unwrap_used)]

#[path = "../../lab/suite/counting.rs"]
mod counting;
#[path = "../../lab/suite/many/mod.rs"]
mod many;
#[path = "../../lab/suite/pool/mod.rs"]
mod pool;
#[path = "../../lab/suite/rpc/mod.rs"]
mod rpc;
#[path = "../../lab/suite/mod.rs"]
mod suite;

const BINARY: &str = env!("CARGO_BIN_EXE_part5");
const NAME: &str = env!("CARGO_PKG_NAME");
const STAGE: u32 = 5;
