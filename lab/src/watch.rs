//! `cargo lab check --watch`: one task after the other, checked again whenever a file changes.
//!
//! Plain lines on stdout, and lines on stdin: the same in a terminal, in a pipe and for a screen reader.

use std::io::{BufRead, ErrorKind, stdin};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::build::Checked;
use crate::check::{Check, Round};
use crate::places::Places;
use crate::sources;
use crate::{hint, list};
use course::{Stage, Task};
use stage::Failure;
use testkit::say;

/// The polling interval for the files.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// The line that asks for a hint.
const HINT: &str = "h";

/// Checks at once and after each change of work/, until Ctrl-C.
pub fn watch(places: &Places, check: &Check) -> ! {
    let (sender, lines) = channel();
    // Kept, because stdin may end at once.
    let reader = sender.clone();
    thread::spawn(move || send_lines(stdin().lock(), &reader));
    // Also while work/ does not build, there are hints for the task that was open before.
    let mut open = check.first_open(places);
    loop {
        let before = fingerprint(places);
        match run_once(places, check) {
            Ok(Some(round)) => open = round,
            Ok(None) => say!("next: fix it, and save the file"),
            Err(error) => say!("{error}"),
        }
        let keys = if open.is_some() { "h and Enter: a hint, " } else { "" };
        say!("watching work/: save a file to check again, {keys}Ctrl-C: stop");
        while fingerprint(places) == before {
            give_hint(places, open, &lines);
        }
        say!("");
    }
}

/// Sends each line. A line that is not UTF-8 is ignored, and any other error ends the loop.
fn send_lines(from: impl BufRead, lines: &Sender<String>) {
    for line in from.lines() {
        let goes_on = match line {
            Ok(line) => lines.send(line).is_ok(),
            Err(error) => error.kind() == ErrorKind::InvalidData,
        };
        if !goes_on {
            break;
        }
    }
}

/// Waits for a line for a moment, and prints the next hint if the line asks for it.
fn give_hint(places: &Places, open: Option<&Task>, lines: &Receiver<String>) {
    let Ok(line) = lines.recv_timeout(LOOK_AGAIN) else {
        return;
    };
    match open {
        Some(task) if line.trim() == HINT => {
            if let Err(error) = hint::say_next(places, task) {
                say!("{error}");
            }
        }
        Some(_) => say!("only {HINT} and Enter does something: it gives a hint"),
        None => say!("no task is open, so there is no hint. Try: cargo lab list"),
    }
}

/// Checks and prints what there is to see. Returns the task to work on, if there is one; `None` if work/ does not build.
fn run_once(places: &Places, check: &Check) -> Result<Option<Option<&'static Task>>, Failure> {
    let Some(round) = check.run_once(places)? else {
        return Ok(None);
    };
    let failed = round.first_failed();
    let open = failed.map(|(task, _)| check.suspect(&round, task));
    for (task, result) in &round.results {
        let state = match result {
            Checked::Pass => "done",
            _ if open.is_some_and(|open| open.name == task.name) => "now ",
            _ if check.is_broken(&round, task) => "FAIL",
            _ if open.is_some_and(Task::is_larger) => "now ",
            _ => "open",
        };
        say!("{state} {} {}", task.name, task.title);
    }
    match failed {
        Some((task, seen)) => {
            say!("{}", check.failure(places, &round, task, seen));
            if let Some(other) = check.other_stage(&round, task) {
                say!("{other}");
            }
        }
        None if check.is_of_work() => say_done(&round),
        None => {}
    }
    Ok(Some(open))
}

/// After the last task of a stage, what to measure and to read. Then the next command.
fn say_done(round: &Round) {
    let progress = &round.progress;
    let stage = round.results.first().and_then(|(task, _)| Stage::find(task.stage()));
    if let Some(stage) =
        stage.filter(|stage| stage.tasks.iter().all(|task| progress.done.contains(&task.name)))
    {
        let (number, name) = (stage.number, stage.reference());
        say!("stage {number} is done: {}", stage.title);
        say!("measure: {} docs/src/{name}.md, Measure", stage.measure);
        say!("read:    {name}/src/{}, and what you did otherwise: cargo lab diff work {number}", stage.read);
    }
    say!("next:    {}", list::next(progress));
}

/// The names, lengths and times of the files that Cargo builds `work` from. It changes when a file changes.
fn fingerprint(places: &Places) -> Vec<(PathBuf, u64, Option<SystemTime>)> {
    // Reading fails while an editor replaces the folder. The next poll then sees a change.
    let sources = sources::files(&places.work_sources()).unwrap_or_default();
    let paths = sources.into_values().chain([places.root().join("Cargo.toml")]);
    let of = |path: PathBuf| {
        let metadata = path.metadata().ok()?;
        Some((path, metadata.len(), metadata.modified().ok()))
    };
    paths.filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{self, BufReader, Read};

    use testkit::Workspace;

    use super::*;

    /// Fails at every read, and counts them.
    struct Failing(usize);

    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            // Without this the test would not end.
            if self.0 < 100 { Err(io::Error::other("as a terminal that is gone")) } else { Ok(0) }
        }
    }

    #[test]
    fn lines_end_with_the_first_error_but_one_that_is_not_utf_8_is_ignored() {
        let (sender, lines) = channel();
        let mut failing = BufReader::new(Failing(0));
        send_lines(&mut failing, &sender);
        assert_eq!(failing.get_ref().0, 1);
        send_lines(&b"\xff\nh\n"[..], &sender);
        drop(sender);
        assert_eq!(lines.iter().collect::<Vec<_>>(), ["h"]);
    }

    #[test]
    fn only_what_cargo_builds_changes_the_fingerprint() {
        let root = std::env::temp_dir().join(format!("lab-fingerprint-{}", std::process::id()));
        let (places, work) = (Places { workspace: Workspace::at(&root) }, root.join("work"));
        fs::create_dir_all(work.join("src/.hidden")).unwrap();
        fs::write(work.join("src/main.rs"), "1").unwrap();
        let before = fingerprint(&places);
        assert_eq!(before.len(), 1);
        for name in [".main.rs.swp", ".#main.rs", "main.rs~", "#main.rs#", "4913", ".hidden/own.rs"] {
            fs::write(work.join("src").join(name), "2").unwrap();
            assert_eq!(fingerprint(&places), before, "{name}");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("nowhere", work.join("src/lock.rs")).unwrap();
        assert_eq!(fingerprint(&places), before, "a link that points nowhere");

        fs::write(work.join("src/main.rs"), "of another length").unwrap();
        let changed = fingerprint(&places);
        assert_ne!(changed, before);
        fs::create_dir(work.join("src/inner")).unwrap();
        fs::write(work.join("src/inner/mod.rs"), "").unwrap();
        assert_ne!(fingerprint(&places), changed);
        let with_module = fingerprint(&places);
        fs::write(root.join("Cargo.toml"), "").unwrap();
        assert_ne!(fingerprint(&places), with_module);
        fs::remove_dir_all(&root).unwrap();
    }
}
