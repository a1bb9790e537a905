//! The pages of the book, for the tests that read them.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn book() -> PathBuf {
    workspace().join("docs/src")
}

pub fn text(file: &str) -> String {
    fs::read_to_string(book().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The names of the chapters' files.
pub fn chapters() -> BTreeSet<String> {
    let entries = book().read_dir().unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".md") && name != "SUMMARY.md").collect()
}
