//! `cargo lab hint TASK`: the hints in order: where, what, and nearly the code.

use course::{Task, heading};
use stage::{Failure, parse_number};
use testkit::say;
use testkit::text::wrap;

use crate::places::Places;
use crate::progress::Progress;

#[derive(clap::Args)]
pub struct Hint {
    /// The task, as 2.1
    task: String,

    /// Up to which: 1 where, 2 what, 3 nearly the code
    #[arg(long, value_parser = parse_number::<usize, 1, 3>)]
    level: Option<usize>,
}

pub fn run(hint: &Hint) -> Result<(), Failure> {
    let task = find_task(&hint.task)?;
    let mut progress = Progress::open(&Places::find()?)?;
    let seen = progress.hints.get(&task.name).copied().unwrap_or(1);
    let level = hint.level.unwrap_or(seen).clamp(1, task.hints.len());
    progress.hints.insert(task.name.to_owned(), level.max(seen));
    progress.save()?;

    say!("{}", heading(task).trim_end());
    for level in 1..=level {
        say_hint(task, level);
    }
    let name = &task.name;
    match level < task.hints.len() {
        true => say!("next: cargo lab check {name}, or: cargo lab hint {name} --level {}", level + 1),
        false => say!("next: cargo lab check {name}, or see it done: cargo lab solve {name}"),
    }
    Ok(())
}

/// Prints the hint after the last one that was shown, and after the last of all how to see a solution.
pub fn say_next(places: &Places, task: &Task) -> Result<(), Failure> {
    let mut progress = Progress::open(places)?;
    let (seen, count) = (progress.hints.get(&task.name).copied().unwrap_or(0), task.hints.len());
    let level = (seen + 1).min(count);
    progress.hints.insert(task.name.to_owned(), level);
    progress.save()?;
    say_hint(task, level);
    if seen == count {
        say!("there are no more hints; to see it done: cargo lab solve {}", task.name);
    }
    Ok(())
}

/// Prints one hint.
fn say_hint(task: &Task, level: usize) {
    say!("hint {level} of {}:", task.hints.len());
    say!("{}", wrap(&task.hints[level - 1], "     ").trim_end());
}

pub fn find_task(name: &str) -> Result<&'static Task, Failure> {
    Task::find(name).ok_or_else(|| Failure::usage(format!("there is no task {name:?}"), "cargo lab list"))
}
