//! Runs checks on a built binary.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use course::Task;
use stage::Failure;
use testkit::Program;

use crate::places::{OrCannot, Places};

/// The result of a check.
pub enum Checked {
    Pass,
    /// What was seen.
    Fail(String),
    /// A task that it needs is not done.
    Skip(&'static str),
}

/// Copies the binary of `work`, so that the next build can replace the original while the copy runs.
pub fn copy_of_work(places: &Places, built: &Path) -> Result<PathBuf, Failure> {
    let copy = places.kept(&format!("work{EXE_SUFFIX}"));
    let unfinished = places.kept(&format!("work-new{EXE_SUFFIX}"));
    let copied = fs::create_dir_all(places.kept(""))
        .and_then(|()| fs::copy(built, &unfinished))
        .and_then(|_| fs::rename(&unfinished, &copy));
    copied.or_cannot("copy the binary of work to", &copy)?;
    Ok(copy)
}

/// Checks tasks of one stage concurrently, each with its own proxy.
pub fn check(program: &Program, tasks: &[&'static Task]) -> Vec<(&'static Task, Checked)> {
    let results: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = tasks.iter().map(|task| scope.spawn(|| task.check(program))).collect();
        let failed = || Err("the check itself has failed: this is a bug of the lab".to_owned());
        running.into_iter().map(|check| check.join().unwrap_or_else(|_| failed())).collect()
    });
    let mut checked: Vec<(&Task, Checked)> = Vec::new();
    for (task, result) in tasks.iter().zip(results) {
        let is_open = |needed: &&'static str| {
            checked.iter().any(|(other, result)| other.name == *needed && !matches!(result, Checked::Pass))
        };
        let result = match (task.needs.as_deref().filter(is_open), result) {
            (Some(needed), _) => Checked::Skip(needed),
            (None, Ok(())) => Checked::Pass,
            (None, Err(seen)) => Checked::Fail(seen),
        };
        checked.push((task, result));
    }
    checked
}
