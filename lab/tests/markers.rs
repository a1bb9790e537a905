//! `cargo lab next` takes a comment `TODO N.M` that stays in a finished task for no change of the attendee.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::fs;

use course::{Stage, apply, by_file, stages};
use lab::places::{Places, read_sources};
use lab::start::cut;
use scratch::Scratch;
use testkit::Workspace;

mod scratch;

/// Fills work/ with a stage that was finished below its markers, and records all of its tasks as done.
fn finish(scratch: &Scratch, stage: &Stage) {
    let places = Places { workspace: Workspace::at(&scratch.folder) };
    let mut files = read_sources(&places.stage_sources(stage.number)).unwrap();
    for (file, patch) in stage.tasks.iter().flat_map(|task| by_file(task.patch)) {
        // It adds the marker, and removes nothing.
        let lines = patch.lines().filter(|line| !line.starts_with('+') || line.contains("// TODO "));
        let lines =
            lines.map(|line| line.strip_prefix('-').map_or(line.to_owned(), |kept| format!(" {kept}")));
        let text = apply(&files[file], &lines.collect::<Vec<_>>().join("\n")).unwrap();
        files.insert(file.to_owned(), text);
    }
    fs::create_dir_all(scratch.folder.join("work/src")).unwrap();
    for (name, text) in &files {
        fs::write(scratch.folder.join("work/src").join(name), text).unwrap();
    }
    let done: String = stage.tasks.iter().map(|task| format!("done {}\n", task.name)).collect();
    fs::create_dir_all(scratch.folder.join(".lab")).unwrap();
    fs::write(scratch.folder.join(".lab/progress"), format!("stage {}\n{done}", stage.number)).unwrap();
}

#[test]
fn a_marker_that_stays_in_a_finished_task_is_no_change() {
    let scratch = Scratch::new("markers");
    let places = Places { workspace: Workspace::at(&scratch.folder) };
    for stages in stages().windows(2) {
        finish(&scratch, &stages[0]);
        for task in &stages[0].tasks {
            assert!(
                scratch.work(&task.file).unwrap().contains(&task.marker()),
                "{} has no marker",
                task.name
            );
        }
        let said = scratch.run(&["next"]).stdout;
        assert!(!said.contains("have changed the same lines"), "{said}");
        for (name, text) in cut(&places, &stages[1]).unwrap() {
            assert_eq!(scratch.work(&name).unwrap(), text, "{name} of {}", stages[1].reference());
        }
    }
}
