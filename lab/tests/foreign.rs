//! `cargo lab check --cmd` on a proxy in another language: the checks of its abilities pass, and a missing ability is
//! detected.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.
#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use course::stages;

/// The exit code and the output of the check of a stage; `None` without Python.
fn check(stage: u32) -> Option<(i32, String)> {
    let python = Command::new("python3").arg("--version").stdout(Stdio::null()).status();
    if !python.is_ok_and(|status| status.success()) {
        println!("skipped: python3 is not installed");
        return None;
    }
    let proxy = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign_proxy.py");
    let line = format!("python3 {} {{listen}} {{backend}}", proxy.display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(["check", &stage.to_string(), "--cmd", &line]);
    let Output { status, stdout, .. } = command.output().unwrap();
    Some((status.code().unwrap(), String::from_utf8(stdout).unwrap()))
}

#[test]
fn a_foreign_proxy_passes_the_checks_of_its_abilities() {
    for stage in &stages()[..3] {
        let Some((code, text)) = check(stage.number) else {
            return;
        };
        assert_eq!(code, 0, "{text}");
        for task in &stage.tasks {
            assert!(text.contains(&format!("PASS {} {}\n", task.name, task.promise)), "{text}");
        }
    }
}

#[test]
fn a_foreign_proxy_fails_the_checks_of_missing_abilities() {
    let Some((code, text)) = check(4) else {
        return;
    };
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("FAIL 4.1 400 requests of 8 clients need 8 connections\n"), "{text}");
    assert!(text.contains("0 passed, 1 failed, 3 skipped in "), "{text}");
}
