//! A workspace of the test's own, in which the commands are typed.

// Each test uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use course::stages;

/// A workspace with the sources of all stages, and an empty work/.
pub struct Scratch {
    pub folder: PathBuf,
}

pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The workspace of this crate.
pub fn real() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

impl Scratch {
    /// A new one of this name.
    pub fn new(name: &str) -> Scratch {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("scratch-{name}"));
        let _ = fs::remove_dir_all(&folder);
        for stage in stages() {
            let sources = folder.join(stage.reference()).join("src");
            fs::create_dir_all(&sources).unwrap();
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(stage.reference()).join("src");
            for entry in from.read_dir().unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), sources.join(entry.file_name())).unwrap();
            }
        }
        fs::write(folder.join("Cargo.toml"), "[workspace]\n").unwrap();
        Scratch { folder }
    }

    /// Takes the real manifest, with the crates that `work` uses where they are, so that cargo can build `work`.
    pub fn take_manifest(&self) {
        // Backslashes would be escapes in TOML.
        let root = real().display().to_string().replace('\\', "/");
        let text = fs::read_to_string(real().join("Cargo.toml")).unwrap();
        let lines = text.lines().map(|line| match line.starts_with("members") {
            true => "members = []".to_owned(),
            false => line.replace("{ path = \"", &format!("{{ path = \"{root}/")),
        });
        fs::write(self.folder.join("Cargo.toml"), lines.collect::<Vec<_>>().join("\n")).unwrap();
        fs::copy(real().join("Cargo.lock"), self.folder.join("Cargo.lock")).unwrap();
    }

    /// A command of the tool, typed in the workspace.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_remove("CARGO_MANIFEST_DIR")
            .stdin(Stdio::null());
        command
    }

    /// What a command says and how it ends.
    pub fn output(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The same for a command that shows no code: it says plain lines of at most 80 columns.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let said = self.output(arguments);
        for line in said.stdout.lines() {
            assert!(line.chars().count() <= 80, "over 80 columns: {line}");
            assert!(!line.contains('\x1b'), "colour in a pipe: {line}");
        }
        said
    }

    /// The text of a file of work/src, if there is one.
    pub fn work(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join("work/src").join(file)).ok()
    }
}
