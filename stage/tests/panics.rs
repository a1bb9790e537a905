//! A panic is reported as the standard library does it, and does not keep a program from ending.

// Only Linux is known to have pipes of 64 KiB.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::env;
use std::io::{Write, pipe};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Set in the child, which panics.
const IS_CHILD: &str = "STAGE_TEST_PANICS";
/// The deadline for the end of a child, which takes about 1 s.
const DEADLINE: Duration = Duration::from_secs(10);
const PIPE_BYTES: usize = 64 * 1024;

/// Runs this program again, for the test of that name only, which panics at once.
fn child(test: &str, stderr: Stdio) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(IS_CHILD, "1").env_remove("RUST_BACKTRACE");
    command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap()
}

fn panics_in_child() {
    if env::var_os(IS_CHILD).is_some() {
        stage::start_log("info").unwrap();
        panic!("a fault");
    }
}

#[test]
fn a_panic_is_reported_with_its_thread_its_place_and_its_message() {
    panics_in_child();
    let test = "a_panic_is_reported_with_its_thread_its_place_and_its_message";
    let output = child(test, Stdio::piped()).wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let first = format!("\nthread '{test}' panicked at stage/tests/panics.rs:");
    assert!(text.starts_with(&first), "{text}");
    assert!(text.contains(":\na fault\nnote: run with `RUST_BACKTRACE=1`"), "{text}");
}

#[cfg(feature = "tokio")]
#[test]
fn a_panic_in_a_task_is_written_before_the_task_ends() {
    if env::var_os(IS_CHILD).is_some() {
        stage::start_log("info").unwrap();
        let program = async {
            tokio::spawn(async { panic!("a fault") }).await.unwrap_err();
            // Nothing is written after this.
            std::process::abort();
        };
        stage::tokio::block_on(program).unwrap();
    }
    let test = "a_panic_in_a_task_is_written_before_the_task_ends";
    let output = child(test, Stdio::piped()).wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(":\na fault\n"), "{text}");
}

#[test]
fn a_panic_ends_the_program_even_if_stderr_is_full() {
    panics_in_child();
    let (_reader, mut writer) = pipe().unwrap();
    writer.write_all(&[b'x'; PIPE_BYTES]).unwrap();
    let mut child = child("a_panic_ends_the_program_even_if_stderr_is_full", writer.into());
    let deadline = Instant::now() + DEADLINE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it does not end");
        }
        sleep(Duration::from_millis(20));
    };
    assert!(!status.success());
}
