//! `cargo lab next`: carries work/ on to the start of the next stage.
//!
//! A three-way merge of each file: from the reference of the stage in work/, to the attendee's lines and to the start
//! of the next stage. Invariant: no line that the attendee has written is removed.

use std::collections::{BTreeMap, BTreeSet};

use course::Stage;
use stage::Failure;
use testkit::{Profile, say};

use crate::backup;
use crate::lock::Lock;
use crate::merge::{Part, merge};
use crate::places::{Places, read_sources, replace_sources};
use crate::progress::Progress;
use crate::start::{cut, find_stage, say_tasks};

/// What marks the lines that both have changed.
const MARK: &str = "// TODO next: ";

pub fn run() -> Result<(), Failure> {
    let places = Places::find()?;
    let _lock = Lock::take(&places, "work")?;
    let mut progress = Progress::open(&places)?;
    let stage = next_stage(&progress)?;
    let before = stage.number - 1;
    let (base, theirs) = (read_sources(&places.stage_sources(before))?, cut(&places, stage)?);
    let ours = read_sources(&places.work_sources())?;
    let markers = markers(find_stage(before)?);
    let written = ours.iter().map(|(name, text)| (name.clone(), without(text, &markers))).collect();
    let merged = merge_files(&base, &written, &theirs, stage.number);
    let backup = backup::copy(&places.work_sources(), &places.kept("backup"), before)?;
    let kept = places.shown(&backup);
    replace_sources(&places.work_sources(), &ours, &merged, &kept)?;
    progress.begin(stage.number);
    progress.save()?;
    drop(progress);
    let builds = places.try_build(Profile::Own, &["work"])?.is_some();

    say!("work/src of stage {before} is kept in {kept}");
    say!("work/src holds your code of stage {before}, and what {} adds to it", stage.reference());
    say_tasks(stage);
    let marks = marks_in(&places);
    if !marks.is_empty() {
        say!("You and stage {} have changed the same lines. Yours stay, the others stand in a", stage.number);
        say!("comment above them. Take from both what is needed, then delete the comment:");
    }
    for mark in &marks {
        say!("     {mark}");
    }
    say!("Look for TODO in these files. The book: docs/src/{}.md", stage.reference());
    match builds {
        true => say!("work builds; next: cargo lab check --watch, or back: cargo lab restore"),
        false => say!("work does not build yet, see the errors above. To go back: cargo lab restore"),
    }
    Ok(())
}

/// The stage after the one in work/, if that one is done.
fn next_stage(progress: &Progress) -> Result<&'static Stage, Failure> {
    let here = find_stage(progress.stage())?;
    let number = here.number + 1;
    let Some(next) = Stage::find(number) else {
        let problem = format!("stage {} is the last one", here.number);
        return Err(Failure::new(problem, format!("cargo lab diff work {}", here.number)));
    };
    let open: Vec<&str> = here
        .tasks
        .iter()
        .map(|task| task.name.as_str())
        .filter(|task| !progress.done.contains(*task))
        .collect();
    if open.is_empty() {
        return Ok(next);
    }
    let problem = format!("the checks of {} have not passed in work/", open.join(", "));
    let skip = format!("cargo lab solve {} for a task that you skip", open[0]);
    Err(Failure::new(
        problem,
        format!("cargo lab check, {skip}, or without your own code: cargo lab start {number}"),
    ))
}

/// The comments that mark the tasks of a stage, line by line. They do not count as written by the attendee, even if
/// they are left in a task that is done.
fn markers(stage: &Stage) -> BTreeSet<&'static str> {
    let mut markers = BTreeSet::new();
    for task in stage.tasks.iter().chain(&stage.larger) {
        let mut is_in_marker = false;
        for line in task.patch.lines() {
            let comment = line.strip_prefix('+').map(str::trim).filter(|line| line.starts_with("//"));
            is_in_marker =
                comment.is_some_and(|line| is_in_marker || line.starts_with(task.marker().trim_end()));
            markers.extend(comment.filter(|_| is_in_marker));
        }
    }
    markers
}

fn without(text: &str, markers: &BTreeSet<&str>) -> String {
    let stays = |line: &&str| !markers.contains(line.trim());
    text.split_inclusive('\n').filter(stays).collect()
}

/// The files of work/ after the merge. A file that only one side has, or has changed, is taken as it is.
fn merge_files(
    base: &BTreeMap<String, String>,
    ours: &BTreeMap<String, String>,
    theirs: &BTreeMap<String, String>,
    number: u32,
) -> BTreeMap<String, String> {
    let mut merged = ours.clone();
    for (name, their_text) in theirs {
        let base_text = base.get(name).map_or("", String::as_str);
        let ours = [name, &other_name(name)].into_iter().find_map(|name| ours.get_key_value(name));
        match ours {
            Some((name, text)) => {
                drop(merged.insert(name.clone(), merged_text(base_text, text, their_text, number)));
            }
            None => drop(merged.insert(name.clone(), their_text.clone())),
        }
    }
    merged
}

/// The other name that the file of the same module may have.
fn other_name(name: &str) -> String {
    match name.strip_suffix("/mod.rs") {
        Some(module) => format!("{module}.rs"),
        None => format!("{}/mod.rs", name.trim_end_matches(".rs")),
    }
}

fn merged_text(base: &str, ours: &str, theirs: &str, number: u32) -> String {
    let mut text = String::new();
    let mut push = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    for part in merge(base, ours, theirs) {
        match part {
            Part::Merged(lines) => lines.into_iter().for_each(&mut push),
            Part::Conflict { ours, theirs } => {
                comment(&ours, &theirs, number).iter().for_each(|line| push(line));
                ours.into_iter().for_each(&mut push);
            }
        }
    }
    text
}

/// The comment above the attendee's lines, with the lines of the start of the next stage.
fn comment(ours: &[&str], theirs: &[&str], number: u32) -> Vec<String> {
    let spaces = |line: &&str| line.len() - line.trim_start().len();
    let lines = || theirs.iter().chain(ours).filter(|line| !line.trim().is_empty());
    let indent = " ".repeat(lines().map(spaces).min().unwrap_or(0));
    let yours = match ours.len() {
        0 => "you have removed lines".to_owned(),
        1 => "the line below is yours".to_owned(),
        count => format!("the {count} lines below are yours"),
    };
    let has = if theirs.is_empty() { "nothing here" } else { "here:" };
    let mut comment = vec![format!("{indent}{MARK}{yours}. The start of stage {number} has {has}")];
    let quoted =
        theirs.iter().map(|line| format!("{indent}//     {}", line.get(indent.len()..).unwrap_or("")));
    comment.extend(quoted.map(|line| line.trim_end().to_owned()));
    comment
}

/// Where the files of work/ have marks.
pub fn marks_in(places: &Places) -> Vec<String> {
    let files = read_sources(&places.work_sources()).unwrap_or_default();
    files.iter().flat_map(|(name, text)| marks(name, text)).collect()
}

/// Where a file has marks.
fn marks(name: &str, text: &str) -> Vec<String> {
    let marked = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with(MARK));
    marked.map(|(index, _)| format!("work/src/{name}:{}", index + 1)).collect()
}
