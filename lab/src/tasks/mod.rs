//! The attendee's tasks: how each is cut out of its stage, and how it is checked. Their descriptions are in
//! `lab/course/partN/stage.toml`.
//!
//! A task is a patch that removes its region from partN, and a check that passes on partN and fails without
//! the region. `cargo maintain selftest` proves both. A rule that the codec implements is never a task.

/// What a check has observed, in words.
mod observed;
/// Applies the patch of a task.
mod patch;
/// What every check tests in addition.
mod plain;
/// The proxy under check, and what a check observes.
mod trial;
/// The messages about a task and its check, in lines of at most 80 columns.
mod wording;

#[path = "../../course/part1/checks.rs"]
mod part1;
#[path = "../../course/part2/checks.rs"]
mod part2;
#[path = "../../course/part3/checks.rs"]
mod part3;
#[path = "../../course/part4/checks.rs"]
mod part4;
#[path = "../../course/part5/checks.rs"]
mod part5;
#[path = "../../course/part6/checks.rs"]
mod part6;

use std::ops::Deref;
use std::sync::LazyLock;

pub use observed::Seen;
pub use patch::apply;
pub use testkit::Program;
pub use trial::{CLIENT_PATIENCE, Running, Subject};
pub use wording::{breakage, failure, heading};

/// The name of a task, the unified diff that removes it from the stage's sources (or adds a stretch task),
/// and the function that checks its promise.
type Check = (&'static str, &'static str, fn(&Subject<'_>) -> Result<(), Seen>);

/// The checks of all stages.
const CHECKS: &[&[Check]] =
    &[part1::CHECKS, part2::CHECKS, part3::CHECKS, part4::CHECKS, part5::CHECKS, part6::CHECKS];

/// A task: its description, its patch, and its check.
pub struct Task {
    described: &'static course::Task,
    /// The unified diff that removes the task from the stage's sources, or adds a stretch task.
    pub patch: &'static str,
    /// Checks that the promise holds.
    holds: fn(&Subject<'_>) -> Result<(), Seen>,
}

/// A stage and its tasks.
pub struct Stage {
    described: &'static course::Stage,
    /// Its tasks, in the recommended order.
    pub tasks: Vec<Task>,
    /// Tasks that its reference does not solve either. The patch of such a task solves it.
    pub stretch: Vec<Task>,
}

/// All stages.
pub fn stages() -> &'static [Stage] {
    static STAGES: LazyLock<Vec<Stage>> = LazyLock::new(|| course::stages().iter().map(Stage::new).collect());
    &STAGES
}

/// All tasks of all stages.
pub fn all() -> impl Iterator<Item = &'static Task> {
    stages().iter().flat_map(|stage| &stage.tasks)
}

/// The stretch tasks of all stages.
pub fn stretch() -> impl Iterator<Item = &'static Task> {
    stages().iter().flat_map(|stage| &stage.stretch)
}

impl Stage {
    fn new(described: &'static course::Stage) -> Stage {
        let tasks = |tasks: &'static [course::Task]| tasks.iter().map(Task::new).collect();
        Stage { described, tasks: tasks(&described.tasks), stretch: tasks(&described.stretch) }
    }

    /// The stage with this number.
    pub fn find(number: u32) -> Option<&'static Stage> {
        stages().iter().find(|stage| stage.number == number)
    }
}

impl Deref for Stage {
    type Target = course::Stage;

    fn deref(&self) -> &course::Stage {
        self.described
    }
}

impl Task {
    fn new(described: &'static course::Task) -> Task {
        let found = CHECKS.iter().copied().flatten().find(|(name, ..)| *name == described.name);
        // Both are part of the program, and a test reads them all.
        let (_, patch, holds) = found.unwrap_or_else(|| panic!("task {} has no check", described.name));
        Task { described, patch, holds: *holds }
    }

    /// The task with this name.
    pub fn find(name: &str) -> Option<&'static Task> {
        all().chain(stretch()).find(|task| task.name == name)
    }

    /// The task and those that it needs, in the order in which they are done.
    pub fn with_needed(&'static self) -> Vec<&'static Task> {
        let mut tasks = vec![self];
        while let Some(needed) = tasks[0].needs.as_deref().and_then(Task::find) {
            tasks.insert(0, needed);
        }
        tasks
    }

    /// Whether the reference of its stage does not solve it.
    pub fn is_stretch(&self) -> bool {
        stretch().any(|task| task.name == self.name)
    }
}

impl Deref for Task {
    type Target = course::Task;

    fn deref(&self) -> &course::Task {
        self.described
    }
}
