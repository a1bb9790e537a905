//! Each stage of the workshop: its description and tasks, how each task is cut out of the stage, and how it is checked.
//! The attendee's tool, the conformance suite, the tests and the tables of the book read it.
//!
//! A task is a patch that removes its region from partN, and a check that passes on partN and fails without
//! the region. `cargo maintain selftest` proves both. A rule that the codec implements is never a task.
//!
//! A larger task is a patch alone, that removes more. The checks of all tasks of its stage are its check.
//!
//! To add a stage, add its lines to `parts` and `FOLDERS`.

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

/// The folders of the stages.
#[path = ".."]
mod parts {
    pub mod part1;
    pub mod part2;
    pub mod part3;
    pub mod part4;
    pub mod part5;
    pub mod part6;
    pub mod part7;
}

use std::sync::LazyLock;

use serde::Deserialize;

use observed::Seen;
pub use patch::{apply, by_file};
use trial::Subject;
pub use wording::{breakage, failure, heading};

/// The folders of all stages, in order.
const FOLDERS: &[Folder] = &[
    // One line for each stage, so that a new one changes no other.
    parts::part1::FOLDER,
    parts::part2::FOLDER,
    parts::part3::FOLDER,
    parts::part4::FOLDER,
    parts::part5::FOLDER,
    parts::part6::FOLDER,
    parts::part7::FOLDER,
];

/// What is in the folder of a stage.
struct Folder {
    /// Its `stage.toml`.
    description: &'static str,
    /// For each task its name, the unified diff that removes it from the stage's sources (or adds a stretch task),
    /// and the function that checks its promise.
    checks: &'static [(&'static str, &'static str, Holds)],
    /// The patch of its larger task.
    larger: Option<&'static str>,
}

/// Checks that a promise holds.
type Holds = fn(&Subject<'_>) -> Result<(), Seen>;

/// A stage and its tasks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its number.
    #[serde(skip)]
    pub number: u32,
    /// Its title in the book.
    pub title: String,
    /// What it adds, as the README says it.
    pub idea: String,
    /// The file below `src` to read first.
    pub read: String,
    /// What to measure.
    pub measure: String,
    /// Whether the workshop's schedule includes it.
    pub is_in_workshop: bool,
    /// Its abilities beyond forwarding requests.
    pub abilities: Vec<Ability>,
    /// Its difference from the previous stage; `None` for the first.
    pub diff: Option<Diff>,
    /// Its tasks, in the recommended order.
    pub tasks: Vec<Task>,
    /// Tasks that its reference does not solve either. The patch of such a task solves it.
    #[serde(default)]
    pub stretch: Vec<Task>,
    /// A larger task in place of all of `tasks`, whose checks are its check.
    pub larger: Option<Task>,
    /// Mistakes that its checks must detect.
    #[serde(default)]
    pub mistakes: Vec<Mistake>,
}

/// An ability of a proxy beyond forwarding requests. Abilities determine the required behaviours.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Ability {
    /// It serves one client at a time and one request on each connection.
    OneClientAtATime,
    /// It serves many clients at once.
    ManyClients,
    /// It keeps connections to clients open.
    Persistence,
    /// It becomes a tunnel after a 101.
    Upgrade,
    /// It counts the bytes of each path in `X-Bytes`.
    Counting,
    /// It keeps backend connections open.
    Pool,
    /// It has the stats RPC, on a separate port.
    Rpc,
    /// It chooses among backends.
    SeveralBackends,
    /// It bounds the requests in flight, and measures all of them.
    Queue,
}

/// The allowed difference between a stage and the previous one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diff {
    /// A behaviour of the conformance list that holds on the stage and not on the previous one; `None` if the
    /// stage adds nothing that a client or a backend can see.
    pub promise: Option<String>,
    /// The files that the stage adds.
    pub new_files: Vec<String>,
    /// The most lines, added plus removed, that it changes in other files.
    pub most_changed_lines: usize,
}

/// A task for the attendee.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The number of the stage, a dot and the number of the task; `all` for a larger task.
    pub name: String,
    /// What to do.
    pub title: String,
    /// What holds when it is done. The check verifies this.
    pub promise: String,
    /// The file below `src`.
    pub file: String,
    /// The function in that file.
    pub function: String,
    /// The most lines that a solution needs.
    pub lines: usize,
    /// The planned time.
    pub minutes: u32,
    /// The task that must be done before the check of this one is meaningful.
    pub needs: Option<String>,
    /// The hints: where to look, what to do, and code with gaps. Lines that begin with four spaces are code.
    pub hints: [String; 3],
    /// The unified diff that removes the task from the stage's sources, or adds a stretch task.
    #[serde(skip)]
    pub patch: &'static str,
    /// Checks that the promise holds; `None` for a larger task.
    #[serde(skip)]
    holds: Option<Holds>,
}

/// A plausible but wrong solution of a task.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mistake {
    /// The name of the task.
    pub task: String,
    /// Words of the message that its check must fail with: they lead to the cause.
    pub says: String,
    /// A text in the stage's sources, and the text that replaces it.
    pub edits: Vec<(String, String)>,
}

/// All stages, in order.
pub fn stages() -> &'static [Stage] {
    static STAGES: LazyLock<Vec<Stage>> = LazyLock::new(|| (1..).zip(FOLDERS).map(Stage::new).collect());
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
    /// A stage with this number. What is in its folder is part of the program, and a test reads it all.
    fn new((number, folder): (u32, &Folder)) -> Stage {
        let stage = toml::from_str(folder.description);
        let mut stage: Stage = stage.unwrap_or_else(|error| panic!("part{number}/stage.toml: {error}"));
        stage.number = number;
        for task in stage.tasks.iter_mut().chain(&mut stage.stretch) {
            let found = folder.checks.iter().find(|(name, ..)| *name == task.name);
            let (_, patch, holds) = found.unwrap_or_else(|| panic!("task {} has no check", task.name));
            (task.patch, task.holds) = (patch, Some(*holds));
        }
        if let Some(task) = &mut stage.larger {
            task.patch = folder.larger.unwrap_or_else(|| panic!("task {} has no patch", task.name));
        }
        stage
    }

    /// The stage with this number.
    pub fn find(number: u32) -> Option<&'static Stage> {
        stages().iter().find(|stage| stage.number == number)
    }

    /// Whether it has this ability.
    pub fn can(&self, ability: Ability) -> bool {
        self.abilities.contains(&ability)
    }

    /// The name of its crate and of its folder.
    pub fn reference(&self) -> String {
        format!("part{}", self.number)
    }
}

impl Task {
    /// The number of its stage.
    pub fn stage(&self) -> u32 {
        self.name.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0)
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
