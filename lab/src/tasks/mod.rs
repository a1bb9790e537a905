//! The attendee's tasks: how each is cut out of its stage, and how it is checked. Their descriptions are in
//! `lab/course/partN/stage.toml`.
//!
//! A task is a patch that removes its region from partN, and a check that passes on partN and fails without
//! the region. `cargo maintain selftest` proves both. A rule that the codec implements is never a task.
//!
//! A larger task is a patch alone, that removes more. The checks of all tasks of its stage are its check.

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
#[path = "../../course/part7/checks.rs"]
mod part7;

use std::ops::Deref;
use std::sync::LazyLock;

use observed::Seen;
pub use patch::{apply, by_file};
pub use testkit::Program;
pub use trial::{CLIENT_PATIENCE, Running, Subject};
pub use wording::{breakage, failure, heading};

/// The name of a task, the unified diff that removes it from the stage's sources (or adds a stretch task),
/// and the function that checks its promise.
type TaskCheck = (&'static str, &'static str, Holds);

/// Checks that a promise holds.
type Holds = fn(&Subject<'_>) -> Result<(), Seen>;

/// The checks of all stages.
const CHECKS: &[&[TaskCheck]] = &[
    // One line for each stage, so that a new one changes no other.
    part1::CHECKS,
    part2::CHECKS,
    part3::CHECKS,
    part4::CHECKS,
    part5::CHECKS,
    part6::CHECKS,
    part7::CHECKS,
];

/// The patches of the larger tasks.
const LARGER: &[(&str, &str)] = &[
    ("1.all", include_str!("../../course/part1/1.all.patch")),
    ("2.all", include_str!("../../course/part2/2.all.patch")),
    ("3.all", include_str!("../../course/part3/3.all.patch")),
    ("4.all", include_str!("../../course/part4/4.all.patch")),
    ("5.all", include_str!("../../course/part5/5.all.patch")),
];

/// A task: its description, its patch, and its check.
pub struct Task {
    described: &'static course::Task,
    /// The unified diff that removes the task from the stage's sources, or adds a stretch task.
    pub patch: &'static str,
    /// Checks that the promise holds; `None` for a larger task.
    holds: Option<Holds>,
}

/// A stage and its tasks.
pub struct Stage {
    described: &'static course::Stage,
    /// Its tasks, in the recommended order.
    pub tasks: Vec<Task>,
    /// Tasks that its reference does not solve either. The patch of such a task solves it.
    pub stretch: Vec<Task>,
    /// A larger task in place of all of `tasks`.
    pub larger: Option<Task>,
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

/// The larger tasks of all stages.
pub fn larger() -> impl Iterator<Item = &'static Task> {
    stages().iter().filter_map(|stage| stage.larger.as_ref())
}

/// The stretch tasks of all stages.
pub fn stretch() -> impl Iterator<Item = &'static Task> {
    stages().iter().flat_map(|stage| &stage.stretch)
}

impl Stage {
    fn new(described: &'static course::Stage) -> Stage {
        let tasks = |tasks: &'static [course::Task]| tasks.iter().map(Task::new).collect();
        let larger = described.larger.as_ref().map(Task::larger);
        Stage { described, tasks: tasks(&described.tasks), stretch: tasks(&described.stretch), larger }
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
        Task { described, patch, holds: Some(*holds) }
    }

    fn larger(described: &'static course::Task) -> Task {
        let found = LARGER.iter().find(|(name, _)| *name == described.name);
        let (_, patch) = found.unwrap_or_else(|| panic!("task {} has no patch", described.name));
        Task { described, patch, holds: None }
    }

    /// The task with this name.
    pub fn find(name: &str) -> Option<&'static Task> {
        all().chain(stretch()).chain(larger()).find(|task| task.name == name)
    }

    /// The tasks to check for this one, in the order in which they are done: those that it needs and the task itself,
    /// or those in whose place a larger task stands.
    pub fn to_check(&'static self) -> Vec<&'static Task> {
        if let Some(stage) = Stage::find(self.stage()).filter(|_| self.is_larger()) {
            return stage.tasks.iter().collect();
        }
        let mut tasks = vec![self];
        while let Some(needed) = tasks[0].needs.as_deref().and_then(Task::find) {
            tasks.insert(0, needed);
        }
        tasks
    }

    /// Whether it stands in place of all small tasks of its stage.
    pub fn is_larger(&self) -> bool {
        self.holds.is_none()
    }

    /// The command that fills work/ with the stage without it.
    pub fn start(&self) -> String {
        match self.is_larger() {
            true => format!("cargo lab start {}", self.name),
            false => format!("cargo lab start {}", self.stage()),
        }
    }

    /// The comment that marks its places in work/.
    pub fn marker(&self) -> String {
        format!("// TODO {}: ", self.name)
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
