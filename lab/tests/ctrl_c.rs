//! Ctrl-C, also where only the tool itself hears of it: it ends, and nothing that it has started is left.

// A test says what failed by failing.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Long enough for a first build with `--release` on a machine that is busy.
const BUILD: Duration = Duration::from_secs(1200);
const TICK: Duration = Duration::from_millis(10);

/// The children of a process, with their names.
fn children(parent: &Child) -> Vec<(u32, String)> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let child = |number: u32| {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
        let (name, rest) = stat.split_once(" (")?.1.rsplit_once(") ")?;
        (rest.split(' ').nth(1)?.parse() == Ok(parent.id())).then(|| (number, name.to_owned()))
    };
    numbers.filter_map(child).collect()
}

/// Starts the tool, waits until all these run below it, and interrupts it twice, as who is impatient does.
fn interrupt(arguments: &[&str], wanted: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(arguments).env("LAB_WORKSPACE", env!("CARGO_TARGET_TMPDIR")).stdin(Stdio::null());
    let mut lab = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + BUILD;
    let running = loop {
        let running = children(&lab);
        if wanted.iter().all(|name| running.iter().any(|(_, other)| other == name)) {
            break running;
        }
        assert!(lab.try_wait().unwrap().is_none(), "it has ended by itself");
        assert!(Instant::now() < deadline, "of {wanted:?} only these run: {running:?}");
        sleep(TICK);
    };
    for _ in 0..2 {
        assert!(Command::new("kill").args(["-INT", &lab.id().to_string()]).status().unwrap().success());
    }
    assert_eq!(lab.wait().unwrap().code(), Some(130));
    for (number, name) in running {
        assert!(!Path::new(&format!("/proc/{number}")).exists(), "{name} was left behind");
    }
}

#[test]
fn a_check_leaves_no_proxy_behind() {
    // It accepts no connection, so the check waits for it.
    let script = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sleeper.sh");
    fs::write(&script, "exec sleep 4711").unwrap();
    let line = format!("sh {} {{listen}} {{backend}}", script.display());
    interrupt(&["check", "4.1", "--cmd", &line], &["sleep"]);
}

#[test]
fn a_measurement_leaves_neither_proxy_nor_backend_behind() {
    interrupt(
        &["bench", "2", "--delay", "20", "--clients", "1", "--requests", "10000"],
        &["webserver", "part2"],
    );
}
