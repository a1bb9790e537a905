//! `cargo lab check N`: builds work/ and checks its tasks from outside, as a client and a backend.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::sources;
use crate::tasks::{Program, Stage, Task, breakage, failure};
use stage::Failure;
use testkit::say;
use testkit::{COMMAND_LINE, Profile, check_command_line};

use crate::build::{self, Checked};
use crate::lock::Lock;
use crate::places::{OrCannot, Places, binary, date_and_time};
use crate::progress::Progress;
use crate::{hint, list, start};

#[derive(clap::Args)]
pub struct Check {
    /// The number of a stage, as 2, or a task, as 2.1
    #[arg(value_name = "N|N.K")]
    what: String,

    /// Check again whenever a source file of work/ changes
    #[arg(long)]
    watch: bool,

    /// Check what this starts; it has {listen}, {backend}, {rpc}
    #[arg(long, value_name = "COMMAND")]
    cmd: Option<String>,
}

/// The exit code if a check failed.
const FAILED: i32 = 1;
/// The polling interval for the files.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub fn run(check: &Check) -> Result<(), Failure> {
    let tasks = choose(&check.what)?;
    if let Some(line) = &check.cmd {
        check_command_line(line).map_err(|problem| Failure::usage(problem, COMMAND_LINE))?;
    }
    let places = Places::find()?;
    if !check.watch {
        if !run_once(check, &places, &tasks)? {
            // Everything is printed, and the last line says what to do next.
            std::process::exit(FAILED);
        }
        return Ok(());
    }
    loop {
        let before = fingerprint(&places);
        if let Err(error) = run_once(check, &places, &tasks) {
            say!("{error}");
        }
        say!("watching work/: a change checks again, Ctrl-C ends this");
        while fingerprint(&places) == before {
            thread::sleep(LOOK_AGAIN);
        }
    }
}

/// The tasks that the argument names. For a single task, also the tasks that it needs.
fn choose(what: &str) -> Result<Vec<&'static Task>, Failure> {
    if let Ok(number) = what.parse() {
        return Ok(start::find_stage(number)?.tasks.iter().collect());
    }
    Ok(hint::find_task(what)?.with_needed())
}

/// Checks once and returns whether all tasks passed.
fn run_once(check: &Check, places: &Places, tasks: &[&'static Task]) -> Result<bool, Failure> {
    let what = &check.what;
    // Held until the end, so that no other check replaces the binary under test.
    let lock = if check.cmd.is_none() { Some(Lock::take(places, "work")?) } else { None };
    let program = match &check.cmd {
        Some(line) => {
            say!("testing the command \"{line}\" on free ports");
            Program::Command(line.clone())
        }
        None => {
            let Some(binaries) = places.try_build(Profile::Own, &["work"])? else {
                say!("work does not build, see above");
                say!("next: mend it, then cargo lab check {what}");
                return Ok(false);
            };
            let original = binary(&binaries, "work")?;
            let binary = build::copy_of_work(places, original)?;
            let built = original.metadata().and_then(|metadata| metadata.modified());
            let (_, time) = date_and_time(built.or_cannot("tell the time of", original)?);
            say!("testing work ({}, built {time} UTC) on free ports", places.shown(&binary));
            Program::Stage(binary)
        }
    };
    let started = Instant::now();
    let results = build::check(&program, tasks);
    drop(lock);

    let mut progress = Progress::open(places)?;
    let (mut counts, mut next) = ([0; 3], None);
    for (task, result) in &results {
        let index = match result {
            Checked::Pass => {
                say!("PASS {} {}", task.name, task.promise);
                if check.cmd.is_none() {
                    progress.passed(&task.name);
                }
                0
            }
            Checked::Fail(seen) => {
                // A foreign proxy has no known source lines, and no progress.
                let is_broken = check.cmd.is_none() && progress.failed(&task.name);
                let suspect = if is_broken { open_task(&progress, task) } else { task };
                let file = places.work_sources().join(&suspect.file);
                let source = check.cmd.is_none().then(|| fs::read_to_string(file).ok()).flatten();
                let message = match is_broken {
                    true => breakage(task, seen, suspect, source.as_deref()),
                    false => failure(task, seen, source.as_deref()),
                };
                say!("{}", message.trim_end());
                next = next.or(Some((*task, is_broken)));
                1
            }
            Checked::Skip(needed) => {
                say!("SKIP {} needs {needed}", task.name);
                2
            }
        };
        counts[index] += 1;
    }
    if check.cmd.is_none() {
        progress.save()?;
    }
    let [passed, failed, skipped] = counts;
    let seconds = started.elapsed().as_secs_f32();
    say!("{passed} passed, {failed} failed, {skipped} skipped in {seconds:.1} s");
    let Some((task, is_broken)) = next else {
        say!(
            "next: {}",
            if check.cmd.is_some() { "cargo lab list".to_owned() } else { list::next(&progress) }
        );
        return Ok(true);
    };
    let (here, stage) = (progress.stage(), task.stage());
    if check.cmd.is_none() && here != stage {
        say!("work/ was filled with stage {here}; next: cargo lab start {stage}");
    } else {
        let what_to_mend = if is_broken { "what you changed last" } else { &task.name };
        say!("next: mend {what_to_mend}, then cargo lab check {what}");
    }
    Ok(false)
}

/// The task that is probably being worked on: the first of the stage that has not passed yet, or else `broken`.
fn open_task(progress: &Progress, broken: &'static Task) -> &'static Task {
    let has_passed = |task: &Task| progress.done.contains(&task.name) || progress.broken.contains(&task.name);
    let stage = Stage::find(broken.stage());
    stage.and_then(|stage| stage.tasks.iter().find(|task| !has_passed(task))).unwrap_or(broken)
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
    use testkit::Workspace;

    use super::*;

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
