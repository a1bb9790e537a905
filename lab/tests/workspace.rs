//! The tool uses the workspace in which it runs and the binaries that cargo has just built there, and waits for another
//! tool in the same workspace.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lab::lock::Lock;
use lab::places::Places;
use testkit::Workspace;

/// A separate workspace, with a `work` that prints these words and exits.
fn workspace(name: &str, words: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("workspace-{name}"));
    let _ = fs::remove_dir_all(&folder);
    for folder in ["work/src", "part1/src", "lab"].map(|name| folder.join(name)) {
        fs::create_dir_all(folder).unwrap();
    }
    let package = "[package]\nname = \"work\"\nedition = \"2024\"\n[[bin]]\nname = \"work\"\npath = \"work/src/main.rs\"\n";
    fs::write(folder.join("Cargo.toml"), format!("{package}[workspace]\nresolver = \"3\"\n")).unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../part1/src");
    for entry in sources.read_dir().unwrap().flatten() {
        fs::copy(entry.path(), folder.join("part1/src").join(entry.file_name())).unwrap();
    }
    write_work(&folder, words);
    folder
}

fn write_work(workspace: &Path, words: &str) {
    let main = format!("fn main() {{\n    eprintln!(\"{words}\");\n    std::process::exit(7);\n}}\n");
    fs::write(workspace.join("work/src/main.rs"), main).unwrap();
}

fn lab(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_TARGET_DIR");
    command
}

fn stdout(command: &mut Command) -> String {
    let Output { stdout, stderr, .. } = command.output().unwrap();
    format!("{}{}", String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn start_writes_into_the_workspace_in_which_it_is_run() {
    let [one, other] = ["one", "other"].map(|name| workspace(name, name));
    let proxy = |folder: &Path| folder.join("work/src/proxy.rs").exists();
    // Run directly, in a subfolder of the workspace.
    let said = stdout(&mut lab(&one.join("part1/src"), &["start", "1"]));
    assert!(proxy(&one) && !proxy(&other), "{said}");
    // By `cargo run`, which names the package that it runs.
    let said = stdout(lab(&one, &["start", "1"]).env("CARGO_MANIFEST_DIR", other.join("lab")));
    assert!(proxy(&other), "{said}");
}

#[test]
fn check_tests_what_was_just_built_wherever_cargo_puts_it() {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let folder = workspace("built", "");
    let elsewhere = folder.join("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    let settings: [&[(&str, &str)]; 4] = [
        &[],
        &[("CARGO_BUILD_TARGET", host)],
        &[("CARGO_TARGET_DIR", elsewhere)],
        &[("CARGO_BUILD_TARGET", host), ("CARGO_TARGET_DIR", elsewhere)],
    ];
    for (number, environment) in settings.into_iter().enumerate() {
        let words = format!("these are the sources {number}");
        write_work(&folder, &words);
        let said = stdout(lab(&folder, &["check", "1.1"]).envs(environment.iter().copied()));
        assert!(said.contains(&words), "{environment:?}: {said}");
        let named = said.split("testing work (").nth(1).unwrap().split(',').next().unwrap();
        assert!(folder.join(named).is_file(), "{environment:?}: there is no {named}");
    }
}

#[test]
fn a_failed_check_names_the_larger_task_while_work_has_its_marker() {
    let folder = workspace("larger", "these are the sources");
    let check = |what| stdout(&mut lab(&folder, &["check", what]));
    let sources = "pub struct Proxy;\n// TODO 1.all: write the three steps.\n";
    fs::write(folder.join("work/src/proxy.rs"), sources).unwrap();
    for what in ["1", "1.all"] {
        let said = check(what);
        assert!(said.contains("FAIL 1.1 ") && said.contains("0 passed, 1 failed, 2 skipped"), "{said}");
        assert!(said.contains("look at: work/src/proxy.rs:2, Proxy::relay\n"), "{said}");
        assert!(said.contains("hint:    cargo lab hint 1.all\n"), "{said}");
    }
    fs::write(folder.join("work/src/proxy.rs"), sources.replace("// TODO 1.all: ", "// ")).unwrap();
    assert!(check("1").contains("hint:    cargo lab hint 1.1\n"));
}

#[test]
fn a_second_check_waits_and_prints_why() {
    let folder = workspace("busy", "these are the sources");
    let places = Places { workspace: Workspace::at(&folder) };
    let lock = Lock::take(&places, "work").unwrap();
    let mut second = lab(&folder, &["check", "1.1"]);
    let mut second = second.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first_line = String::new();
    BufReader::new(second.stderr.as_mut().unwrap()).read_line(&mut first_line).unwrap();
    assert_eq!(first_line, "waiting: another cargo lab in this workspace is busy with work\n");
    drop(lock);
    let Output { status, stdout, .. } = second.wait_with_output().unwrap();
    let said = String::from_utf8(stdout).unwrap();
    assert!(status.code() == Some(1) && said.contains("these are the sources"), "{said}");
}

#[test]
fn two_checks_at_once_both_test_work() {
    let folder = workspace("two", "these are the sources");
    let mut running = Vec::new();
    for _ in 0..4 {
        let mut check = lab(&folder, &["check", "1"]);
        running.push(check.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    }
    for check in running {
        let said = String::from_utf8(check.wait_with_output().unwrap().stdout).unwrap();
        assert!(
            said.contains("these are the sources") && said.contains("0 passed, 1 failed, 2 skipped"),
            "{said}"
        );
    }
}
