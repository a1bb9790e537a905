//! Every case and behaviour that applies to this stage, as tests: `cargo test -p part5 --test suite chunk` runs some.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance::test_stage(5, env!("CARGO_BIN_EXE_part5"))
}
