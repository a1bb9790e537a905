//! The rules that keep the difference between two stages a lesson: its size, its shape, and what stages must
//! not contain.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use course::Diff;
use similar::{ChangeTag, TextDiff};
use testkit::Workspace;

/// The maximum line counts of the files that every stage has.
const MOST_LINES: [(&str, usize); 2] = [("main.rs", 70), ("proxy.rs", 160)];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of a stage's sources; `None` if the stage does not exist.
fn sources(stage: u32) -> Option<PathBuf> {
    let folder = workspace().join(format!("part{stage}/src"));
    folder.is_dir().then_some(folder)
}

fn file_names(folder: &Path) -> BTreeSet<String> {
    let entries = folder.read_dir().unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("cannot start {:?}: {error}", command.get_program()))
}

/// The number of added plus removed lines between two files, as `cargo lab diff --stat` counts them.
fn changed_lines(old: &Path, new: &Path) -> usize {
    let (old, new) = (fs::read_to_string(old).unwrap(), fs::read_to_string(new).unwrap());
    let diff = TextDiff::from_lines(&old, &new);
    diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal).count()
}

#[test]
fn a_stage_adds_its_files_and_keeps_its_budget_of_changed_lines() {
    for stage in course::stages() {
        let Some(Diff { new_files, most_changed_lines, .. }) = &stage.diff else { continue };
        let (from, to) = (stage.number - 1, stage.number);
        let (old, new) = (sources(from).unwrap(), sources(to).unwrap());
        let (old_names, new_names) = (file_names(&old), file_names(&new));
        let added: Vec<_> = new_names.difference(&old_names).map(String::as_str).collect();
        assert_eq!(added, *new_files, "the new files of part{to}");
        assert!(old_names.is_subset(&new_names), "part{to} lacks a file of part{from}");
        let changed: usize =
            old_names.iter().map(|name| changed_lines(&old.join(name), &new.join(name))).sum();
        println!("part{from} -> part{to}: {changed} of {most_changed_lines} lines");
        assert!(changed <= *most_changed_lines, "part{from} -> part{to} changes {changed} lines");
    }
}

#[test]
fn the_files_that_every_stage_has_stay_short() {
    for folder in (1..).map_while(sources) {
        for (name, most) in MOST_LINES {
            let lines = fs::read_to_string(folder.join(name)).unwrap().lines().count();
            assert!(lines <= most, "{} has {lines} lines", folder.join(name).display());
        }
    }
}

#[test]
fn only_the_first_line_of_main_names_the_stage() {
    // A line that names the stage would be a difference that teaches nothing.
    for folder in (1..).map_while(sources) {
        for name in file_names(&folder) {
            let text = fs::read_to_string(folder.join(&name)).unwrap().to_lowercase();
            for (index, line) in text.lines().enumerate() {
                let is_allowed = name == "main.rs" && index == 0;
                let has_digit_behind = |mark: &str| {
                    line.split(mark).skip(1).any(|rest| rest.starts_with(|next: char| next.is_ascii_digit()))
                };
                let names_a_stage = ["part", "part ", "stage", "stage "].into_iter().any(has_digit_behind);
                assert!(is_allowed || !names_a_stage, "{}: {line}", folder.join(&name).display());
            }
        }
    }
}

#[test]
fn the_serial_stage_is_built_without_tokio() {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["tree", "--offline", "--edges", "normal", "--prefix", "none", "--package", "part1"];
    let output = run(Command::new(cargo).args(arguments).current_dir(workspace()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("codec v"), "{tree}");
    assert!(!tree.contains("tokio"), "{tree}");
}

#[test]
fn the_table_of_the_readme_equals_the_stage_descriptions() {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    for stage in course::stages() {
        let (name, read, number) = (stage.reference(), &stage.read, stage.number);
        let diff = match number {
            1 => String::new(),
            _ => format!(" `cargo lab diff {} {number}`", number - 1),
        };
        let row = format!(
            "| [{name}](docs/src/{name}.md) | {} | [{name}/src/{read}]({name}/src/{read}) |{diff} | {} |",
            stage.idea, stage.measure
        );
        assert!(readme.contains(&row), "README.md lacks {row}");
    }
}

#[test]
fn each_stage_of_the_workspace_is_described_and_differs_from_the_one_before_it() {
    let described: Vec<u32> = course::stages().iter().map(|stage| stage.number).collect();
    assert_eq!(Workspace::find().unwrap().stages(), described);
    for stage in course::stages() {
        assert_eq!(stage.diff.is_none(), stage.number == 1, "[diff] of {}", stage.reference());
    }
}
