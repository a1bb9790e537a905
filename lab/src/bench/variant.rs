//! A stage with a patch of lab/variants, built in a copy of the workspace: the sources stay unchanged.
//!
//! A patch is a unified diff of one stage, like the patches of the tasks.

use std::collections::BTreeSet;
use std::env::consts::EXE_SUFFIX;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use stage::Failure;

use crate::places::{OrCannot, Places, binary};
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
    pub fn read(workspace: &Path, name: &str) -> Result<Variant, Failure> {
        let folder = workspace.join("lab").join("variants");
        let Ok(patch) = fs::read_to_string(folder.join(format!("{name}.patch"))) else {
            let names = names(&folder).join(", ");
            return Err(Failure::usage(
                format!("--variant {name}: there is none"),
                format!("one of {names}"),
            ));
        };
        let none = || invalid(name, "it changes no file");
        let first = changed_files(&patch).next().ok_or_else(none)?;
        let stage = first.split('/').next().unwrap_or_default().to_owned();
        Ok(Variant { name: name.to_owned(), stage, patch })
    }

    /// The new text of each changed file, by its path in the workspace.
    pub fn apply(&self, workspace: &Path) -> Result<Vec<(String, String)>, Failure> {
        let mut changed = Vec::new();
        for part in self.patch.split("\n--- ").skip(usize::from(!self.patch.starts_with("--- "))) {
            let none = || invalid(&self.name, "a file in it has no name");
            let path = changed_files(part).next().ok_or_else(none)?;
            let file = workspace.join(path);
            let text = fs::read_to_string(&file).or_cannot("read", &file)?;
            let text = course::apply(&text, part).map_err(|error| {
                let problem = format!("{}.patch does not fit {path}: {error}", self.name);
                Failure::new(problem, format!("git diff {path}"))
            })?;
            changed.push((path.to_owned(), text));
        }
        Ok(changed)
    }

    /// Builds the variant and returns the path of its binary. The stage itself must be built after it,
    /// because cargo puts both binaries in the same place, from which this one is copied.
    pub(super) fn build(&self, places: &Places) -> Result<PathBuf, Failure> {
        let folder = places.kept("variants").join(&self.name);
        let scratch = folder.join("workspace");
        let changed = self.apply(places.root())?;
        copy_workspace(places.root(), &scratch, &changed).or_cannot("copy the workspace to", &scratch)?;
        self.rename_version(places, &scratch)?;
        let scratch = Places { workspace: Workspace::at(scratch).with_target(places.target()?) };
        let built = scratch.build(Profile::Release, &[&self.stage])?;
        let copy = folder.join(format!("{}{EXE_SUFFIX}", self.stage));
        // Creates a new file, because a running binary cannot be overwritten.
        let _ = fs::remove_file(&copy);
        fs::copy(binary(&built, &self.stage)?, &copy).or_cannot("copy a binary to", &copy)?;
        Ok(copy)
    }

    /// Gives all crates of the copy another version. Cargo distinguishes crates of two workspaces by name and
    /// version, not by path: with the same version it would not rebuild the patched stage.
    fn rename_version(&self, places: &Places, scratch: &Path) -> Result<(), Failure> {
        let manifest = places.read("Cargo.toml")?;
        let own = concat!("version = \"", env!("CARGO_PKG_VERSION"), "\"");
        let renamed = format!("version = \"{}+{}\"", env!("CARGO_PKG_VERSION"), self.name);
        if manifest.matches(&format!("\n{own}\n")).count() != 1 {
            let problem = "the version in Cargo.toml was not found";
            return Err(Failure::new(problem, "git diff Cargo.toml"));
        }
        let copy = scratch.join("Cargo.toml");
        write_if_changed(&copy, manifest.replace(own, &renamed).as_bytes()).or_cannot("write", &copy)
    }

    /// Fails if a variant and its stage are the same binary, because a ratio of 1 would be wrong.
    pub(super) fn check(&self, variant: &Path, stage: &Path) -> Result<(), Failure> {
        let read = |file: &Path| fs::read(file).or_cannot("read", file);
        if read(variant)? == read(stage)? {
            let problem = format!("{} with {} is the same binary as without", self.stage, self.name);
            return Err(Failure::new(problem, format!("cargo clean -p {}", self.stage)));
        }
        Ok(())
    }
}

fn invalid(name: &str, why: &str) -> Failure {
    let patch = format!("lab/variants/{name}.patch");
    Failure::new(format!("{patch}: {why}"), format!("git diff {patch}"))
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
fn copy_workspace(from: &Path, to: &Path, changed: &[(String, String)]) -> io::Result<()> {
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

fn copy_folder(from: &Path, to: &Path, changed: &[(String, String)], inside: &Path) -> io::Result<()> {
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

fn write_if_changed(file: &Path, contents: &[u8]) -> io::Result<()> {
    if fs::read(file).ok().as_deref() != Some(contents) {
        fs::write(file, contents)?;
    }
    Ok(())
}
