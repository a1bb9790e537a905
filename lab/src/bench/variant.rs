//! A stage with a patch of lab/variants, built in a copy of the workspace: the sources stay unchanged.
//!
//! A patch is a unified diff of one stage, like the patches of the tasks.

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use stage::Failure;

use crate::places::Places;
use crate::tasks;
use testkit::{Profile, Workspace};

/// A patch and the stage that it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    pub name: String,
    /// The stage, such as `part4`.
    pub stage: String,
    patch: String,
}

impl Variant {
    /// Reads lab/variants/NAME.patch.
    pub fn read(workspace: &Path, name: &str) -> anyhow::Result<Variant> {
        let folder = workspace.join("lab").join("variants");
        let Ok(patch) = fs::read_to_string(folder.join(format!("{name}.patch"))) else {
            let names = names(&folder).join(", ");
            return Err(
                Failure::Usage(format!("--variant {name}: there is none. Try one of: {names}")).into()
            );
        };
        let first = changed_files(&patch).next().context("the patch changes no file")?;
        let stage = first.split('/').next().unwrap_or_default().to_owned();
        Ok(Variant { name: name.to_owned(), stage, patch })
    }

    /// The new text of each changed file, by its path in the workspace.
    pub fn apply(&self, workspace: &Path) -> anyhow::Result<Vec<(String, String)>> {
        let mut changed = Vec::new();
        for part in self.patch.split("\n--- ").skip(usize::from(!self.patch.starts_with("--- "))) {
            let path = changed_files(part).next().context("a file in the patch has no name")?;
            let file = workspace.join(path);
            let text =
                fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let text = tasks::apply(&text, part).map_err(|error| {
                anyhow!("{}.patch does not fit {path}: {error}. Try: git diff {path}", self.name)
            })?;
            changed.push((path.to_owned(), text));
        }
        Ok(changed)
    }

    /// Builds the variant and returns the path of its binary. The stage itself must be built after it,
    /// because cargo puts both binaries in the same place, from which this one is copied.
    pub(super) fn build(&self, places: &Places) -> anyhow::Result<PathBuf> {
        let folder = places.kept("variants").join(&self.name);
        let scratch = folder.join("workspace");
        let changed = self.apply(places.root())?;
        copy_workspace(places.root(), &scratch, &changed)
            .and_then(|()| self.rename_version(places.root(), &scratch))
            .with_context(|| format!("cannot copy the workspace to {}", scratch.display()))?;
        let scratch = Workspace::at(scratch).with_target(places.workspace.target()?);
        let built = scratch.build(Profile::Release, &[&self.stage])?;
        let binary = folder.join(format!("{}{EXE_SUFFIX}", self.stage));
        // Creates a new file, because a running binary cannot be overwritten.
        let _ = fs::remove_file(&binary);
        fs::copy(built.path(&self.stage)?, &binary)
            .with_context(|| format!("cannot copy a binary to {}", binary.display()))?;
        Ok(binary)
    }

    /// Gives all crates of the copy another version. Cargo distinguishes crates of two workspaces by name and
    /// version, not by path: with the same version it would not rebuild the patched stage.
    fn rename_version(&self, workspace: &Path, scratch: &Path) -> anyhow::Result<()> {
        let manifest = fs::read_to_string(workspace.join("Cargo.toml"))?;
        let own = concat!("version = \"", env!("CARGO_PKG_VERSION"), "\"");
        let renamed = format!("version = \"{}+{}\"", env!("CARGO_PKG_VERSION"), self.name);
        if manifest.matches(&format!("\n{own}\n")).count() != 1 {
            bail!("the version of the workspace is not where it was. Try: git diff Cargo.toml");
        }
        write_if_changed(&scratch.join("Cargo.toml"), manifest.replace(own, &renamed).as_bytes())
    }

    /// Fails if a variant and its stage are the same binary, because a ratio of 1 would be wrong.
    pub(super) fn check(&self, variant: &Path, stage: &Path) -> anyhow::Result<()> {
        let read = |file: &Path| fs::read(file).with_context(|| format!("cannot read {}", file.display()));
        if read(variant)? == read(stage)? {
            bail!(
                "{} with {} is the same binary as without. Try: cargo clean -p {}",
                self.stage,
                self.name,
                self.stage
            );
        }
        Ok(())
    }
}

/// The names of all patches, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let files = folder.read_dir().into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let names: BTreeSet<_> =
        names.filter_map(|name| name.strip_suffix(".patch").map(str::to_owned)).collect();
    names.into_iter().collect()
}

fn changed_files(patch: &str) -> impl Iterator<Item = &str> {
    patch.lines().filter_map(|line| line.strip_prefix("+++ b/")).map(str::trim)
}

/// Copies what cargo needs, except the manifest of the workspace. Unchanged files are not written again, so
/// that cargo does not rebuild them. Cargo updates the copy of the lock file itself.
fn copy_workspace(from: &Path, to: &Path, changed: &[(String, String)]) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    if !to.join("Cargo.lock").exists() {
        write_if_changed(&to.join("Cargo.lock"), &fs::read(from.join("Cargo.lock"))?)?;
    }
    for entry in from.read_dir()? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && !is_left_out(name) {
            copy_folder(&path, &to.join(name), changed, Path::new(name))?;
        }
    }
    Ok(())
}

/// Whether the entry is not a source: cargo's target folder, or an editor's lock links and swap files, which
/// may disappear before they are copied.
fn is_left_out(name: &OsStr) -> bool {
    name == "target" || name.as_encoded_bytes().starts_with(b".")
}

fn copy_folder(from: &Path, to: &Path, changed: &[(String, String)], inside: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in from.read_dir()? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let inside = inside.join(name);
        if is_left_out(name) {
            continue;
        }
        if path.is_dir() {
            copy_folder(&path, &to.join(name), changed, &inside)?;
        } else {
            let patched = changed.iter().find(|(path, _)| Path::new(path) == inside);
            let contents = match patched {
                Some((_, text)) => text.clone().into_bytes(),
                None => fs::read(&path)?,
            };
            write_if_changed(&to.join(name), &contents)?;
        }
    }
    Ok(())
}

fn write_if_changed(file: &Path, contents: &[u8]) -> anyhow::Result<()> {
    if fs::read(file).ok().as_deref() != Some(contents) {
        fs::write(file, contents)?;
    }
    Ok(())
}
