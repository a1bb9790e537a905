//! Builds what is measured, always with the profile `release`: a debug build is several times slower, and not evenly.

use std::env::{self, consts::EXE_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

pub(super) const PROFILE: &str = "release";

/// Where things are.
pub(super) struct Folders {
    /// The workspace.
    pub(super) workspace: PathBuf,
    /// What cargo builds into.
    pub(super) target: PathBuf,
}

impl Folders {
    pub(super) fn find() -> anyhow::Result<Folders> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let workspace = workspace.canonicalize().context("cannot find the workspace")?;
        // This binary is in target/PROFILE: so the target folder is known, wherever it was put.
        let own = env::current_exe().context("cannot tell where this binary is")?;
        let target = own.ancestors().nth(2).context("this binary is in no target folder")?.to_owned();
        Ok(Folders { workspace, target })
    }

    /// Where bench keeps its files.
    pub(super) fn lab(&self, name: &str) -> PathBuf {
        self.target.join("lab").join(name)
    }

    /// A file as an attendee in the workspace knows it.
    pub(super) fn shown(&self, file: &Path) -> PathBuf {
        file.strip_prefix(&self.workspace).unwrap_or(file).to_owned()
    }

    /// Where cargo puts a binary.
    pub(super) fn binary(&self, name: &str) -> PathBuf {
        self.target.join(PROFILE).join(format!("{name}{EXE_SUFFIX}"))
    }

    /// Builds packages of the workspace in `folder` into the one target folder; what cargo says is shown.
    pub(super) fn build(&self, folder: &Path, packages: &[&str]) -> anyhow::Result<()> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--profile", PROFILE, "--manifest-path"]).arg(folder.join("Cargo.toml"));
        command.arg("--target-dir").arg(&self.target);
        for package in packages {
            command.args(["-p", package]);
        }
        let status = command.status().context("cannot start cargo")?;
        if !status.success() {
            bail!("cargo could not build {}: what it says stands above", packages.join(" and "));
        }
        Ok(())
    }
}
