//! The workspace in which a command was typed, and what cargo builds there.
//!
//! Invariant: nothing is known at compile time. Two checkouts may share a target folder, and then a tool that was built
//! in one of them runs in the other.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

/// A cargo workspace.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
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
            Some(root) => Ok(Workspace { root: root.to_owned() }),
            None => bail!("{} is in no cargo workspace. Try: cd to the workshop's folder", from.display()),
        }
    }

    /// The workspace in that folder.
    pub fn at(root: impl Into<PathBuf>) -> Workspace {
        Workspace { root: root.into() }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The numbers of the stages that it has, in order.
    pub fn stages(&self) -> Vec<u32> {
        let entries = self.root.read_dir().into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let number = |name: String| name.strip_prefix("part")?.parse().ok();
        let mut numbers: Vec<u32> = names.filter_map(number).collect();
        numbers.retain(|number| self.root.join(format!("part{number}/Cargo.toml")).is_file());
        numbers.sort_unstable();
        numbers
    }

    /// A command of cargo on this workspace.
    pub fn cargo(&self, command: &str) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut cargo = Command::new(cargo);
        cargo.arg(command).arg("--manifest-path").arg(self.root.join("Cargo.toml"));
        cargo
    }

    /// Builds the binaries of packages with the profile of this program, and returns where cargo put each. What cargo
    /// says is shown.
    ///
    /// # Errors
    /// One of them does not build.
    pub fn build(&self, packages: &[String]) -> anyhow::Result<BTreeMap<String, PathBuf>> {
        let mut command = self.cargo("build");
        command.args(["--message-format", "json-render-diagnostics"]).stdout(Stdio::piped());
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        for package in packages {
            command.args(["-p", package]);
        }
        let mut child = command.spawn().context("cargo cannot be started")?;
        let mut binaries = BTreeMap::new();
        for line in BufReader::new(child.stdout.take().context("cargo has no stdout")?).lines() {
            let message: Value = serde_json::from_str(&line?).unwrap_or_default();
            if let (Some(name), Some(path)) =
                (message["target"]["name"].as_str(), message["executable"].as_str())
            {
                binaries.insert(name.to_owned(), path.into());
            }
        }
        if !child.wait()?.success() {
            bail!("cargo could not build {}: its reason stands above", packages.join(" and "));
        }
        Ok(binaries)
    }
}
