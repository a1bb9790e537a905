//! `cargo lab check --watch`, from the first task of a stage to its end.

// A panic is the failure report of a test.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use course::{Stage, stages};
use lab::places::{Places, write_sources};
use lab::start::{cut, patched};
use scratch::Scratch;
use testkit::{Child, Workspace};

mod scratch;

/// How long a build and a check may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The lines up to the one that begins with these words.
fn lines_until(lines: &Receiver<String>, words: &str) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    while said.last().is_none_or(|line| !line.starts_with(words)) {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                assert!(line.chars().count() <= 80, "over 80 columns: {line}");
                said.push(line);
            }
            Err(error) => panic!("no line begins with {words:?} ({error}): {said:#?}"),
        }
    }
    said
}

/// Writes the sources of a stage with only these tasks left.
fn write_work(places: &Places, stage: &Stage, open: &[usize]) {
    let open: Vec<_> = open.iter().map(|&index| &stage.tasks[index]).collect();
    write_sources(&places.work_sources(), &patched(places, stage, &open).unwrap()).unwrap();
}

#[test]
fn watch_goes_from_task_to_task_gives_hints_and_says_at_the_end_what_to_measure_and_read() {
    let scratch = Scratch::new("watch");
    scratch.take_manifest();
    let places = Places { workspace: Workspace::at(&scratch.folder) };
    let stage = &stages()[0];
    write_sources(&places.work_sources(), &cut(&places, stage).unwrap()).unwrap();

    let mut command = scratch.command(&["check", "--watch"]);
    command.env("CARGO_TARGET_DIR", Workspace::at(scratch::real()).target().unwrap());
    let (stdin, mut keys) = io::pipe().unwrap();
    command.stdin(stdin).stdout(Stdio::piped());
    let mut watch = Child::spawn(&mut command).unwrap();
    let (sender, lines) = channel();
    let stdout = BufReader::new(watch.take_stdout().unwrap());
    thread::spawn(move || stdout.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));

    let said = lines_until(&lines, "watching work/");
    let states: Vec<&str> = said.iter().map(|line| line.get(..8).unwrap_or("")).collect();
    assert_eq!(states[1..4], ["now  1.1", "open 1.2", "open 1.3"], "{said:#?}");
    assert!(said[4].starts_with("FAIL 1.1 "), "{said:#?}");
    assert_eq!(said.iter().filter(|line| line.starts_with("FAIL ")).count(), 1, "only the first: {said:#?}");
    for level in 1..=3 {
        writeln!(keys, "h").unwrap();
        lines_until(&lines, &format!("hint {level} of 3:"));
    }
    writeln!(keys, "h").unwrap();
    lines_until(&lines, "there are no more hints; to see it done: cargo lab solve 1.1");

    // All small tasks are parts of the larger one.
    let larger = stage.larger.as_ref().unwrap();
    write_sources(&places.work_sources(), &patched(&places, stage, &[larger]).unwrap()).unwrap();
    let said = lines_until(&lines, "watching work/");
    assert_eq!(said.iter().filter(|line| line.starts_with("now  1.")).count(), 3, "{said:#?}");
    writeln!(keys, "h").unwrap();
    let said = lines_until(&lines, "     ");
    assert!(said.last().unwrap().starts_with("     In `relay`: `split` both connections"), "{said:#?}");

    write_work(&places, stage, &[1, 2]);
    let said = lines_until(&lines, "watching work/");
    assert!(said.iter().any(|line| line.starts_with("done 1.1 ")), "{said:#?}");
    assert!(said.iter().any(|line| line.starts_with("now  1.2 ")), "{said:#?}");
    fs::write(places.work_sources().join("main.rs"), "no Rust").unwrap();
    lines_until(&lines, "work does not build, see above");
    writeln!(keys, "h").unwrap();
    lines_until(&lines, "hint 1 of 3:");
    // Stdin may end.
    drop(keys);
    write_work(&places, stage, &[]);
    lines_until(&lines, "stage 1 is done: ");
    let said = lines_until(&lines, "next: ");
    assert!(said[0].starts_with("measure: how long does the second client wait?"), "{said:#?}");
    assert!(said[1].starts_with("read:    part1/src/proxy.rs"), "{said:#?}");
    assert_eq!(said[2], "next:    cargo lab next");
}
