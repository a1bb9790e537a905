//! `cargo lab diff` as a command: what it shows of two stages, and that there is no colour in a pipe.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::{Finished, run_to_end};

const LAB: &str = env!("CARGO_BIN_EXE_lab");

fn diff(arguments: &[&str]) -> Finished {
    run_to_end(LAB, &[&["diff"], arguments].concat()).unwrap()
}

fn source(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

/// The lines of a unified diff that begin with `mark`, without the names of files.
fn marked(text: &str, mark: char) -> Vec<&str> {
    let names = format!("{mark}{mark}{mark} ");
    text.lines().filter_map(|line| line.strip_prefix(mark).filter(|_| !line.starts_with(&names))).collect()
}

#[test]
fn changed_files_are_shown_as_a_unified_diff() {
    let finished = diff(&["1", "2"]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    let text = finished.stdout;
    for name in ["main.rs", "proxy.rs"] {
        assert!(text.contains(&format!("--- part1/src/{name}\n+++ part2/src/{name}\n@@ -")), "{text}");
    }
    let (old, new) = (source("part1/src/proxy.rs"), source("part2/src/proxy.rs"));
    let of_proxy = text.split("+++ part2/src/proxy.rs").nth(1).unwrap();
    for line in marked(of_proxy, '+') {
        assert!(new.lines().any(|other| other == line), "{line:?} is not in part2");
    }
    for line in marked(of_proxy, '-') {
        assert!(old.lines().any(|other| other == line), "{line:?} is not in part1");
    }
    assert!(marked(of_proxy, '+').len() > 10);
}

#[test]
fn changed_files_come_before_new_and_removed_ones() {
    for (stages, only_one_has_it) in
        [(["3", "4"], "pool.rs"), (["4", "3"], "pool.rs"), (["2", "3"], "stats.rs")]
    {
        let diff = diff(&stages).stdout;
        let files: Vec<&str> = diff.lines().filter(|line| line.starts_with("--- ")).collect();
        let names: Vec<&str> = diff.lines().filter(|line| line.starts_with("+++ ")).collect();
        let is_changed = |index: usize| files[index] != "--- /dev/null" && names[index] != "+++ /dev/null";
        let changed: Vec<bool> = (0..files.len()).map(is_changed).collect();
        assert_eq!(changed, [true, true, false], "{stages:?}: {names:?}");
        assert!(files[2].ends_with(only_one_has_it) || names[2].ends_with(only_one_has_it), "{names:?}");
    }
}

#[test]
fn there_is_no_colour_in_a_pipe() {
    assert!(!diff(&["1", "2"]).stdout.contains('\x1b'));
    for no_color in ["", "1"] {
        let output = Command::new(LAB).args(["diff", "1", "2"]).env("NO_COLOR", no_color).output().unwrap();
        assert!(output.status.success() && !output.stdout.contains(&b'\x1b'));
    }
}

#[test]
fn identical_files_are_only_named() {
    let finished = diff(&["2", "2"]);
    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stdout.lines().count(), 1, "{}", finished.stdout);
    assert!(finished.stdout.contains("main.rs, proxy.rs"), "{}", finished.stdout);
}

#[test]
fn stat_counts_the_lines_that_the_diff_shows() {
    let text = diff(&["1", "2"]).stdout;
    let (added, removed) = (marked(&text, '+').len(), marked(&text, '-').len());
    let stat = diff(&["1", "2", "--stat"]);
    assert_eq!(stat.code, Some(0));
    let line = |name: &str| stat.stdout.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    let words: Vec<String> = line("old files").split_whitespace().map(str::to_owned).collect();
    assert_eq!(words[2..4], [format!("+{added}"), format!("-{removed}")], "{}", stat.stdout);
    assert!(line("old files").ends_with(&format!("({} in all)", added + removed)));
    assert!(line("new files").contains("+0") && line("new files").contains("-0"), "{}", stat.stdout);
    assert!(line("main.rs").contains('+') && line("proxy.rs").contains('+'));
}

#[test]
fn an_unknown_stage_ends_with_exit_code_2() {
    for arguments in [["1", "99"], ["0", "2"], ["1", "../part2"], ["one", "2"], ["", "2"]] {
        let finished = diff(&arguments);
        assert_eq!(finished.code, Some(2), "{arguments:?}");
        assert!(finished.stderr.contains("Try: cargo lab diff 1 2"), "{}", finished.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn there_is_colour_on_a_terminal_unless_no_color_is_set() {
    // `script` runs a command on a separate terminal.
    let on_a_terminal = |no_color: &str| {
        let line = format!("{LAB} diff 1 2");
        let output =
            Command::new("script").args(["-qec", &line, "/dev/null"]).env("NO_COLOR", no_color).output();
        output.ok().filter(|output| output.status.success()).map(|output| output.stdout)
    };
    let Some(coloured) = on_a_terminal("") else {
        println!("skipped: there is no `script`");
        return;
    };
    assert!(coloured.contains(&b'\x1b'));
    assert!(!on_a_terminal("1").unwrap().contains(&b'\x1b'));
}
