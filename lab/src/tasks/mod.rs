//! The attendee's tasks: what is cut out of each stage, how it is checked, and what is said about it.
//!
//! A task is a patch that cuts its region out of partN, and a check that passes on partN and fails on the cut.
//! `cargo maintain selftest` proves both. A rule that lives in the codec is never a task.

/// What the checks must not let pass.
mod mistakes;
/// Applies the patch of a task.
mod patch;
/// What is said about a task and its check, in lines of at most 80 columns.
mod report;
mod stage1;
mod stage2;
mod stage3;
mod stage4;
mod stage5;
mod stage6;
/// The proxy under check, and what is seen of it.
mod trial;

pub use mistakes::{MISTAKES, Mistake};
pub use patch::apply;
pub use report::{failure, heading};
pub use trial::{CLIENT_PATIENCE, Program, Running, Seen, Subject};

/// Something for the attendee to write.
pub struct Task {
    /// The number of the stage, a dot, the number of the task.
    pub name: &'static str,
    /// What to do.
    pub title: &'static str,
    /// What holds when it is done: the check looks for it.
    pub promise: &'static str,
    /// The file below `src`.
    pub file: &'static str,
    /// The function in it.
    pub function: &'static str,
    /// The most lines that have to be written.
    pub lines: usize,
    /// How long it takes.
    pub minutes: u32,
    /// The task without which its check means nothing.
    pub needs: Option<&'static str>,
    /// Where, what, and nearly the code; lines that begin with four spaces are code.
    pub hints: [&'static str; 3],
    /// What cuts it out of the stage's sources, as a unified diff; of a stretch task, what adds it.
    pub patch: &'static str,
    /// Whether the promise holds.
    holds: fn(&Subject<'_>) -> Result<(), Seen>,
}

/// A stage, and its tasks.
pub struct Stage {
    /// Its number.
    pub number: u32,
    /// Its idea.
    pub title: &'static str,
    /// Its tasks, in the order in which they are best done.
    pub tasks: &'static [Task],
    /// What its reference does not do either: the patch of such a task is what does it.
    pub stretch: &'static [Task],
}

/// All stages that have tasks.
pub const STAGES: [Stage; 6] = [
    Stage { number: 1, title: "one client at a time", tasks: &stage1::TASKS, stretch: &[] },
    Stage { number: 2, title: "a task per connection", tasks: &stage2::TASKS, stretch: &[] },
    Stage { number: 3, title: "counting, with a shared map", tasks: &stage3::TASKS, stretch: &[] },
    Stage { number: 4, title: "a pool of connections", tasks: &stage4::TASKS, stretch: &[] },
    Stage { number: 5, title: "asking for the stats", tasks: &stage5::TASKS, stretch: &[] },
    Stage { number: 6, title: "choosing a backend", tasks: &stage6::TASKS, stretch: &stage6::STRETCH },
];

impl Stage {
    /// The stage with that number.
    pub fn find(number: u32) -> Option<&'static Stage> {
        STAGES.iter().find(|stage| stage.number == number)
    }

    /// The folder of its reference.
    pub fn reference(&self) -> String {
        format!("part{}", self.number)
    }
}

impl Task {
    /// The task with that name.
    pub fn find(name: &str) -> Option<&'static Task> {
        all().chain(stretch()).find(|task| task.name == name)
    }

    /// Whether its stage's reference does not do it.
    pub fn is_stretch(&self) -> bool {
        stretch().any(|task| task.name == self.name)
    }

    /// The number of its stage.
    pub fn stage(&self) -> u32 {
        self.name.bytes().next().map_or(0, |digit| u32::from(digit.saturating_sub(b'0')))
    }
}

/// The stretch tasks of all stages.
pub fn stretch() -> impl Iterator<Item = &'static Task> {
    STAGES.iter().flat_map(|stage| stage.stretch)
}

/// All tasks of all stages.
pub fn all() -> impl Iterator<Item = &'static Task> {
    STAGES.iter().flat_map(|stage| stage.tasks)
}
