//! Every case and behaviour that applies to this stage, as tests; `-- chunk` after the command runs those with `chunk`
//! in their names.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance::test_stage(env!("CARGO_PKG_NAME"), env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME"))))
}
