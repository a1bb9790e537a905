//! The description of each stage of the workshop, from `partN/stage.toml`. The attendee's tool, the
//! conformance suite, the tests and the tables of the book read it.
//!
//! To add a stage, add its line to `FILES`.

use std::sync::LazyLock;

use serde::Deserialize;

/// The descriptions, by the number of the stage.
const FILES: &[(u32, &str)] = &[
    (1, include_str!("../part1/stage.toml")),
    (2, include_str!("../part2/stage.toml")),
    (3, include_str!("../part3/stage.toml")),
    (4, include_str!("../part4/stage.toml")),
    (5, include_str!("../part5/stage.toml")),
    (6, include_str!("../part6/stage.toml")),
    (7, include_str!("../part7/stage.toml")),
];

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
    /// Tasks that its reference does not solve either.
    #[serde(default)]
    pub stretch: Vec<Task>,
    /// A larger task in place of all of `tasks`, which are its checks.
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
    static STAGES: LazyLock<Vec<Stage>> = LazyLock::new(|| {
        let stage = |&(number, text): &(u32, &str)| {
            // The texts are part of the program, and a test reads them.
            let stage =
                toml::from_str(text).unwrap_or_else(|error| panic!("part{number}/stage.toml: {error}"));
            Stage { number, ..stage }
        };
        FILES.iter().map(stage).collect()
    });
    &STAGES
}

/// The stage with this number.
pub fn find(number: u32) -> Option<&'static Stage> {
    stages().iter().find(|stage| stage.number == number)
}

impl Stage {
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
}
