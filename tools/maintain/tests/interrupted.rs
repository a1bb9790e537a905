//! Interrupting or killing `cargo maintain` also ends the proxies that it started.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::{Interruption, end_in_the_middle, stop};

fn maintain(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maintain"));
    command.args(arguments);
    command
}

#[test]
fn an_interrupted_conform_leaves_no_proxy() {
    // It accepts no connection, so each case waits for its proxy.
    let script = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sleeper.sh");
    fs::write(&script, "sleep 4711\n# ").unwrap();
    let line = format!("sh {} {{listen}} {{backend}}", script.display());
    for how in [Interruption::CtrlC, Interruption::Kill] {
        let status = end_in_the_middle(&mut maintain(&["conform", "--cmd", &line]), &["sleep"], how);
        assert!(how == Interruption::Kill || status.code() == Some(stop::EXIT_CODE), "{status}");
    }
}

#[test]
fn an_interrupted_soak_leaves_no_proxy() {
    for how in [Interruption::CtrlC, Interruption::Kill] {
        let status = end_in_the_middle(&mut maintain(&["soak", "--stage", "2"]), &["part2"], how);
        assert!(how == Interruption::Kill || status.code() == Some(stop::EXIT_CODE), "{status}");
    }
}
