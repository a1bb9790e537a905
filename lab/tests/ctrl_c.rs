//! When the tool ends, the programs that it started end too: after Ctrl-C, also if only the tool receives the signal,
//! and after `kill -9`.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use testkit::{Interruption, PATIENCE, end_in_the_middle, poll, stop};

const BENCH: [&str; 8] = ["bench", "2", "--delay", "20", "--clients", "1", "--requests", "10000"];

fn lab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(arguments);
    command
}

/// A check of a proxy that accepts no connection, so the check waits. The proxy is the child of a shell.
fn check(name: &str) -> Command {
    let script = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&script, "sleep 4711\n# ").unwrap();
    lab(&["check", "4.1", "--cmd", &format!("sh {} {{listen}} {{backend}}", script.display())])
}

#[test]
fn ctrl_c_ends_a_check_and_its_proxy() {
    let status = end_in_the_middle(&mut check("ctrl-c.sh"), &["sleep"], Interruption::CtrlC);
    assert_eq!(status.code(), Some(stop::EXIT_CODE));
}

#[test]
fn ctrl_c_while_a_proxy_is_started_ends_it_too() {
    // More than one: the tool may be at any place between the start of its child and the exit.
    const ATTEMPTS: usize = 20;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (script, number) = (folder.join("interrupter.sh"), folder.join("interrupter.pid"));
    let text = format!("echo $$ > {}\nkill -INT $PPID\nexec sleep 4711\n", number.display());
    fs::write(&script, text).unwrap();
    for attempt in 1..=ATTEMPTS {
        let line = format!("sh {} {{listen}} {{backend}}", script.display());
        let output = lab(&["check", "4.1", "--cmd", &line]).output().unwrap();
        assert_eq!(output.status.code(), Some(stop::EXIT_CODE), "{output:?}");
        let stat = format!("/proc/{}/stat", fs::read_to_string(&number).unwrap().trim());
        let has_ended = || {
            fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z ")) || !Path::new(&stat).exists()
        };
        assert!(poll(PATIENCE, has_ended), "attempt {attempt}: {stat}");
    }
}

#[test]
fn a_killed_check_leaves_no_proxy() {
    end_in_the_middle(&mut check("kill.sh"), &["sleep"], Interruption::Kill);
}

#[test]
fn ctrl_c_ends_a_measurement_and_its_proxy_and_backend() {
    let status = end_in_the_middle(&mut lab(&BENCH), &["webserver", "part2"], Interruption::CtrlC);
    assert_eq!(status.code(), Some(stop::EXIT_CODE));
}

#[test]
fn a_killed_measurement_leaves_neither_proxy_nor_backend() {
    end_in_the_middle(&mut lab(&BENCH), &["webserver", "part2"], Interruption::Kill);
}

#[test]
fn an_interrupted_demo_leaves_no_proxy_and_no_backend() {
    if let Some(port) = [8080, 8081].into_iter().find(|&port| TcpListener::bind(("127.0.0.1", port)).is_err())
    {
        println!("skipped: port {port} is in use");
        return;
    }
    for how in [Interruption::CtrlC, Interruption::Kill] {
        let status = end_in_the_middle(&mut lab(&["demo", "2"]), &["webserver", "part2"], how);
        assert!(how == Interruption::Kill || status.code() == Some(stop::EXIT_CODE), "{status}");
    }
}
