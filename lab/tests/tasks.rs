//! The attendee's tasks: their table, their patches, and their messages.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use course::{Stage, Task, all, apply, breakage, by_file, failure, heading, larger, stages, stretch};
use testkit::Program;
use testkit::text::wrap;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn reference(stage: &Stage, file: &str) -> String {
    fs::read_to_string(workspace().join(stage.reference()).join("src").join(file)).unwrap()
}

fn assert_narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "over 80 columns: {line}");
    }
}

#[test]
fn tasks_are_numbered_and_need_only_earlier_ones_of_their_stage() {
    for (stage, number) in stages().iter().zip(1..) {
        assert_eq!(stage.number, number);
        assert!(!stage.tasks.is_empty(), "{} has no task", stage.reference());
        for (task, place) in stage.tasks.iter().chain(&stage.stretch).zip(1..) {
            assert_eq!(task.name, format!("{number}.{place}"));
            assert_eq!(task.stage(), number);
            let earlier = |needed: &str| stage.tasks.iter().take(place - 1).any(|task| task.name == needed);
            assert!(task.needs.as_deref().is_none_or(earlier), "{} needs {:?}", task.name, task.needs);
        }
    }
    assert!(all().count() >= 10);
}

#[test]
fn each_patch_applies_alone_and_all_of_a_stage_apply_together() {
    for stage in stages() {
        for task in &stage.tasks {
            let text = reference(stage, &task.file);
            let cut = apply(&text, task.patch).unwrap_or_else(|error| panic!("{}: {error}", task.name));
            assert!(cut.contains(&format!("// TODO {}: ", task.name)), "{} has no marker", task.name);
            // The marker is in the function that the table names.
            let function = task.function.split(',').next().unwrap().rsplit("::").next().unwrap();
            let place = cut.find(&format!("fn {function}")).unwrap();
            assert!(cut[place..].contains(&format!("TODO {}", task.name)), "{}: {function}", task.name);
            let written = task.patch.lines().filter(|line| line.starts_with('-')).count() - 1;
            assert!(written <= task.lines, "{} takes {written} lines", task.name);
        }
        for task in &stage.stretch {
            let text = reference(stage, &task.file);
            apply(&text, task.patch).unwrap_or_else(|error| panic!("{}: {error}", task.name));
            let written = task.patch.lines().filter(|line| line.starts_with('+')).count() - 1;
            assert!(written <= task.lines, "{} takes {written} lines", task.name);
        }
        let files: BTreeSet<&str> = stage.tasks.iter().map(|task| task.file.as_str()).collect();
        for file in files {
            let mut text = reference(stage, file);
            for task in stage.tasks.iter().filter(|task| task.file == file) {
                text = apply(&text, task.patch).unwrap_or_else(|error| panic!("{}: {error}", task.name));
            }
            let marked = stage.tasks.iter().filter(|task| text.contains(&format!("TODO {}", task.name)));
            assert_eq!(marked.count(), stage.tasks.iter().filter(|task| task.file == file).count());
        }
    }
}

#[test]
fn a_larger_task_takes_out_the_lines_of_all_tasks_of_its_stage_and_more() {
    let removed = |task: &Task| -> Vec<&'static str> {
        let lines = by_file(task.patch).flat_map(|(_, patch)| patch.lines());
        let lines = lines.filter_map(|line| line.strip_prefix('-')).map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with("//")).collect()
    };
    for stage in stages().iter().filter(|stage| stage.is_in_workshop) {
        let task =
            stage.larger.as_ref().unwrap_or_else(|| panic!("{} has no larger task", stage.reference()));
        assert_eq!(task.name, format!("{}.all", stage.number));
        let mut files: BTreeSet<&str> = BTreeSet::new();
        for (file, patch) in by_file(task.patch) {
            let text = apply(&reference(stage, file), patch)
                .unwrap_or_else(|error| panic!("{}: {error}", task.name));
            assert!(text.contains(&task.marker()), "{}: {file} has no marker", task.name);
            files.insert(file);
        }
        assert!(files.contains(&*task.file), "{}: {files:?}", task.name);
        let (written, small) = (removed(task), stage.tasks.iter().flat_map(removed));
        // In a diff, a bracket may belong to the lines that stay.
        for line in small.filter(|line| line.contains(char::is_alphabetic)) {
            assert!(written.contains(&line), "{} does not ask for {line}", task.name);
        }
        let count = written.len();
        assert!((12..=30).contains(&count) && count <= task.lines, "{} takes {count} lines", task.name);
    }
}

#[test]
fn a_hunk_that_has_moved_is_found_and_one_that_does_not_fit_is_refused() {
    let patch = "--- a\n+++ b\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n\n@@ -7,1 +7,2 @@\n seven\n+eight\n";
    let moved = "zero\nzero\none\ntwo\n\nfour\nfive\nsix\nseven\n";
    assert_eq!(apply(moved, patch).unwrap(), "zero\nzero\none\n2\n\nfour\nfive\nsix\nseven\neight\n");
    assert!(apply("one\n2\n\nseven\n", patch).unwrap_err().contains("\"one\""));
    assert!(apply("", patch).is_err());
    assert!(apply("one\n", "no patch").is_err());
    assert!(apply("one\n", "@@ -x @@\n one\n").is_err());
}

#[test]
fn every_failure_names_the_observation_the_place_and_the_hint_command() {
    for task in all().chain(stretch()) {
        let seen = format!("the backend saw {} of 8 things", "very ".repeat(30));
        let text = failure(task, &seen, task, None);
        let course::Task { name, promise, file, function, .. } = task;
        assert!(text.starts_with(&format!("FAIL {name} {promise}\n")), "{text}");
        assert!(text.contains("the backend saw very"), "{text}");
        assert!(text.contains(&format!("look at: work/src/{file}, {function}\n")), "{text}");
        assert!(text.ends_with(&format!("hint:    cargo lab hint {name}\n")), "{text}");
        assert_narrow(&text);
    }
}

#[test]
fn a_task_that_passed_before_is_reported_as_broken_and_not_as_undone() {
    let [broken, open] = ["3.1", "3.2"].map(|name| Task::find(name).unwrap());
    let text = breakage(broken, "nothing came for 4 seconds", open, None);
    let course::Task { name, promise, .. } = broken;
    assert!(text.starts_with(&format!("FAIL {name} {promise}\n     nothing came for 4 seconds\n")), "{text}");
    assert!(
        text.contains("it passed before: what you changed since then broke it, perhaps for 3.2\n"),
        "{text}"
    );
    assert!(text.contains(&format!("look at: work/src/{}, {}\n", open.file, open.function)), "{text}");
    assert!(text.ends_with("hint:    cargo lab hint 3.2\n"), "{text}");
    assert_narrow(&text);
}

#[test]
#[cfg(unix)]
fn a_failure_begins_with_the_first_panic_or_ends_with_the_last_log_lines_of_the_proxy() {
    // Not a script that this test writes: it could not be started while another thread starts a program.
    let proxy = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/panicking_proxy.sh");
    let panic = "thread 'main' (7) panicked at work/src/pool.rs:60:9:\nboom\nnote: more";
    let poisoned = panic.replace("boom", "PoisonError");
    let warning = "[WARN ] GET / 502 (backend: closed)";
    for (name, log, begin, end) in [
        (
            "panics",
            [panic, &poisoned, warning].join("\n"),
            "it panicked at work/src/pool.rs:60:9: boom\n",
            "",
        ),
        ("warns", warning.to_owned(), "", "\nits log: [WARN ] GET / 502 (backend: closed)"),
        ("talks", "1\n2\n3\n4".to_owned(), "", "\nits log: 2\nits log: 3\nits log: 4"),
        ("rambles", "a".repeat(500), "", &format!("\nits log: {}...", "a".repeat(35))),
        ("is-silent", String::new(), "", ""),
    ] {
        let link = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("proxy-that-{name}"));
        let lines: String = log.lines().map(|line| format!("{line}\n")).collect();
        fs::write(link.with_extension("log"), lines).unwrap();
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(&proxy, &link).unwrap();
        let task = Task::find("2.2").unwrap();
        let seen = task.check(&Program::Stage(link)).unwrap_err();
        let guess = seen.strip_prefix(begin).unwrap_or_else(|| panic!("{seen}"));
        assert!(guess.starts_with("no connection to the proxy: "), "{seen}");
        assert_eq!(&guess[guess.find('\n').unwrap_or(guess.len())..], end, "{seen}");
        assert_narrow(&failure(task, &seen, task, None));
    }
}

#[test]
fn a_failure_names_the_line_of_the_marker_or_else_of_the_function() {
    for stage in stages() {
        for task in &stage.tasks {
            let whole = reference(stage, &task.file);
            let cut = apply(&whole, task.patch).unwrap();
            let function = task.function.split(',').next().unwrap().rsplit("::").next().unwrap();
            for (source, wanted) in
                [(&cut, format!("// TODO {}: ", task.name)), (&whole, format!("fn {function}"))]
            {
                let line = source.lines().position(|line| line.contains(&wanted)).unwrap() + 1;
                let text = failure(task, "nothing came", task, Some(source));
                assert!(text.contains(&format!("look at: work/src/{}:{line}, ", task.file)), "{text}");
                assert_narrow(&text);
            }
        }
    }
}

#[test]
fn titles_promises_and_hints_are_short_lines_of_ascii() {
    for task in all().chain(stretch()).chain(larger()) {
        let hints = task.hints.each_ref().map(|hint| wrap(hint, "     "));
        for text in hints.iter().chain([&heading(task)]) {
            assert_narrow(text);
            assert!(text.is_ascii() && !text.contains('\x1b'), "{text}");
        }
        assert_narrow(&format!("PASS {} {}", task.name, task.promise));
        assert!(task.title.len() <= 54, "{} does not fit into the list", task.title);
    }
}

#[test]
fn what_is_committed_in_work_is_the_start_of_stage_1() {
    // The attendee may have changed `work`.
    if std::env::var_os("CI").is_none() {
        println!("skipped: only asked of what is committed");
        return;
    }
    for file in ["main.rs", "proxy.rs"] {
        let mut text = reference(&stages()[0], file);
        for task in stages()[0].tasks.iter().filter(|task| task.file == file) {
            text = apply(&text, task.patch).unwrap();
        }
        let committed = fs::read_to_string(workspace().join("work/src").join(file)).unwrap();
        assert!(text == committed, "work/src/{file} is not. Try: cargo lab start 1");
    }
}
