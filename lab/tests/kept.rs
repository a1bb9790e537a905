//! No command loses a line of work/: when the disk is full, when an editor saves meanwhile, and with links.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use scratch::Scratch;
use testkit::Child;

mod scratch;

/// The bytes of each file below a folder, with hidden files.
fn contents(folder: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let entries = folder.read_dir().unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap())).collect()
}

/// Runs a command that can write no file of more than this many blocks of 512 bytes.
fn run_with_files_up_to(blocks: u64, scratch: &Scratch, arguments: &[&str]) -> Output {
    let lab = scratch.command(&[]);
    let mut command = Command::new("sh");
    command
        // Ignored, the signal becomes an error of the write, as on a full disk.
        .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")])
        .arg(lab.get_program())
        .args(arguments)
        .current_dir(&scratch.folder)
        .env_remove("CARGO_MANIFEST_DIR")
        .stdin(Stdio::null());
    command.output().unwrap()
}

/// Work in stage 1 that is done, with small files: the stages have larger ones.
fn small_work(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    let sources = scratch.folder.join("work/src");
    fs::create_dir_all(&sources).unwrap();
    fs::write(sources.join("main.rs"), "mod proxy;\nfn main() {}\n").unwrap();
    fs::write(sources.join("proxy.rs"), "// mine\n").unwrap();
    fs::create_dir_all(scratch.folder.join(".lab")).unwrap();
    fs::write(scratch.folder.join(".lab/progress"), "stage 1\ndone 1.1\ndone 1.2\ndone 1.3\n").unwrap();
    scratch
}

#[test]
fn a_full_disk_leaves_work_as_it_was() {
    for arguments in [&["next"][..], &["start", "2"], &["restore", "large"]] {
        let scratch = small_work("full-disk");
        let large = scratch.folder.join(".lab/backup/large");
        fs::create_dir_all(&large).unwrap();
        fs::write(large.join("main.rs"), "fn main() {}\n").unwrap();
        fs::write(large.join("proxy.rs"), "// old\n".repeat(1000)).unwrap();
        let sources = scratch.folder.join("work/src");
        let before = contents(&sources);
        let output = run_with_files_up_to(5, &scratch, arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: cannot "), "{arguments:?}: {stderr}");
        assert_eq!(contents(&sources), before, "{arguments:?}");
        if arguments == ["next"] {
            assert!(stderr.contains(".lab/backup/2") && stderr.contains("cargo lab restore"), "{stderr}");
        }
        // What failed is not in the way of a second attempt.
        let said = scratch.output(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}", said.stderr);
    }
}

/// Answers the question of `solve` with yes after `meanwhile`. Returns its exit code and what it says after the answer.
fn solve_while(scratch: &Scratch, task: &str, meanwhile: impl FnOnce()) -> (Option<i32>, String) {
    let (stdin, mut answer) = io::pipe().unwrap();
    let (output, stdout) = io::pipe().unwrap();
    let mut command = scratch.command(&["solve", task]);
    command.stdin(stdin).stdout(stdout.try_clone().unwrap()).stderr(stdout);
    let mut solve = Child::spawn(&mut command).unwrap();
    // Its ends of the pipes are open only in the child now.
    drop(command);
    let mut lines = BufReader::new(output).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("write it there?")));
    meanwhile();
    writeln!(answer, "y").unwrap();
    let said = lines.collect::<Vec<_>>().join("\n");
    (solve.wait().unwrap().code(), said)
}

#[test]
fn solve_keeps_what_an_editor_saves_before_the_answer() {
    let scratch = Scratch::new("solve-meanwhile");
    scratch.run(&["start", "2"]);
    let start = scratch.work("proxy.rs").unwrap();
    let save = |text: String| fs::write(scratch.folder.join("work/src/proxy.rs"), text).unwrap();
    let (code, said) = solve_while(&scratch, "2.2", || save(format!("// mine\n{start}")));
    assert_eq!(code, Some(0), "{said}");
    let text = scratch.work("proxy.rs").unwrap();
    assert!(text.starts_with("// mine\n"), "{text}");
    assert!(text.contains("while client.wait_for_request().await"), "{text}");

    save(start.clone());
    let mine = start.replace("// TODO 2.2: ", "// done: ");
    let (code, said) = solve_while(&scratch, "2.2", || save(mine.clone()));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("your lines there are not those of the start. Try: "), "{said}");
    assert_eq!(scratch.work("proxy.rs").unwrap(), mine);
}

#[test]
fn restore_puts_a_linked_folder_back_and_copies_links_as_links() {
    let scratch = Scratch::new("linked");
    let (sources, elsewhere) = (scratch.folder.join("work/src"), scratch.folder.join("elsewhere"));
    fs::create_dir_all(&elsewhere).unwrap();
    fs::create_dir_all(scratch.folder.join("work")).unwrap();
    fs::write(elsewhere.join("main.rs"), "// mine\n").unwrap();
    symlink("../elsewhere", &sources).unwrap();
    scratch.run(&["start", "1"]);
    assert!(scratch.work("main.rs").unwrap().contains("fn main"));
    let said = scratch.run(&["restore"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    assert!(said.stdout.contains(" again: main.rs\n"), "{}", said.stdout);
    assert_eq!(fs::read_link(&sources).unwrap(), Path::new("../elsewhere"));
    assert_eq!(scratch.work("main.rs").unwrap(), "// mine\n");
    // And away again, back and forth.
    scratch.run(&["restore"]);
    assert!(scratch.work("main.rs").unwrap().contains("fn main") && !sources.is_symlink());

    // A link in the folder, which leads nowhere from the backup.
    fs::write(scratch.folder.join("work/shared.rs"), "// shared\n").unwrap();
    for file in ["main.rs", "proxy.rs"] {
        fs::remove_file(sources.join(file)).unwrap();
        symlink("../shared.rs", sources.join(file)).unwrap();
    }
    scratch.run(&["start", "2"]);
    let said = scratch.run(&["restore"]);
    assert!(said.stdout.contains("-stage1 again: main.rs, proxy.rs\n"), "{}{}", said.stdout, said.stderr);
    assert_eq!(fs::read_link(sources.join("main.rs")).unwrap(), Path::new("../shared.rs"));
    assert_eq!(fs::read_to_string(scratch.folder.join("work/shared.rs")).unwrap(), "// shared\n");
}

#[test]
fn next_asks_for_a_new_check_after_a_restore() {
    let scratch = small_work("restored-done");
    scratch.run(&["start", "1"]);
    fs::write(scratch.folder.join(".lab/progress"), "stage 1\ndone 1.1\ndone 1.2\ndone 1.3\n").unwrap();
    assert_eq!(scratch.run(&["restore"]).code, Some(0));
    let said = scratch.run(&["next"]);
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    assert!(said.stderr.contains("the checks of 1.1, 1.2, 1.3 have not passed"), "{}", said.stderr);
}

#[test]
fn next_merges_a_module_under_its_other_file_name() {
    let scratch = small_work("mod-rs");
    let sources = scratch.folder.join("work/src");
    fs::create_dir(sources.join("proxy")).unwrap();
    fs::remove_file(sources.join("proxy.rs")).unwrap();
    let mine = fs::read_to_string(scratch.folder.join("part1/src/proxy.rs")).unwrap() + "// mine\n";
    fs::write(sources.join("proxy/mod.rs"), mine).unwrap();
    scratch.run(&["next"]);
    assert_eq!(scratch.work("proxy.rs"), None, "rustc rejects a module with two files");
    let text = scratch.work("proxy/mod.rs").unwrap();
    assert!(text.contains("// mine\n") && text.contains("// TODO 2.2: "), "{text}");
}
