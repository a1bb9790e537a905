//! The attendee's progress, in a text file that is kept between commands.
//!
//! Its lines are `stage 2`, `done 2.1`, `broken 2.1` and `hint 2.1 1`. Unknown lines, as from another version, are dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use course::Task;
use stage::Failure;

use crate::lock::Lock;
use crate::places::{OrCannot, Places};

#[derive(Default)]
pub struct Progress {
    file: PathBuf,
    _lock: Option<Lock>,
    /// The stage that work/ was last filled with; `None` in a new checkout, which has the first.
    pub stage: Option<u32>,
    /// The tasks whose checks have passed.
    pub done: BTreeSet<String>,
    /// The tasks whose checks have passed, and then failed.
    pub broken: BTreeSet<String>,
    /// Task -> the highest hint level that was shown.
    pub hints: BTreeMap<String, usize>,
}

impl Progress {
    /// Reads the progress to change it. Other commands that change it wait until this value is dropped.
    pub fn open(places: &Places) -> Result<Progress, Failure> {
        let lock = Lock::take(places, "progress")?;
        Ok(Progress { _lock: Some(lock), ..Progress::load(places) })
    }

    /// Reads the progress. A missing file is treated as empty.
    pub fn load(places: &Places) -> Progress {
        let file = places.kept("progress");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let mut progress = Progress { file, ..Progress::default() };
        for line in text.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["stage", number] => progress.stage = number.parse().ok(),
                ["done", task] => drop(progress.done.insert(task.to_owned())),
                ["broken", task] => drop(progress.broken.insert(task.to_owned())),
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

    /// Records that the check of a task has passed.
    pub fn passed(&mut self, task: &str) {
        self.broken.remove(task);
        self.done.insert(task.to_owned());
    }

    /// Records that the check of a task has failed. Returns whether it passed before.
    pub fn failed(&mut self, task: &str) -> bool {
        if self.done.remove(task) {
            self.broken.insert(task.to_owned());
        }
        self.broken.contains(task)
    }

    /// The stage that is in work/.
    pub fn stage(&self) -> u32 {
        self.stage.unwrap_or(1)
    }

    /// work/ was now filled with a stage, so none of its tasks counts as done until its check passes.
    pub fn begin(&mut self, stage: u32) {
        self.stage = Some(stage);
        for tasks in [&mut self.done, &mut self.broken] {
            tasks.retain(|task| Task::find(task).is_none_or(|task| task.stage() != stage));
        }
    }

    pub fn save(&self) -> Result<(), Failure> {
        let stage = self.stage.iter().map(|number| format!("stage {number}\n"));
        let done = self.done.iter().map(|task| format!("done {task}\n"));
        let broken = self.broken.iter().map(|task| format!("broken {task}\n"));
        let hints = self.hints.iter().map(|(task, level)| format!("hint {task} {level}\n"));
        let text: String = stage.chain(done).chain(broken).chain(hints).collect();
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder).or_cannot("write", &self.file)?;
        }
        // Atomic, so that an interrupted command leaves either the old file or the new one.
        let unfinished = self.file.with_extension("new");
        let written = fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, &self.file));
        written.or_cannot("write", &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Workspace;

    #[test]
    fn a_task_that_passed_before_is_broken_until_it_passes_again() {
        let folder = std::env::temp_dir().join(format!("lab-progress-{}", std::process::id()));
        let places = Places { workspace: Workspace::at(&folder) };
        for (passes, was_done) in [(false, false), (true, false), (false, true), (false, true), (true, true)]
        {
            let mut progress = Progress::load(&places);
            if passes {
                progress.passed("3.1");
            } else {
                assert_eq!(progress.failed("3.1"), was_done);
            }
            assert_eq!(progress.done.contains("3.1"), passes);
            assert_eq!(progress.broken.contains("3.1"), !passes && was_done);
            progress.save().unwrap();
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
