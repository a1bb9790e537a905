//! `cargo maintain selftest checks`: each check passes on its stage and fails on every mistake.

use std::process::Command;

use course::{Ability, all, failure, stages, stretch};

fn assert_narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "over 80 columns: {line}");
    }
}

#[test]
fn each_check_passes_on_its_stage_and_fails_without_its_task() {
    let output = Command::new(env!("CARGO_BIN_EXE_maintain")).args(["selftest", "checks"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("WRONG"), "{text}");
    let count = |what: &str| text.lines().filter(|line| line.contains(what)).count();
    assert_eq!(
        count(" fails check "),
        all().count() + stages().iter().map(|stage| stage.mistakes.len()).sum::<usize>() + stages().len() * 2
            - 1
            + stretch().count()
            // Without its lines, each check of the stage fails.
            + stages().iter().filter(|stage| stage.larger.is_some()).map(|stage| stage.tasks.len()).sum::<usize>(),
        "{text}"
    );
    // Each stage, and each task with nothing done but what it needs.
    assert_eq!(count(" passes check "), stages().len() + all().count() + stretch().count(), "{text}");
    assert!(!text.contains("bug of the lab"), "{text}");
    // A single backend refuses connections only when it has ended with its check: too late to be a cause.
    for stage in stages().iter().filter(|stage| !stage.can(Ability::SeveralBackends)) {
        for task in &stage.tasks {
            let prefix = format!("      {}: ", task.name);
            let said = text.split(&prefix).skip(1);
            let log = said
                .flat_map(|said| said.lines().skip(1).take_while(|line| line.starts_with("      its log: ")));
            assert!(
                !log.clone().any(|line| line.contains("refused")),
                "{}: {:?}",
                task.name,
                log.collect::<Vec<_>>()
            );
        }
    }
    // Each check has failed, and its message is shown as an attendee sees it.
    for task in all() {
        let prefix = format!("      {}: ", task.name);
        let said: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(&prefix)).collect();
        assert!(!said.is_empty(), "{} has said nothing", task.name);
        for seen in said {
            assert!(seen.split(' ').count() >= 5, "{}: {seen}", task.name);
            let shown = failure(task, seen, task, None);
            assert_narrow(&shown);
            assert!(shown.contains(&format!("cargo lab hint {}\n", task.name)), "{shown}");
        }
    }
}
