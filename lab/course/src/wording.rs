//! The messages about a task and its check, in lines of at most 80 columns.

use testkit::text::{counted, wrap};

use crate::Task;

/// The indentation of lines that belong to the line above.
const INDENT: &str = "     ";

/// The message of a failed check: the promise, the observation, where to look and what to type next. `suspect` is the
/// task that is being worked on, and `source` the text of its file; without it, no line number is shown.
pub fn failure(task: &Task, seen: &str, suspect: &Task, source: Option<&str>) -> String {
    let Task { name, promise, .. } = task;
    let seen = wrap(seen, INDENT);
    let Task { name: suspected, file, function, .. } = suspect;
    let line =
        source.and_then(|source| line_of(suspect, source)).map_or(String::new(), |line| format!(":{line}"));
    format!(
        "FAIL {name} {promise}\n{seen}{INDENT}look at: work/src/{file}{line}, {function}\n\
         {INDENT}hint:    cargo lab hint {suspected}\n"
    )
}

/// The message of a failed check that passed before.
pub fn breakage(task: &Task, seen: &str, suspect: &Task, source: Option<&str>) -> String {
    let seen = format!(
        "{seen}\nit passed before: what you changed since then broke it, perhaps for {}",
        suspect.name
    );
    failure(task, &seen, suspect, source)
}

/// The line of the task's marker, or else of its function, from 1.
fn line_of(task: &Task, source: &str) -> Option<usize> {
    let marker = task.marker();
    let function = task.function.split(',').next()?.rsplit("::").next()?;
    let line =
        |texts: [&str; 2]| source.lines().position(|line| texts.iter().any(|text| line.contains(text)));
    let [plain, generic] = ["(", "<"].map(|after| format!("fn {function}{after}"));
    line([&marker, &marker]).or_else(|| line([&plain, &generic])).map(|index| index + 1)
}

/// The description of a task.
pub fn heading(task: &Task) -> String {
    let Task { name, title, file, function, lines, minutes, .. } = task;
    let lines = counted(*lines, "line");
    format!("{name} {title}\n{INDENT}work/src/{file}, {function}: at most {lines}, {minutes} minutes\n")
}
