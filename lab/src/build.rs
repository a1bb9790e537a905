//! Builds what is checked, and runs checks on it.

use std::env::{self, consts::EXE_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::tasks::{Program, Seen, Task};
use anyhow::Context;
use testkit::stop;

use crate::places::Places;

/// How often a build is looked at.
const TICK: Duration = Duration::from_millis(20);

/// What a check came to.
pub enum Verdict {
    Pass,
    Fail(Seen),
    /// The task that it needs is not done.
    Skip(&'static str),
}

/// Builds a package of the workspace at `workspace`; what cargo says is shown. False: it does not build.
pub fn build(places: &Places, workspace: &Path, package: &str) -> anyhow::Result<bool> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "-p", package, "--manifest-path"]).arg(workspace.join("Cargo.toml"));
    command.arg("--target-dir").arg(&places.target);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let mut child = command.spawn().context("cannot start cargo")?;
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for cargo")? {
            return Ok(status.success());
        }
        if stop::is_stopped() {
            // It fails if cargo has heard of Ctrl-C, too.
            let _ = child.kill();
        }
        thread::sleep(TICK);
    }
}

/// Where cargo has put a binary.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let own = env::current_exe().context("cannot tell where this binary is")?;
    Ok(own.with_file_name(format!("{name}{EXE_SUFFIX}")))
}

/// A copy of the binary of `work`: the next build can replace the original while the copy runs.
pub fn copy_of_work(places: &Places) -> anyhow::Result<PathBuf> {
    let copy = places.kept.join(format!("work{EXE_SUFFIX}"));
    let unfinished = places.kept.join(format!("work-new{EXE_SUFFIX}"));
    let built = binary("work")?;
    let copied = fs::create_dir_all(&places.kept)
        .and_then(|()| fs::copy(&built, &unfinished))
        .and_then(|_| fs::rename(&unfinished, &copy));
    copied.with_context(|| format!("cannot copy the binary of work to {}", copy.display()))?;
    Ok(copy)
}

/// Checks tasks of one stage, all at the same time, each with a proxy of its own.
pub fn check(program: &Program, tasks: &[&'static Task]) -> Vec<(&'static Task, Verdict)> {
    let results: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = tasks.iter().map(|task| scope.spawn(|| task.check(program))).collect();
        let failed = || Err(Seen("the check itself has failed: this is a bug of the lab".to_owned()));
        running.into_iter().map(|check| check.join().unwrap_or_else(|_| failed())).collect()
    });
    let mut verdicts: Vec<(&Task, Verdict)> = Vec::new();
    for (task, result) in tasks.iter().zip(results) {
        let is_open = |needed: &&'static str| {
            verdicts.iter().any(|(other, verdict)| other.name == *needed && !matches!(verdict, Verdict::Pass))
        };
        let verdict = match (task.needs.as_deref().filter(is_open), result) {
            (Some(needed), _) => Verdict::Skip(needed),
            (None, Ok(())) => Verdict::Pass,
            (None, Err(seen)) => Verdict::Fail(seen),
        };
        verdicts.push((task, verdict));
    }
    verdicts
}
