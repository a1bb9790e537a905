//! `cargo lab start N`: fills work/ with a stage whose tasks are cut out.

use std::collections::BTreeMap;

use crate::tasks::{Stage, Task, apply, heading};
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
    /// The number of the stage
    #[arg(value_name = "N", value_parser = parse_number::<u32, 0, MAX_STAGE>)]
    number: u32,
}

pub fn run(start: &Start) -> Result<(), Failure> {
    let stage = find_stage(start.number)?;
    let places = Places::find()?;
    let _lock = Lock::take(&places, "work")?;
    let mut progress = Progress::open(&places)?;
    let files = cut(&places, stage)?;
    let (work, folder) = (places.root().join("work"), places.work_sources());
    // A file or a broken link in place of work/ is kept as well.
    let replaced = if work.is_dir() { &folder } else { &work };
    if !backup::holds(&folder, &files)
        && let Some(backup) = backup::move_away(replaced, &places.kept("backup"), progress.stage())?
    {
        say!("what was in work/src is kept in {}", places.shown(&backup));
    }
    write_sources(&folder, &files)?;
    progress.begin(stage.number);
    progress.save()?;

    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let holds = format!("work/src holds {} without its tasks: {}", stage.reference(), names.join(", "));
    say!("{}", wrap(&holds, "").trim_end());
    say_tasks(stage);
    say!("Look for TODO in these files. The book: docs/src/{}.md", stage.reference());
    say!("next: cargo lab check --watch");
    Ok(())
}

/// Prints what there is to do.
pub fn say_tasks(stage: &Stage) {
    say!("");
    for task in stage.tasks.iter().chain(&stage.stretch) {
        say!("{}", heading(task).trim_end());
    }
    say!("");
}

/// The sources of a stage without its tasks.
pub fn cut(places: &Places, stage: &Stage) -> Result<BTreeMap<String, String>, Failure> {
    patched(places, stage, &stage.tasks.iter().collect::<Vec<_>>())
}

pub fn find_stage(number: u32) -> Result<&'static Stage, Failure> {
    let none = || Failure::usage(format!("there is no stage {number} with tasks"), "cargo lab list");
    Stage::find(number).ok_or_else(none)
}

/// The sources of a stage without these tasks, or with these stretch tasks solved.
pub fn patched(places: &Places, stage: &Stage, tasks: &[&Task]) -> Result<BTreeMap<String, String>, Failure> {
    let mut files = read_sources(&places.root().join(stage.reference()).join("src"))?;
    for task in tasks {
        let patched = match files.get(&task.file) {
            Some(text) => apply(text, task.patch),
            None => Err("the stage does not have its file".to_owned()),
        };
        let changed = format!("git status {}", stage.reference());
        let text = patched.map_err(|error| Failure::new(format!("task {}: {error}", task.name), changed))?;
        files.insert(task.file.clone(), text);
    }
    Ok(files)
}
