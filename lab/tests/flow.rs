//! The commands that write an attendee's own code: start, solve and restore.

// A panic is the failure report of a test.
#![allow(clippy::unwrap_used)]

use std::fs;

use lab::places::Places;
use lab::start::{cut, find_stage};
use lab::tasks::stages;
use scratch::Scratch;
use testkit::Workspace;

mod scratch;

fn places(scratch: &Scratch) -> Places {
    Places { workspace: Workspace::at(&scratch.folder) }
}

#[test]
fn cargo_loads_the_workspace_whatever_work_holds_and_start_repairs_it() {
    let scratch = Scratch::new("repair");
    scratch.take_manifest();
    let work = scratch.folder.join("work");
    let breakages: [(&str, &dyn Fn()); 6] = [
        ("no folder", &|| fs::remove_dir_all(&work).unwrap()),
        ("no sources", &|| fs::remove_dir_all(work.join("src")).unwrap()),
        ("a manifest of its own", &|| fs::write(work.join("Cargo.toml"), "[package\n").unwrap()),
        ("a file in place of the sources", &|| {
            fs::remove_dir_all(work.join("src")).unwrap();
            fs::write(work.join("src"), "mine").unwrap();
        }),
        ("a file in place of the folder", &|| {
            fs::remove_dir_all(&work).unwrap();
            fs::write(&work, "mine").unwrap();
        }),
        ("a folder in place of a file", &|| {
            fs::remove_file(work.join("src/main.rs")).unwrap();
            fs::create_dir(work.join("src/main.rs")).unwrap();
        }),
    ];
    for (name, breakage) in breakages {
        scratch.run(&["start", "1"]);
        breakage();
        // `cargo lab` is run by cargo, which has to load the workspace first.
        let mut cargo = places(&scratch).workspace.cargo("metadata");
        let output = cargo.args(["--no-deps", "--offline", "--format-version", "1"]).output().unwrap();
        let metadata = String::from_utf8_lossy(&output.stdout);
        assert!(
            metadata.contains("\"name\":\"work\""),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let said = scratch.run(&["start", "1"]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{name}");
        let expected = cut(&places(&scratch), find_stage(1).unwrap()).unwrap();
        for (file, text) in expected {
            assert_eq!(scratch.work(&file).unwrap(), text, "{name}: {file}");
        }
    }
}

#[test]
fn restore_brings_back_the_newest_backup_or_the_named_one_and_keeps_what_it_replaces() {
    let scratch = Scratch::new("restore");
    let said = scratch.run(&["restore"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""));
    assert!(said.stderr.contains("there is no backup. Try: "), "{}", said.stderr);
    let write = |text: &str| fs::write(scratch.folder.join("work/src/proxy.rs"), text).unwrap();
    scratch.run(&["start", "1"]);
    write("first");
    let said = scratch.run(&["start", "2"]).stdout;
    let first = said.lines().next().unwrap().split("is kept in ").nth(1).unwrap();
    assert!(first.ends_with("-stage1"), "{first}");
    write("second");
    scratch.run(&["start", "3"]);
    write("third");

    let said = scratch.run(&["restore"]).stdout;
    assert_eq!(scratch.work("proxy.rs").unwrap(), "second");
    assert!(
        said.contains("-stage2 again: main.rs, proxy.rs\nwhat was there is kept in .lab/backup/2"),
        "{said}"
    );
    assert!(said.contains("\nnext: cargo lab check 2, "), "{said}");
    assert_eq!(scratch.work("stats.rs"), None, "a file of stage 3");
    // The newest one is now what was replaced.
    scratch.run(&["restore"]);
    assert_eq!(scratch.work("proxy.rs").unwrap(), "third");
    // By the path that was printed, or by its name alone.
    let name = first.rsplit('/').next().unwrap();
    for argument in [first, name] {
        let said = scratch.run(&["restore", argument]).stdout;
        assert_eq!(scratch.work("proxy.rs").unwrap(), "first");
        assert!(said.contains("\nnext: cargo lab check 1, "), "{said}");
    }
    let said = scratch.run(&["restore", "yesterday"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("there is no backup \"yesterday\". Try: ls .lab/backup"), "{}", said.stderr);
}

#[test]
fn solve_shows_a_solution_and_writes_it_only_when_asked_to() {
    let scratch = Scratch::new("solve");
    scratch.run(&["start", "2"]);
    let before = scratch.work("proxy.rs");
    let said = scratch.output(&["solve", "2.2"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert!(said.stdout.contains("\n+        while client.wait_for_request().await {\n"), "{}", said.stdout);
    assert!(said.stdout.ends_with("or: cargo lab solve 2.2 --write\n"), "{}", said.stdout);
    assert_eq!(scratch.work("proxy.rs"), before, "stdin is at its end, so nobody has said yes");

    let said = scratch.output(&["solve", "2.2", "--write"]);
    assert_eq!(said.code, Some(0));
    assert!(scratch.work("proxy.rs").unwrap().contains("while client.wait_for_request().await"));
    scratch.run(&["restore"]);
    assert_eq!(scratch.work("proxy.rs"), before);

    // Where the lines were changed, it is shown and not written.
    let mine = before.unwrap().replace("// TODO 2.2: ", "// done: ");
    fs::write(scratch.folder.join("work/src/proxy.rs"), &mine).unwrap();
    let said = scratch.output(&["solve", "2.2", "--write"]);
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.contains("while client.wait_for_request().await"), "{}", said.stdout);
    assert!(said.stderr.contains("your lines there are not those of the start. Try: "), "{}", said.stderr);
    assert_eq!(scratch.work("proxy.rs").unwrap(), mine);
    let said = scratch.output(&["solve", "3.1", "--write"]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.stderr.ends_with("work/ was filled with stage 2. Try: cargo lab start 3\n"),
        "{}",
        said.stderr
    );
}

#[test]
fn the_solutions_of_all_tasks_make_the_stage_in_any_order() {
    let scratch = Scratch::new("solve-all");
    for stage in stages() {
        for is_reversed in [false, true] {
            scratch.run(&["start", &stage.number.to_string()]);
            let mut tasks: Vec<&str> = stage.tasks.iter().map(|task| task.name.as_str()).collect();
            if is_reversed {
                tasks.reverse();
            }
            for task in tasks {
                let said = scratch.output(&["solve", task, "--write"]);
                assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{task}");
            }
            for (name, text) in
                lab::places::read_sources(&places(&scratch).stage_sources(stage.number)).unwrap()
            {
                assert_eq!(scratch.work(&name).unwrap(), text, "{name} of {}", stage.reference());
            }
        }
    }
}
