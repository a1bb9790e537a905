//! The two adapters are line-parallel: files of the same name in `blocking/` and `tokio/` have the same lines in the
//! same order, except for at most [`MAX_DIFFERENCE`] lines.
//!
//! The rule. These do not count as a difference, because they are the same in every place:
//! - comments, empty lines and indentation,
//! - `async` and `.await`,
//! - `Box::pin(..)` around a future, and `self.0` for `self`: tokio's state is boxed so that a waiting task is small.
//!
//! A line that was changed counts twice, as in a diff: once as removed and once as added. Imports count.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// The most lines removed plus added between the two adapters.
const MAX_DIFFERENCE: usize = 226;

/// Files that exist in one adapter only: how it waits, and what only servers with many clients or a pool need.
const ONLY_IN_ONE: [&str; 13] = [
    "blocking/tick.rs",
    "tokio/borrowed.rs",
    "tokio/connections.rs",
    "tokio/idle.rs",
    "tokio/pipe.rs",
    "tokio/poll.rs",
    "tokio/promise.rs",
    "tokio/reset.rs",
    "tokio/reuse.rs",
    "tokio/splice.rs",
    "tokio/sweep.rs",
    "tokio/timer.rs",
    "tokio/tunnel.rs",
];

/// The lines of each file of a folder, without what the rule strips.
fn files(folder: &str) -> BTreeMap<String, Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    files
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).unwrap();
            let lines = text.lines().map(without_waiting).filter(|line| !line.is_empty()).collect();
            (entry.file_name().into_string().unwrap(), lines)
        })
        .collect()
}

/// The line without what the rule strips; empty if nothing is left.
fn without_waiting(line: &str) -> String {
    let code = line.split("//").next().unwrap_or_default().trim();
    let mut code = code.replace("async ", "").replace(".await", "").replace("self.0", "self");
    while let Some((before, rest)) = code.split_once("Box::pin(") {
        let close = closing_parenthesis(rest);
        code = format!("{before}{}{}", &rest[..close], rest.get(close + 1..).unwrap_or_default());
    }
    code
}

/// The place of the parenthesis that closes the one before `text`.
fn closing_parenthesis(text: &str) -> usize {
    let mut depth = 1;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place;
        }
    }
    text.len()
}

/// The lines removed plus the lines added.
fn difference(old: &[String], new: &[String]) -> usize {
    capture_diff_slices(Algorithm::Myers, old, new)
        .iter()
        .map(|op| match *op {
            DiffOp::Equal { .. } => 0,
            DiffOp::Delete { old_len, .. } => old_len,
            DiffOp::Insert { new_len, .. } => new_len,
            DiffOp::Replace { old_len, new_len, .. } => old_len + new_len,
        })
        .sum()
}

#[test]
fn the_adapters_differ_in_few_lines() {
    let (blocking, tokio) = (files("blocking"), files("tokio"));
    let counts: Vec<_> = blocking
        .iter()
        .filter_map(|(name, lines)| Some((name, difference(lines, tokio.get(name)?))))
        .collect();
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    assert!(total <= MAX_DIFFERENCE, "{total} lines differ, at most {MAX_DIFFERENCE} may: {counts:?}");
}

#[test]
fn only_the_listed_files_exist_in_one_adapter() {
    let paths = |folder: &str| -> BTreeSet<_> { files(folder).into_keys().collect() };
    let (blocking, tokio) = (paths("blocking"), paths("tokio"));
    let only = |folder: &str, names: &BTreeSet<String>, others: &BTreeSet<String>| -> Vec<String> {
        names.difference(others).map(|name| format!("{folder}/{name}")).collect()
    };
    let found = [only("blocking", &blocking, &tokio), only("tokio", &tokio, &blocking)].concat();
    assert_eq!(found, ONLY_IN_ONE);
}

#[test]
fn the_documentation_states_the_bound() {
    let bound = format!("at most {MAX_DIFFERENCE} lines");
    for file in ["src/lib.rs", "../docs/src/architecture.md", "../docs/src/codec.md"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let text = text.replace("//!", "");
        let words: Vec<_> = text.split_whitespace().collect();
        assert!(words.join(" ").contains(&bound), "{file} does not say {bound:?}");
    }
}

#[test]
fn the_comparison_strips_async_code_comments_and_nothing_else() {
    let stripped = [
        ("pub async fn close(self) { // ends", "pub fn close(self) {"),
        ("Box::pin(self.answer(error, proxy)).await,", "self.answer(error, proxy),"),
        ("let limits = self.0.limits;", "let limits = self.limits;"),
        ("/// A comment", ""),
    ];
    for (line, code) in stripped {
        assert_eq!(without_waiting(line), code);
    }
}
