//! The commands for the attendee's own crate and their exact output, in a separate workspace.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::fs;
use std::path::Path;

use course::{all, heading, larger};
use scratch::Scratch;

mod scratch;

#[test]
fn start_fills_work_and_keeps_what_it_replaces() {
    let scratch = Scratch::new("start");
    let said = scratch.run(&["start", "1"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        said.stdout,
        "work/src holds part1 without its tasks: main.rs, proxy.rs\n\
         \n\
         1.1 Send the request to the backend, piece by piece\n\
         \x20    work/src/proxy.rs, Proxy::relay, step 5: at most 3 lines, 8 minutes\n\
         1.2 Send the response to the client, piece by piece\n\
         \x20    work/src/proxy.rs, Proxy::relay, step 7: at most 3 lines, 6 minutes\n\
         1.3 Forward interim responses\n\
         \x20    work/src/proxy.rs, Proxy::relay, step 6: at most 2 lines, 5 minutes\n\
         \n\
         Look for TODO in these files. The book: docs/src/part1.md\n\
         next: cargo lab check --watch\n"
    );
    for task in ["1.1", "1.2", "1.3"] {
        assert!(scratch.work("proxy.rs").unwrap().contains(&format!("// TODO {task}: ")));
    }

    // A second start replaces nothing, so it keeps nothing.
    assert!(!scratch.run(&["start", "1"]).stdout.contains("kept"));
    fs::write(scratch.folder.join("work/src/proxy.rs"), "mine").unwrap();
    fs::write(scratch.folder.join("work/src/own.rs"), "own").unwrap();
    let said = scratch.run(&["start", "3"]);
    let backup = said.stdout.lines().next().unwrap().split("is kept in ").nth(1).unwrap();
    assert!(backup.starts_with(".lab/backup/2"), "{backup}");
    let kept = |file: &str| fs::read_to_string(scratch.folder.join(backup).join(file)).unwrap();
    assert_eq!((kept("proxy.rs").as_str(), kept("own.rs").as_str()), ("mine", "own"));
    assert_eq!(scratch.work("own.rs"), None, "it is no file of stage 3");
    assert!(scratch.work("stats.rs").unwrap().contains("// TODO 3.2: "));
    assert!(scratch.run(&["list"]).stdout.contains("start of stage 3\nnext: cargo lab check 3\n"));
}

#[test]
fn start_of_a_larger_task_leaves_out_its_lines_and_names_no_other_task() {
    let scratch = Scratch::new("larger");
    for task in larger() {
        let said = scratch.run(&["start", &task.name]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{}", task.name);
        let heading = heading(task);
        assert!(said.stdout.contains(&format!("\n\n{heading}\nLook for TODO")), "{}", said.stdout);
        assert!(said.stdout.ends_with("\nnext: cargo lab check --watch\n"), "{}", said.stdout);
        let text = scratch.work(&task.file).unwrap();
        assert!(
            text.contains(&task.marker()) && !text.contains(&format!("TODO {}.1", task.stage())),
            "{text}"
        );
        let listed = scratch.run(&["list"]).stdout;
        assert!(listed.contains(&format!("   {}       {} ", task.name, task.title)), "{listed}");
    }
    fs::write(scratch.folder.join(".lab/progress"), "done 1.1\ndone 1.2\ndone 1.3\n").unwrap();
    let listed = scratch.run(&["list"]).stdout;
    assert!(listed.contains("   1.all done  "), "{listed}");
}

#[cfg(unix)]
#[test]
fn start_keeps_any_file_byte_for_byte() {
    const NOT_UTF_8: &[u8] = b"// caf\xe9\r\n\xff\xfe\0";
    let scratch = Scratch::new("bytes");
    scratch.run(&["start", "1"]);
    let sources = scratch.folder.join("work/src");
    fs::create_dir(sources.join("deep")).unwrap();
    for file in ["main.rs", "own.rs", "deep/data.bin", ".main.rs.swp"] {
        fs::write(sources.join(file), NOT_UTF_8).unwrap();
    }
    // The lock of an editor: a dangling link.
    std::os::unix::fs::symlink("user@host.1:2", sources.join(".#main.rs")).unwrap();

    let said = scratch.run(&["start", "2"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    let backup = said.stdout.lines().next().unwrap().split("is kept in ").nth(1).unwrap();
    let backup = scratch.folder.join(backup);
    for file in ["main.rs", "own.rs", "deep/data.bin", ".main.rs.swp"] {
        assert_eq!(fs::read(backup.join(file)).unwrap(), NOT_UTF_8, "{file}");
    }
    assert_eq!(fs::read_link(backup.join(".#main.rs")).unwrap(), Path::new("user@host.1:2"));
    let mut left: Vec<_> = sources.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["main.rs", "proxy.rs"]);

    // Also if the folder itself is a link.
    let elsewhere = scratch.folder.join("elsewhere");
    fs::rename(&sources, &elsewhere).unwrap();
    fs::write(elsewhere.join("main.rs"), NOT_UTF_8).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &sources).unwrap();
    let said = scratch.run(&["start", "2"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert_eq!(fs::read(elsewhere.join("main.rs")).unwrap(), NOT_UTF_8);
    assert!(scratch.work("main.rs").unwrap().contains("fn main"));
}

#[test]
fn the_lab_folder_is_ignored_by_git_and_kept_by_cargo_clean() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ignored = fs::read_to_string(workspace.join(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == "/.lab"), "{ignored}");
    for page in workspace.join("docs/src").read_dir().unwrap() {
        let page = page.unwrap().path();
        let text = fs::read_to_string(&page).unwrap_or_default();
        assert!(!text.contains("target/lab") && !text.contains("target/vendor"), "{}", page.display());
    }

    let scratch = Scratch::new("clean");
    scratch.run(&["start", "1"]);
    fs::write(scratch.folder.join("work/src/proxy.rs"), "mine").unwrap();
    scratch.run(&["start", "2"]);
    scratch.run(&["hint", "2.1", "--level", "2"]);
    let _ = fs::remove_dir_all(scratch.folder.join("target"));
    let listed = scratch.run(&["list"]).stdout;
    assert!(listed.contains("start of stage 2\nnext: cargo lab check 2\n"), "{listed}");
    assert!(scratch.run(&["hint", "2.1"]).stdout.contains("hint 2 of 3"));
}

#[cfg(unix)]
#[test]
fn files_of_an_editor_are_ignored() {
    let scratch = Scratch::new("editor");
    for folder in ["part1/src", "work/src"] {
        let folder = scratch.folder.join(folder);
        fs::create_dir_all(&folder).unwrap();
        std::os::unix::fs::symlink("user@host.1:2", folder.join(".#proxy.rs")).unwrap();
        for name in [".proxy.rs.swp", "proxy.rs~", "#proxy.rs#", "4913"] {
            fs::write(folder.join(name), b"\xff").unwrap();
        }
    }
    let said = scratch.run(&["start", "1"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert!(said.stdout.contains("\nwork/src holds part1 without its tasks: main.rs, proxy.rs\n"));
    // With the same sources nothing is replaced.
    fs::write(scratch.folder.join("work/src/.proxy.rs.swp"), b"\xff").unwrap();
    assert!(!scratch.run(&["start", "1"]).stdout.contains("kept"));
}

#[test]
fn hints_are_shown_one_at_a_time_and_remembered() {
    let scratch = Scratch::new("hint");
    let first = "2.2 Keep the connection for more requests\n\
                 \x20    work/src/proxy.rs, Proxy::serve: at most 1 line, 4 minutes\n\
                 hint 1 of 3:\n\
                 \x20    In `serve`: it waits for one request, and then the connection is closed.\n\
                 next: cargo lab check 2.2, or: cargo lab hint 2.2 --level 2\n";
    assert_eq!(scratch.run(&["hint", "2.2"]).stdout, first);
    assert_eq!(scratch.run(&["hint", "2.2"]).stdout, first);
    let second = scratch.run(&["hint", "2.2", "--level", "2"]).stdout;
    assert!(second.contains("hint 2 of 3:\n") && !second.contains("hint 3"), "{second}");
    assert_eq!(scratch.run(&["hint", "2.2"]).stdout, second);
    let third = scratch.run(&["hint", "2.2", "--level", "3"]).stdout;
    assert!(third.ends_with("or see it done: cargo lab solve 2.2\n"), "{third}");
    assert_eq!(scratch.run(&["hint", "2.2", "--level", "1"]).stdout, first);
    assert_eq!(scratch.run(&["hint", "2.2"]).stdout, third);
    assert_eq!(scratch.run(&["hint", "2.2", "--level", "4"]).code, Some(2));
}

#[test]
fn list_names_completed_tasks_and_the_next_command() {
    let scratch = Scratch::new("list");
    fs::create_dir_all(scratch.folder.join(".lab")).unwrap();
    let progress = scratch.folder.join(".lab/progress");
    fs::write(&progress, "done 1.1\ndone 1.2\nof another version\n").unwrap();
    let text = scratch.run(&["list"]).stdout;
    assert!(text.starts_with(
        "1  one client at a time\n   1.1   done  Send the request to the backend, piece by piece          8 min\n"
    ));
    assert!(text.contains("   1.3         Forward interim responses                                5 min\n"));
    let (tasks, minutes) = (all().count(), all().map(|task| task.minutes).sum::<u32>());
    assert!(text.ends_with(&format!(
        "you: 2 of {tasks} tasks; all take {minutes} minutes\n\
         work/ was filled with the start of stage 1\n\
         next: cargo lab check 1\n"
    )));
    fs::write(&progress, "done 1.1\ndone 1.2\ndone 1.3\n").unwrap();
    assert!(scratch.run(&["list"]).stdout.ends_with("next: cargo lab next\n"));
    // Also if earlier stages were left out.
    let done = "stage 3\ndone 3.1\ndone 3.2\ndone 3.3\n";
    fs::write(&progress, done).unwrap();
    assert!(scratch.run(&["list"]).stdout.ends_with("next: cargo lab next\n"));
    // Only the code of the stage before can go on.
    fs::write(&progress, done.to_owned() + "done 4.1\ndone 4.2\ndone 4.3\ndone 4.4\n").unwrap();
    assert!(scratch.run(&["list"]).stdout.ends_with("next: cargo lab start 1\n"));
}

#[test]
fn doctor_names_what_is_missing_and_how_to_fix_it() {
    let scratch = Scratch::new("doctor");
    // If another program already uses the port, that serves as well.
    let _held = std::net::TcpListener::bind("127.0.0.1:8080");
    let mut command = scratch.command(&["doctor"]);
    command.env("http_proxy", "http://proxy.example:3128").env_remove("no_proxy").env_remove("NO_PROXY");
    for no_color in ["", "1"] {
        let output = command.env("NO_COLOR", no_color).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(text.contains("\nFAIL port 8080 is not free ("), "{text}");
        assert!(text.contains("     stop the program that uses it, or use --listen 127.0.0.1:8090\n"));
        assert!(
            text.contains(
                "FAIL the variable http_proxy sends requests to another proxy\n     export no_proxy="
            )
        );
        assert!(text.contains("FAIL dependencies are missing"), "the scratch has no manifest: {text}");
        assert!(
            text.ends_with("next: do what is written below each FAIL, then run cargo lab doctor again\n"),
            "{text}"
        );
        assert!(!text.contains('\x1b') && text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let fails = text.lines().filter(|line| line.starts_with("FAIL ")).count();
        assert_eq!(text.lines().filter(|line| line.starts_with("     ")).count(), fails, "one line each");
    }
}

#[cfg(unix)]
#[test]
fn a_failed_check_names_the_observation_and_the_place() {
    let scratch = Scratch::new("check");
    let said = scratch.run(&["check", "2.1", "--cmd", "false {listen} {backend}"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(1), ""));
    let mut lines: Vec<&str> = said.stdout.lines().collect();
    assert!(lines.remove(lines.len() - 2).starts_with("0 passed, 1 failed, 0 skipped in "));
    assert_eq!(
        lines,
        [
            "testing the command \"false {listen} {backend}\" on free ports",
            "FAIL 2.1 8 clients are served at once",
            "     it did not start: it does not accept connections: it said nothing",
            "     look at: work/src/main.rs, run, step 2",
            "     hint:    cargo lab hint 2.1",
            "next: fix 2.1, then cargo lab check 2.1",
        ]
    );
    let list = scratch.run(&["list"]).stdout;
    assert!(list.contains("you: 0 of "), "it was not work that was checked: {list}");
}

#[test]
fn the_help_of_every_command_fits_80_columns() {
    let scratch = Scratch::new("help");
    for command in [
        "", "demo", "get", "diff", "doctor", "list", "start", "check", "hint", "bench", "solve", "next",
        "restore",
    ] {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        // `run` checks the width of each line.
        assert_eq!(scratch.run(&arguments).code, Some(0), "{command}");
    }
}
