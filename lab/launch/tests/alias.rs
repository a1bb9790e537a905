//! The alias `cargo lab`, as it is typed.

// A panic is the failure report of a test.
#![allow(clippy::unwrap_used)]

use std::env;
use std::process::{Command, Output};

#[test]
fn cargo_says_nothing_where_nothing_was_built() {
    let cargo = env::var_os("CARGO").unwrap();
    let mut last = None;
    // The first one may have to build.
    for _ in 0..2 {
        let mut command = Command::new(&cargo);
        // A folder below that of the workspace.
        command.args(["lab", "list", "--help"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        last = Some(command.output().unwrap());
    }
    let Output { status, stdout, stderr } = last.unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{stderr}");
    assert!(stdout.starts_with("List the stages"), "{stdout}");
    assert!(!stderr.contains("Finished") && !stderr.contains("Running"), "{stderr}");
}

#[test]
fn an_exit_code_of_the_tool_is_that_of_the_command() {
    let mut command = Command::new(env::var_os("CARGO").unwrap());
    let status =
        command.args(["lab", "hint", "9.9"]).current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
