//! `cargo maintain selftest book` on books written for the test: correct pages pass, wrong pages fail.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.
#![cfg(unix)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use course::stages;
use testkit::{Interruption, end_in_the_middle, stop};

/// Replaces cargo: a server that records its start and end and exits with code 0 after Ctrl-C.
const CARGO: &str = r#"#!/bin/sh
echo "start $*" >> notes
trap 'echo "stop $*" >> notes; exit ${AFTER_INT:-0}' INT
echo "   Compiling webserver v0.1.0"
echo "webserver listening on http://127.0.0.1:0"
while :; do sleep 0.05; done
"#;

/// The exit code and output of the selftest in a workspace whose book has this page, and its folder.
fn selftest(name: &str, page: &str, environment: &[(&str, &str)]) -> (Option<i32>, String, PathBuf) {
    let (mut command, folder) = command(name, page);
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap(), folder)
}

/// The selftest in a workspace whose book has this page.
fn command(name: &str, page: &str) -> (Command, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("selftest-{name}"));
    let _ = fs::remove_dir_all(&folder);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<String> = ["Cargo.toml", "Cargo.lock"].map(str::to_owned).into();
    for stage in stages() {
        let sources = format!("{}/src", stage.reference());
        let entries = workspace.join(&sources).read_dir().unwrap();
        files.extend(
            entries.map(|entry| format!("{sources}/{}", entry.unwrap().file_name().to_str().unwrap())),
        );
    }
    for file in files {
        let copy = folder.join(&file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(workspace.join(file), copy).unwrap();
    }
    fs::create_dir_all(folder.join("docs/src")).unwrap();
    fs::write(folder.join("docs/src/SUMMARY.md"), "- [A page](page.md)\n").unwrap();
    fs::write(folder.join("docs/src/page.md"), page).unwrap();
    let cargo = folder.join("bin/cargo");
    fs::create_dir_all(cargo.parent().unwrap()).unwrap();
    fs::write(&cargo, CARGO).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();

    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_maintain"));
    command
        .args(["selftest", "book"])
        .current_dir(&folder)
        .env_remove("CARGO_MANIFEST_DIR")
        .env("PATH", path);
    (command, folder)
}

#[test]
fn a_correct_book_passes_and_names_its_ignored_blocks() {
    let page = "\
# A page
```console
$ echo hello; sleep 0.1; echo in 12 ms
hello
in 3400 ms
$ false
$ echo $?
1
$ seq 5
1
...
5
$ echo some words here
some [..] here
$ echo one two three four
one [..] three [..]
```
```console,ignore it needs another planet
$ false
```
```console
$ curl --version; echo nobody shows what it prints
```
";
    let (code, text, _) = selftest("right", page, &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("page.md:2 $ seq 5\n"), "{text}");
    assert!(text.contains("blocks not replayed: 1\n      page.md:18 it needs another planet\n"), "{text}");
    assert!(text.contains("\neverything passed"), "{text}");
}

#[test]
fn a_wrong_block_is_reported_with_its_line_and_the_output() {
    for (command, wrong) in [
        ("echo hello\nhell", "WRONG page.md:1: expected, and not printed: hell\n      hello\n"),
        ("echo hello; echo more\nhello", "WRONG page.md:1: it printed more than is expected\n"),
        ("echo hello\nhello\nmore", "WRONG page.md:1: expected, and not printed: more\n"),
        ("seq 5\n1\n...\n6", "WRONG page.md:1: expected, and not printed: 6\n"),
        ("seq 5\n1\n...\n4", "WRONG page.md:1: it printed more than is expected\n"),
        ("echo a b c\na [..] d", "WRONG page.md:1: expected, and not printed: a [..] d\n"),
        ("echo hello; exit 4", "WRONG page.md:1: its exit code is 4\n      hello\n"),
        ("exit 4\n$ echo $?\n5", "WRONG page.md:1: expected, and not printed: 5\n      4\n"),
        ("no-such-program", "WRONG page.md:1: its exit code is 127\n"),
    ] {
        let (code, text, _) = selftest("wrong", &format!("```console\n$ {command}\n```\n"), &[]);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(wrong), "{text}");
        assert!(text.contains("error: 1 tests failed"), "{text}");
    }
}

#[test]
fn a_server_runs_until_another_replaces_it_or_the_page_ends() {
    let serve = "cargo run -p webserver -- --listen 127.0.0.1:0";
    let page = format!(
        "```console\n$ {serve}\nwebserver listening on http://[..]\n$ cat notes\nstart run [..]\n```\n\
         ```console\n$ {serve} --delay 20\n$ tail -n 2 notes\nstop run [..]\nstart run [..] --delay 20\n```\n"
    );
    let (code, text, folder) = selftest("server", &page, &[]);
    assert_eq!(code, Some(0), "{text}");
    let notes = fs::read_to_string(folder.join(".lab/replay/notes")).unwrap();
    let words: Vec<&str> = notes.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(words, ["start", "stop", "start", "stop"], "{notes}");
}

#[test]
fn a_server_with_a_wrong_exit_code_after_ctrl_c_is_reported() {
    let page = "```console\n$ cargo run -p webserver -- --listen 127.0.0.1:0\n```\n";
    let (code, text, _) = selftest("interrupted", page, &[("AFTER_INT", "7")]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("after Ctrl-C its exit code is 7\n"), "{text}");
}

#[test]
fn a_port_in_use_is_reported_before_any_command_runs() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap();
    let page =
        format!("```console\n$ echo done > done\n$ cargo run -p webserver -- --listen {address}\n```\n");
    let (code, text, folder) = selftest("port", &page, &[]);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains(&format!("error: {address} is in use")) && text.contains("cargo maintain selftest"),
        "{text}"
    );
    assert!(!folder.join(".lab/replay/done").exists());
}

#[test]
fn an_ignored_block_needs_a_reason() {
    let (code, text, _) = selftest("why", "```console,ignore\n$ true\n```\n", &[]);
    assert_eq!(code, Some(1));
    assert!(text.contains("docs/src/page.md: line 1: an ignored block needs a reason"), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_leaves_no_server() {
    let page = "```console\n$ cargo run -p webserver -- --listen 127.0.0.1:0\n$ sleep 4711\n```\n";
    let (mut command, _) = command("stopped", page);
    let status = end_in_the_middle(&mut command, &["cargo", "sleep"], Interruption::CtrlC);
    assert_eq!(status.code(), Some(stop::EXIT_CODE));
}
