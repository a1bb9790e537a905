//! Every case and behaviour that applies to this stage, as tests: `cargo test -p part1 --test suite chunk` runs some.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance::test_stage(1, env!("CARGO_BIN_EXE_part1"))
}
