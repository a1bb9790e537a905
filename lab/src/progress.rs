//! What the attendee has done so far, in a text file that outlives the commands.
//!
//! Its lines are `stage 2`, `done 2.1` and `hint 2.1 1`. Others, of another version, are dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::lock::Lock;
use crate::places::Places;

#[derive(Default)]
pub struct Progress {
    file: PathBuf,
    _lock: Option<Lock>,
    /// The stage that work/ was filled with last; it is committed with the first.
    pub stage: Option<u32>,
    /// Tasks whose check has passed.
    pub done: BTreeSet<String>,
    /// Task -> the highest level of hint that was shown.
    pub hints: BTreeMap<String, usize>,
}

impl Progress {
    /// Reads it to change it: until this is dropped, other commands that change it wait.
    pub fn open(places: &Places) -> anyhow::Result<Progress> {
        let lock = Lock::take(places, "progress")?;
        Ok(Progress { _lock: Some(lock), ..Progress::load(places) })
    }

    /// Reads it. A file that is not there is an empty one.
    pub fn load(places: &Places) -> Progress {
        let file = places.kept("progress");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let mut progress = Progress { file, ..Progress::default() };
        for line in text.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["stage", number] => progress.stage = number.parse().ok(),
                ["done", task] => drop(progress.done.insert(task.to_owned())),
                ["hint", task, level] => {
                    if let Ok(level) = level.parse() {
                        progress.hints.insert(task.to_owned(), level);
                    }
                }
                _ => {}
            }
        }
        progress
    }

    pub fn save(&self) -> anyhow::Result<()> {
        let stage = self.stage.iter().map(|number| format!("stage {number}\n"));
        let done = self.done.iter().map(|task| format!("done {task}\n"));
        let hints = self.hints.iter().map(|(task, level)| format!("hint {task} {level}\n"));
        let text: String = stage.chain(done).chain(hints).collect();
        let cannot = || format!("cannot write {}", self.file.display());
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder).with_context(cannot)?;
        }
        // In one step, so that a command that is broken off leaves the old one or the new one.
        let unfinished = self.file.with_extension("new");
        fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, &self.file)).with_context(cannot)
    }
}
