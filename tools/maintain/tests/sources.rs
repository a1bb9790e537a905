//! The rules for all source files of the workspace.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::fs;
use std::path::{Path, PathBuf};

/// A longer file has more than one job.
const MOST_LINES: usize = 300;

/// The Rust files in a folder and below, without what cargo builds and without hidden folders.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn no_source_file_has_more_than_300_lines() {
    let files = rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    assert!(files.len() > 100, "only {} files were found", files.len());
    for file in files {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines: split it by what its parts do", file.display());
    }
}
