//! Mistakes that look like a task done, and that its check once let pass.

/// A task done wrong.
pub struct Mistake {
    /// The name of the task.
    pub task: &'static str,
    /// What stands in the stage's sources.
    pub right: &'static str,
    /// What stands there instead.
    pub wrong: &'static str,
}

/// At most one for each task.
pub const MISTAKES: [Mistake; 5] = [
    // What a `Connection` field names goes through.
    Mistake {
        task: "1.3",
        right: "forward::response(&mut response, NAME);\n                to_client.write_interim",
        wrong: "to_client.write_interim",
    },
    // Goes round for ever when the client has left.
    Mistake {
        task: "2.2",
        right: "while client.wait_for_request().await {",
        wrong: "while client.wait_for_request().await || true {",
    },
    // An id of null is an id.
    Mistake { task: "5.2", right: "let id = id?;", wrong: "let id = id.filter(|&id| id != \"null\")?;" },
    // A division by zero where no backend is left.
    Mistake { task: "6.1", right: ".checked_rem(free().count())?;", wrong: " % free().count();" },
    // Out after two failures.
    Mistake { task: "6.2", right: ">= MAX_FAILURES - 1", wrong: ">= MAX_FAILURES - 2" },
];
