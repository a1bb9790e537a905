//! Each stage of the workshop, described once: `partN/stage.toml`. The attendee's tool, the conformance suite, the tests and
//! the tables of the book read it.
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
];

/// A stage, and its tasks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its number.
    #[serde(skip)]
    pub number: u32,
    /// Its title in the book.
    pub title: String,
    /// What it adds, in the words of the README.
    pub idea: String,
    /// The file below `src` to read first.
    pub read: String,
    /// What to measure.
    pub measure: String,
    /// Whether it is one of those that the workshop's time is planned for.
    pub is_in_workshop: bool,
    /// What it does beyond forwarding requests.
    pub abilities: Vec<Ability>,
    /// Its difference to the stage before; `None` for the first.
    pub diff: Option<Diff>,
    /// Its tasks, in the order in which they are best done.
    pub tasks: Vec<Task>,
    /// Tasks that its reference does not do either.
    #[serde(default)]
    pub stretch: Vec<Task>,
    /// Mistakes that its checks must not let pass.
    #[serde(default)]
    pub mistakes: Vec<Mistake>,
}

/// What a proxy does beyond forwarding requests: the behaviours that are asked of it depend on it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Ability {
    /// It serves one client at a time, and one request a connection.
    OneClientAtATime,
    /// It serves many clients at once.
    ManyClients,
    /// It keeps connections to clients open.
    Persistence,
    /// It becomes a tunnel after a 101.
    Upgrade,
    /// It counts the bytes of each path in `X-Bytes`.
    Counting,
    /// It keeps connections to the backend.
    Pool,
    /// It has the stats RPC, on a port of its own.
    Rpc,
    /// It chooses among backends.
    SeveralBackends,
}

/// What may differ between a stage and the one before it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diff {
    /// A behaviour in the conformance list that holds on the stage, and not on the one before it; `None` if the stage
    /// promises nothing that a client or a backend can see.
    pub promise: Option<String>,
    /// The files that it adds.
    pub new_files: Vec<String>,
    /// The most lines, added plus removed, that it changes in the others.
    pub most_changed_lines: u32,
}

/// Something for the attendee to write.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The number of the stage, a dot, the number of the task.
    pub name: String,
    /// What to do.
    pub title: String,
    /// What holds when it is done: the check asks for it.
    pub promise: String,
    /// The file below `src`.
    pub file: String,
    /// The function in it.
    pub function: String,
    /// The most lines that have to be written.
    pub lines: usize,
    /// How long it takes.
    pub minutes: u32,
    /// The task without which its check means nothing.
    pub needs: Option<String>,
    /// Where, what, and nearly the code; lines that begin with four spaces are code.
    pub hints: [String; 3],
}

/// A task done wrong, in a way that looks right.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mistake {
    /// The name of the task.
    pub task: String,
    /// What stands in the stage's sources.
    pub right: String,
    /// What stands there instead.
    pub wrong: String,
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

/// The stage with that number.
pub fn find(number: u32) -> Option<&'static Stage> {
    stages().iter().find(|stage| stage.number == number)
}

impl Stage {
    /// Whether it does that.
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
