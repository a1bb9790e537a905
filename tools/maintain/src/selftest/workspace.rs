//! Workspaces beside the real one, made for the selftest: they share its dependencies and its target folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use lab::tasks::stages;

use lab::places::{Places, read_sources, write_sources};
use lab::start;

/// The manifest of the workspace, with one member of its own: the others are meant by their full paths.
pub fn manifest(places: &Places, member: &str) -> anyhow::Result<String> {
    let root = places.workspace.canonicalize().context("cannot tell where the workspace is")?;
    // Backslashes would be escapes in TOML.
    let root = root.display().to_string().replace('\\', "/");
    let text = places.read("Cargo.toml")?;
    let lines = text.lines().map(|line| match line.starts_with("members") {
        true => format!("members = [\"{member}\"]"),
        false => line.replace("path = \"", &format!("path = \"{root}/")),
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// A workspace as an attendee has it in the beginning, so that the commands of the book touch no work of anybody.
pub fn of_an_attendee(places: &Places) -> anyhow::Result<PathBuf> {
    let folder = places.kept.join("replay");
    // What an earlier replay has done must not be seen.
    let _ = fs::remove_dir_all(&folder);
    let mut files = BTreeMap::new();
    for stage in stages() {
        let sources = read_sources(&places.workspace.join(stage.reference()).join("src"))?;
        files.extend(
            sources.into_iter().map(|(name, text)| (format!("{}/src/{name}", stage.reference()), text)),
        );
    }
    let first = stages().first().context("there is no stage")?;
    let work = start::patched(places, first, &first.tasks.iter().collect::<Vec<_>>())?;
    files.extend(work.into_iter().map(|(name, text)| (format!("work/src/{name}"), text)));
    files.insert("work/Cargo.toml".to_owned(), places.read("work/Cargo.toml")?);
    files.insert("Cargo.toml".to_owned(), manifest(places, "work")?);
    files.insert("Cargo.lock".to_owned(), places.read("Cargo.lock")?);
    write_sources(&folder, &files)?;
    Ok(folder)
}
