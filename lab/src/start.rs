//! `cargo lab start N`: fills work/ with a stage whose tasks are cut out.

use std::collections::BTreeMap;

use course::{Stage, Task, apply, by_file, heading};
use stage::{Failure, parse_number};
use testkit::MAX_STAGE;
use testkit::say;
use testkit::text::wrap;

use crate::backup;
use crate::lock::Lock;
use crate::places::{Places, read_sources, write_sources};
use crate::progress::Progress;

#[derive(clap::Args)]
pub struct Start {
    /// A stage, as 2, or its larger task, as 2.all
    #[arg(value_name = "N|N.all", value_parser = parse_what)]
    what: What,
}

#[derive(Clone, Copy)]
struct What {
    number: u32,
    /// Whether the larger task is left out, and not the small ones.
    is_larger: bool,
}

fn parse_what(text: &str) -> Result<What, String> {
    let (number, is_larger) = text.strip_suffix(".all").map_or((text, false), |number| (number, true));
    let number = parse_number::<u32, 0, MAX_STAGE>(number)?;
    Ok(What { number, is_larger })
}

pub fn run(start: &Start) -> Result<(), Failure> {
    let stage = find_stage(start.what.number)?;
    let tasks = match (&stage.larger, start.what.is_larger) {
        (Some(larger), true) => vec![larger],
        (None, true) => {
            let problem = format!("stage {} has no larger task", stage.number);
            return Err(Failure::usage(problem, format!("cargo lab start {}", stage.number)));
        }
        (_, false) => stage.tasks.iter().collect(),
    };
    let places = Places::find()?;
    let _lock = Lock::take(&places, "work")?;
    let mut progress = Progress::open(&places)?;
    let files = patched(&places, stage, &tasks)?;
    let (work, folder) = (places.root().join("work"), places.work_sources());
    // A file or a broken link in place of work/ is kept as well.
    let replaced = if work.is_dir() { &folder } else { &work };
    if !backup::holds(&folder, &files) {
        let new = places.empty("new")?;
        write_sources(&new, &files)?;
        let backups = places.kept("backup");
        if let Some(backup) = backup::replace(replaced, &folder, &new, &backups, progress.stage())? {
            say!("what was in work/src is kept in {}", places.shown(&backup));
        }
    }
    progress.begin(stage.number);
    progress.save()?;

    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let holds = format!("work/src holds {} without its tasks: {}", stage.reference(), names.join(", "));
    say!("{}", wrap(&holds, "").trim_end());
    match start.what.is_larger {
        true => say_headings(tasks),
        false => say_tasks(stage),
    }
    say!("Look for TODO in these files. The book: docs/src/{}.md", stage.reference());
    say!("next: cargo lab check --watch");
    Ok(())
}

/// Prints what there is to do.
pub fn say_tasks(stage: &Stage) {
    say_headings(stage.tasks.iter().chain(&stage.stretch));
}

fn say_headings<'a>(tasks: impl IntoIterator<Item = &'a Task>) {
    say!("");
    for task in tasks {
        say!("{}", heading(task).trim_end());
    }
    say!("");
}

/// The sources of a stage without its tasks.
pub fn cut(places: &Places, stage: &Stage) -> Result<BTreeMap<String, String>, Failure> {
    patched(places, stage, &stage.tasks.iter().collect::<Vec<_>>())
}

pub fn find_stage(number: u32) -> Result<&'static Stage, Failure> {
    let none = || Failure::usage(format!("stage {number} does not exist, or has no tasks"), "cargo lab list");
    Stage::find(number).ok_or_else(none)
}

/// The sources of a stage without these tasks, or with these stretch tasks solved.
pub fn patched(places: &Places, stage: &Stage, tasks: &[&Task]) -> Result<BTreeMap<String, String>, Failure> {
    let mut files = read_sources(&places.stage_sources(stage.number))?;
    for (task, (file, patch)) in
        tasks.iter().flat_map(|task| by_file(task.patch).map(move |part| (task, part)))
    {
        let patched = match files.get(file) {
            Some(text) => apply(text, patch),
            None => Err(format!("the stage does not have the file {file}")),
        };
        let changed = format!("git status {}", stage.reference());
        let text = patched.map_err(|error| Failure::new(format!("task {}: {error}", task.name), changed))?;
        files.insert(file.to_owned(), text);
    }
    Ok(files)
}
