//! `cargo lab check N`: builds work, and checks its tasks from outside, as a client and a backend see it.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use lab::stop;
use lab::tasks::{Program, Task, failure};
use stage::Failure;

use super::build::{self, Verdict};
use super::places::{Places, date_and_time};
use super::progress::Progress;
use super::{hint, list, start};

#[derive(clap::Args)]
pub struct Check {
    /// The number of a stage, as 2, or a task, as 2.1
    #[arg(value_name = "N|N.K")]
    what: String,

    /// Check again whenever a file of work/ changes
    #[arg(long)]
    watch: bool,

    /// Check what this starts; it has {listen}, {backend}, {rpc}
    #[arg(long, value_name = "COMMAND")]
    cmd: Option<String>,
}

/// The exit code if a check failed.
const FAILED: i32 = 1;
/// How often the files are looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub fn run(check: &Check) -> anyhow::Result<()> {
    let tasks = choose(&check.what)?;
    if let Some(line) = &check.cmd
        && !(line.contains("{listen}") && line.contains("{backend}"))
    {
        let message = "--cmd needs {listen} and {backend}. Try: --cmd 'proxy {listen} {backend}'";
        return Err(Failure::Usage(message.to_owned()).into());
    }
    let places = Places::new()?;
    stop::catch()?;
    if !check.watch {
        let passed = run_once(check, &places, &tasks);
        stop::exit_if_stopped();
        if !passed? {
            // All is said, and the last line is what to do next.
            std::process::exit(FAILED);
        }
        return Ok(());
    }
    loop {
        let before = fingerprint(&places.workspace.join("work"));
        if let Err(error) = run_once(check, &places, &tasks) {
            say!("{error:#}");
        }
        say!("watching work/: a change checks again, Ctrl-C ends this");
        while fingerprint(&places.workspace.join("work")) == before {
            stop::exit_if_stopped();
            thread::sleep(LOOK_AGAIN);
        }
    }
}

/// The tasks that a stage or a task stands for; of a task also what it needs.
fn choose(what: &str) -> Result<Vec<&'static Task>, Failure> {
    if let Ok(number) = what.parse() {
        return Ok(start::find_stage(number)?.tasks.iter().collect());
    }
    let mut tasks = vec![hint::find_task(what)?];
    while let Some(needed) = tasks[0].needs.and_then(Task::find) {
        tasks.insert(0, needed);
    }
    Ok(tasks)
}

/// Checks once, and says whether all passed.
fn run_once(check: &Check, places: &Places, tasks: &[&'static Task]) -> anyhow::Result<bool> {
    let what = &check.what;
    let program = match &check.cmd {
        Some(line) => {
            say!("testing the command \"{line}\" on free ports");
            Program::Command(line.clone())
        }
        None => {
            if !build::build(places, &places.workspace, "work")? {
                stop::exit_if_stopped();
                say!("work does not build, see above");
                say!("next: mend it, then cargo lab check {what}");
                return Ok(false);
            }
            let binary = build::copy_of_work(places)?;
            let built = build::binary("work")?.metadata().and_then(|metadata| metadata.modified());
            let (_, time) = date_and_time(built.context("cannot tell when work was built")?);
            say!("testing work ({}, built {time} UTC) on free ports", places.shown(&binary));
            Program::Binary(binary)
        }
    };
    let started = Instant::now();
    let verdicts = build::check(&program, tasks);
    stop::exit_if_stopped();

    let mut counts = [0; 3];
    for (task, verdict) in &verdicts {
        match verdict {
            Verdict::Pass => say!("PASS {} {}", task.name, task.promise),
            Verdict::Fail(seen) => {
                // Of a foreign proxy, no line is known.
                let file = places.work_sources().join(task.file);
                let source = check.cmd.is_none().then(|| fs::read_to_string(file).ok()).flatten();
                say!("{}", failure(task, seen, source.as_deref()).trim_end());
            }
            Verdict::Skip(needed) => say!("SKIP {} needs {needed}", task.name),
        }
        let index = match verdict {
            Verdict::Pass => 0,
            Verdict::Fail(_) => 1,
            Verdict::Skip(_) => 2,
        };
        counts[index] += 1;
    }
    let [passed, failed, skipped] = counts;
    let seconds = started.elapsed().as_secs_f32();
    say!("{passed} passed, {failed} failed, {skipped} skipped in {seconds:.1} s");
    let first_failed = verdicts.iter().find(|(_, verdict)| matches!(verdict, Verdict::Fail(_)));
    let mut progress = Progress::load(places);
    if check.cmd.is_none() {
        for (task, verdict) in &verdicts {
            match verdict {
                Verdict::Pass => drop(progress.done.insert(task.name.to_owned())),
                Verdict::Fail(_) => drop(progress.done.remove(task.name)),
                Verdict::Skip(_) => {}
            }
        }
        progress.save()?;
    }
    let Some((task, _)) = first_failed else {
        say!(
            "next: {}",
            if check.cmd.is_some() { "cargo lab list".to_owned() } else { list::next(&progress) }
        );
        return Ok(true);
    };
    let (here, stage) = (progress.stage.unwrap_or(1), task.stage());
    if check.cmd.is_none() && here != stage {
        say!("work/ was filled with stage {here}; next: cargo lab start {stage}");
    } else {
        say!("next: mend {}, then cargo lab check {what}", task.name);
    }
    Ok(false)
}

/// What changes when a file below a folder does: names, lengths and times.
fn fingerprint(folder: &Path) -> Vec<(String, u64, Option<SystemTime>)> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return files;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(fingerprint(&path));
        } else if let Ok(metadata) = entry.metadata() {
            files.push((path.display().to_string(), metadata.len(), metadata.modified().ok()));
        }
    }
    files.sort();
    files
}
