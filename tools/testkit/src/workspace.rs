//! The workspace in which a command runs, and the binaries that cargo builds there.
//!
//! Invariant: no path is fixed at compile time. Two checkouts may share a target folder, so a tool that was
//! built in one of them may run in the other.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::child::Child;

/// A cargo workspace.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    /// The target folder, if cargo must be told.
    target: Option<PathBuf>,
}

/// How packages are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The profile of this program.
    Own,
    /// Optimised, for measurements.
    Release,
}

/// The path of each binary that cargo was asked to build.
#[derive(Debug, Default)]
pub struct Binaries(BTreeMap<String, PathBuf>);

impl Binaries {
    /// The binary of that name.
    ///
    /// # Errors
    /// No built package has a binary of that name.
    pub fn path(&self, name: &str) -> anyhow::Result<&Path> {
        let path = self.0.get(name).map(PathBuf::as_path);
        path.with_context(|| format!("cargo built no binary {name}"))
    }
}

impl Workspace {
    /// The workspace of the package that `cargo run` or `cargo test` runs, or else the one around the current folder.
    ///
    /// # Errors
    /// There is none.
    pub fn find() -> anyhow::Result<Workspace> {
        let from = match env::var_os("CARGO_MANIFEST_DIR") {
            Some(package) => package.into(),
            None => env::current_dir().context("the current folder cannot be read")?,
        };
        let is_root = |folder: &&Path| {
            let manifest = fs::read_to_string(folder.join("Cargo.toml"));
            manifest.is_ok_and(|text| text.lines().any(|line| line.trim() == "[workspace]"))
        };
        match from.ancestors().find(is_root) {
            Some(root) => Ok(Workspace::at(root)),
            None => bail!("{} is in no cargo workspace", from.display()),
        }
    }

    /// The workspace in this folder.
    pub fn at(root: impl Into<PathBuf>) -> Workspace {
        Workspace { root: root.into(), target: None }
    }

    /// The same workspace, built into another target folder, so that shared dependencies are built once.
    pub fn with_target(self, target: PathBuf) -> Workspace {
        Workspace { target: Some(target), ..self }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The numbers of its stages, in order.
    pub fn stages(&self) -> Vec<u32> {
        let entries = self.root.read_dir().into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let number = |name: String| name.strip_prefix("part")?.parse().ok();
        let mut numbers: Vec<u32> = names.filter_map(number).collect();
        numbers.retain(|number| self.root.join(format!("part{number}/Cargo.toml")).is_file());
        numbers.sort_unstable();
        numbers
    }

    /// A cargo command for this workspace.
    pub fn cargo(&self, command: &str) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut cargo = Command::new(cargo);
        cargo.arg(command).arg("--manifest-path").arg(self.root.join("Cargo.toml"));
        cargo
    }

    /// Its target folder, which may be anywhere.
    ///
    /// # Errors
    /// Cargo does not report it.
    pub fn target(&self) -> anyhow::Result<PathBuf> {
        let mut command = self.cargo("metadata");
        command.args(["--no-deps", "--offline", "--format-version", "1"]).stderr(Stdio::null());
        let output = command.output().context("cargo cannot be started")?;
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let target = metadata["target_directory"].as_str();
        Ok(target.context("cargo does not say where it builds")?.into())
    }

    /// Builds the binaries of packages, and shows what cargo says if it has to build something.
    ///
    /// # Errors
    /// A package does not build.
    pub fn build(&self, profile: Profile, packages: &[impl AsRef<str>]) -> anyhow::Result<Binaries> {
        let names = || packages.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(" and ");
        let binaries = self.try_build(profile, packages)?;
        binaries.with_context(|| format!("cargo could not build {}", names()))
    }

    /// As [`Workspace::build`]; `None` if a package does not build.
    ///
    /// # Errors
    /// Cargo cannot be started.
    pub fn try_build(
        &self,
        profile: Profile,
        packages: &[impl AsRef<str>],
    ) -> anyhow::Result<Option<Binaries>> {
        let mut command = self.cargo("build");
        command.args(["--message-format", "json-render-diagnostics"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) {
            command.env("CARGO_TERM_COLOR", "always");
        }
        if profile == Profile::Release || !cfg!(debug_assertions) {
            command.arg("--release");
        }
        if let Some(target) = &self.target {
            command.arg("--target-dir").arg(target);
        }
        for package in packages {
            command.args(["-p", package.as_ref()]);
        }
        let mut cargo = Child::spawn(&mut command)?;
        let messages = cargo.take_stderr().context("cargo has no stderr")?;
        let relayed = thread::spawn(move || launch::relay(messages));
        let mut binaries = BTreeMap::new();
        for line in BufReader::new(cargo.take_stdout().context("cargo has no stdout")?).lines() {
            let message: Value = serde_json::from_str(&line?).unwrap_or_default();
            if let (Some(name), Some(path)) =
                (message["target"]["name"].as_str(), message["executable"].as_str())
            {
                binaries.insert(name.to_owned(), path.into());
            }
        }
        // What cargo says comes before what the caller says. A panic while printing is printed.
        let _ = relayed.join();
        Ok(cargo.wait()?.success().then_some(Binaries(binaries)))
    }
}
