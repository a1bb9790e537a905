//! `cargo lab solve TASK`: shows how the stage solves a task, and writes it into work/ after asking.

use std::collections::BTreeMap;
use std::io;

use course::{Task, apply, by_file, heading};
use stage::Failure;
use testkit::say;

use crate::backup;
use crate::hint::find_task;
use crate::lock::Lock;
use crate::places::{Places, read_sources, replace_sources};
use crate::progress::Progress;

#[derive(clap::Args)]
pub struct Solve {
    /// The task, as 2.1
    task: String,

    /// Write it into work/ without asking
    #[arg(long)]
    write: bool,
}

/// Files by name, with their text.
type Sources = BTreeMap<String, String>;

/// The most lines around a change that must be as in the stage. Fewer are tried where neighbours are solved.
const MOST_CONTEXT: usize = 3;

pub fn run(solve: &Solve) -> Result<(), Failure> {
    let task = find_task(&solve.task)?;
    let name = &task.name;
    let places = Places::find()?;
    let solutions: Vec<_> =
        by_file(task.patch).map(|(file, patch)| (file, Solution::of(patch, task.is_stretch()))).collect();
    say!("{}", heading(task).trim_end());
    for (file, solution) in &solutions {
        say!("a solution, in work/src/{file}:");
        say!("{}", solution.shown().trim_end());
    }
    let _lock = Lock::take(&places, "work")?;
    let progress = Progress::load(&places);
    if progress.stage() != task.stage() {
        let problem = format!("it cannot be written: work/ was filled with stage {}", progress.stage());
        return Err(Failure::new(problem, task.start()));
    }
    // Here as well, so that the question is asked only if the solution can be written.
    solved(&places, task, &solutions)?;
    if !solve.write && !is_allowed() {
        say!("nothing is written; next: cargo lab check {name}, or: cargo lab solve {name} --write");
        return Ok(());
    }
    // An editor may have saved the file before the answer.
    let (sources, solved) = solved(&places, task, &solutions)?;
    let backup = backup::copy(&places.work_sources(), &places.kept("backup"), progress.stage())?;
    let kept = places.shown(&backup);
    replace_sources(&places.work_sources(), &sources, &solved, &kept)?;
    say!("it is written; work/src without it is kept in {kept}");
    say!("next: cargo lab check {name}, or back: cargo lab restore");
    Ok(())
}

/// The sources in work/, and the texts of the files of the task with the solution.
fn solved(
    places: &Places,
    task: &Task,
    solutions: &[(&str, Solution)],
) -> Result<(Sources, Sources), Failure> {
    let sources = read_sources(&places.work_sources())?;
    let mut solved = BTreeMap::new();
    for (file, solution) in solutions {
        let Some(text) = sources.get(*file).and_then(|text| solution.apply_to(text)) else {
            let problem = "it cannot be written: your lines there are not those of the start";
            let by_hand = format!("write it by hand, or begin again: {}", task.start());
            return Err(Failure::new(problem, by_hand));
        };
        solved.insert((*file).to_owned(), text);
    }
    Ok((sources, solved))
}

/// Asks whether to write it.
fn is_allowed() -> bool {
    say!("write it there? Type y and Enter to write it. Any other line cancels:");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "y"
}

/// The changes from the start of a stage to the solution of one of its tasks.
struct Solution {
    hunks: Vec<Hunk>,
}

/// Lines that follow each other, each with its sign: `-`, `+` or a space.
struct Hunk {
    /// The first line in the file, from 1.
    start: usize,
    lines: Vec<(char, &'static str)>,
}

impl Solution {
    /// The patch of a task takes its solution out, and that of a stretch task puts it in.
    fn of(patch: &'static str, is_stretch: bool) -> Solution {
        let mut hunks: Vec<Hunk> = Vec::new();
        for line in patch.lines().skip_while(|line| !line.starts_with("@@")) {
            let sign = match line.chars().next() {
                Some('@') => {
                    // The first line on both sides is the same but for the lines of earlier hunks.
                    let start = line.trim_start_matches("@@ -").split(',').next();
                    let start = start.and_then(|number| number.parse().ok()).unwrap_or(1);
                    hunks.push(Hunk { start, lines: Vec::new() });
                    continue;
                }
                Some('-') if !is_stretch => '+',
                Some('+') if !is_stretch => '-',
                sign => sign.unwrap_or(' '),
            };
            if let Some(Hunk { lines, .. }) = hunks.last_mut() {
                // A diff shows what goes above what comes.
                let is_added = |(sign, _): &(char, &str)| *sign == '+';
                let added = if sign == '-' {
                    lines.iter().rev().take_while(|line| is_added(line)).count()
                } else {
                    0
                };
                lines.insert(lines.len() - added, (sign, line.get(1..).unwrap_or("")));
            }
        }
        Solution { hunks }
    }

    /// The changes as they are shown.
    fn shown(&self) -> String {
        let hunks: Vec<String> = self.hunks.iter().map(|hunk| hunk.text(MOST_CONTEXT)).collect();
        hunks.join("...\n")
    }

    /// The file with the solution; `None` if the lines to be changed are not those of the start.
    fn apply_to(&self, text: &str) -> Option<String> {
        (0..=MOST_CONTEXT).rev().find_map(|context| apply(text, &self.patch(context)).ok())
    }

    fn patch(&self, context: usize) -> String {
        let hunks = self.hunks.iter();
        hunks.map(|hunk| format!("@@ -{} @@\n{}", hunk.start, hunk.text(context))).collect()
    }
}

impl Hunk {
    /// Its changes, with this many lines around them.
    fn text(&self, context: usize) -> String {
        let is_change = |(sign, _): &(char, &str)| *sign != ' ';
        let first = self.lines.iter().position(is_change).unwrap_or(0);
        let last = self.lines.iter().rposition(is_change).unwrap_or(0);
        // Lines that are only added have no place without the lines around them.
        let context = if self.lines.iter().any(|(sign, _)| *sign == '-') { context } else { MOST_CONTEXT };
        let end = (last + context + 1).min(self.lines.len());
        let lines = &self.lines[first.saturating_sub(context)..end];
        lines.iter().map(|(sign, text)| format!("{sign}{text}\n")).collect()
    }
}
