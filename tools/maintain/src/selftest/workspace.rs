//! Workspaces for the selftest, beside the real one. They share its dependencies and its target folder.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use course::stages;
use stage::Failure;

use lab::places::{OrCannot, Places, write_sources};
use lab::start;

/// The manifest of `work` and of the workspace, without other members. Path dependencies become absolute.
pub fn manifest(places: &Places) -> Result<String, Failure> {
    let root = places.root().canonicalize().or_cannot("find", places.root())?;
    // Backslashes would be escapes in TOML.
    let root = root.display().to_string().replace('\\', "/");
    let text = places.read("Cargo.toml")?;
    let lines = text.lines().map(|line| match line.starts_with("members") {
        true => "members = []".to_owned(),
        false => line.replace("{ path = \"", &format!("{{ path = \"{root}/")),
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// A workspace as an attendee has it at the start, so that the commands of the book change no user's work.
/// Everything but `work` is linked, including the target folder, so nothing is built twice.
pub fn of_an_attendee(places: &Places) -> Result<PathBuf, Failure> {
    let folder = places.kept("replay");
    // Removes the results of an earlier replay. Links are removed, but not their targets.
    let _ = fs::remove_dir_all(&folder);
    let first = stages().first().ok_or_else(|| Failure::new("there is no stage", "cargo lab list"))?;
    let work = start::patched(places, first, &first.tasks.iter().collect::<Vec<_>>())?;
    let mut files: BTreeMap<String, String> =
        work.into_iter().map(|(name, text)| (format!("work/src/{name}"), text)).collect();
    for name in ["Cargo.toml", "Cargo.lock"] {
        files.insert(name.to_owned(), places.read(name)?);
    }
    write_sources(&folder, &files)?;
    link_workspace(places.root(), &folder).or_cannot("link the workspace into", &folder)?;
    Ok(folder)
}

fn link_workspace(root: &Path, folder: &Path) -> io::Result<()> {
    for entry in root.read_dir()? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let link = folder.join(name);
        // Cargo and git find their own hidden folders in the parent folders.
        if !name.as_encoded_bytes().starts_with(b".") && !link.exists() {
            symlink(&path.canonicalize()?, &link)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn symlink(path: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(path, link)
}

/// The commands of the book are not replayed on this system.
#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
