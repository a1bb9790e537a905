//! The commands that carry an attendee's own code: next, solve and restore.

// A panic is the failure report of a test.
#![allow(clippy::unwrap_used)]

use std::fs;

use course::{Stage, larger, stages};
use lab::places::Places;
use lab::start::{cut, find_stage};
use scratch::Scratch;
use testkit::Workspace;

mod scratch;

/// Fills work/ with the sources of a stage, changed by `own`, and records all of its tasks as done.
fn finish(scratch: &Scratch, stage: &Stage, own: impl Fn(&str) -> String) {
    let (from, to) = (scratch.folder.join(stage.reference()).join("src"), scratch.folder.join("work/src"));
    let _ = fs::remove_dir_all(&to);
    fs::create_dir_all(&to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        fs::write(to.join(entry.file_name()), own(&text)).unwrap();
    }
    let done: String = stage.tasks.iter().map(|task| format!("done {}\n", task.name)).collect();
    fs::create_dir_all(scratch.folder.join(".lab")).unwrap();
    fs::write(scratch.folder.join(".lab/progress"), format!("stage {}\n{done}", stage.number)).unwrap();
}

fn places(scratch: &Scratch) -> Places {
    Places { workspace: Workspace::at(&scratch.folder) }
}

#[test]
fn a_renamed_variable_goes_on_from_stage_2_to_the_last() {
    let own = |text: &str| text.replace("let upload =", "let sending =").replace("(upload, ", "(sending, ");
    let scratch = Scratch::new("renamed");
    // From 1 to 2 each such line changes: it gets an `.await`.
    for stages in stages()[1..].windows(2) {
        let (before, after) = (&stages[0], &stages[1]);
        finish(&scratch, before, own);
        assert!(scratch.work("proxy.rs").unwrap().contains("let sending ="));
        let said = scratch.run(&["next"]).stdout;
        assert!(!said.contains("have changed the same lines"), "{said}");
        for (name, text) in cut(&places(&scratch), after).unwrap() {
            assert_eq!(scratch.work(&name).unwrap(), own(&text), "{name} of {}", after.reference());
        }
    }
}

#[test]
fn rewritten_loops_meet_stage_2_in_two_places_and_stay() {
    const UPLOAD: &str = "            loop {
                let Some(piece) = request_body.next_piece()? else { break };
                to_backend.write_piece(piece)?;
            }
";
    const DOWNLOAD: &str = "            let mut count = 0;
            while let Some(next) = from_backend.next_piece()? {
                count += to_client.write_piece(next)?;
            }
            log::debug!(\"{count} bytes\");
";
    let own = |text: &str| {
        text.replace(
            "            while let Some(piece) = request_body.next_piece()? {
                to_backend.write_piece(piece)?;
            }
",
            UPLOAD,
        )
        .replace(
            "            while let Some(piece) = from_backend.next_piece()? {
                to_client.write_piece(piece)?;
            }
",
            DOWNLOAD,
        )
    };
    let scratch = Scratch::new("rewritten");
    finish(&scratch, &stages()[0], own);
    fs::write(scratch.folder.join("work/src/own.rs"), "// mine\n").unwrap();
    let said = scratch.run(&["next"]).stdout;
    let text = scratch.work("proxy.rs").unwrap();
    assert!(text.contains(UPLOAD) && text.contains(DOWNLOAD), "{text}");
    assert_eq!(text.matches("// TODO next: ").count(), 2, "{text}");
    for line in [
        "            // TODO next: the 3 lines below are yours. The start of stage 2 has here:",
        "            //     while let Some(piece) = request_body.next_piece().await? {",
        "            //         to_client.write_piece(piece).await?;",
        "        // TODO 2.3: the response is read only after the complete request was sent. Run both at once.",
        "        let download = async move {",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in {text}");
    }
    assert_eq!(scratch.work("own.rs").unwrap(), "// mine\n", "a file of their own stays");
    let places: Vec<&str> = said.lines().filter(|line| line.starts_with("     work/src/proxy.rs:")).collect();
    assert_eq!(places.len(), 2, "{said}");
    for place in places {
        let line: usize = place.rsplit(':').next().unwrap().parse().unwrap();
        assert!(text.lines().nth(line - 1).unwrap().contains("TODO next: "), "{place}");
    }

    // And back.
    let said = scratch.run(&["restore"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    let text = scratch.work("proxy.rs").unwrap();
    assert!(text.contains(UPLOAD) && !text.contains("TODO"), "{text}");
    assert!(scratch.run(&["list"]).stdout.contains("start of stage 1\n"));
}

#[test]
fn next_asks_for_the_tasks_of_the_stage_before_and_ends_at_the_last_stage() {
    let scratch = Scratch::new("next-refused");
    scratch.run(&["start", "1"]);
    fs::write(scratch.folder.join(".lab/progress"), "stage 1\ndone 1.1\n").unwrap();
    let before = scratch.work("proxy.rs");
    let said = scratch.run(&["next"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""));
    assert_eq!(
        said.stderr,
        "error: the checks of 1.2, 1.3 have not passed in work/. \
         Try: cargo lab check, cargo lab solve 1.2 for a task that you skip, \
         or without your own code: cargo lab start 2\n"
    );
    assert_eq!(scratch.work("proxy.rs"), before);
    let last = stages().last().unwrap();
    finish(&scratch, last, str::to_owned);
    let said = scratch.run(&["next"]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.stderr.ends_with(&format!(". Try: cargo lab diff work {}\n", last.number)),
        "{}",
        said.stderr
    );
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
    assert_eq!(scratch.work("proxy.rs"), before, "at the end of stdin, no answer allows the change");

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
fn the_solution_of_a_larger_task_makes_the_stage() {
    let scratch = Scratch::new("solve-larger");
    for task in larger() {
        // The start of the small tasks has other lines.
        scratch.run(&["start", &task.stage().to_string()]);
        let said = scratch.output(&["solve", &task.name, "--write"]);
        assert_eq!(said.code, Some(1), "{}", said.stdout);
        assert!(said.stderr.ends_with(&format!(": cargo lab start {}\n", task.name)), "{}", said.stderr);
        scratch.run(&["start", &task.name]);
        let said = scratch.output(&["solve", &task.name, "--write"]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{}", task.name);
        for (name, text) in lab::places::read_sources(&places(&scratch).stage_sources(task.stage())).unwrap()
        {
            assert_eq!(scratch.work(&name).unwrap(), text, "{name} of part{}", task.stage());
        }
    }
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
