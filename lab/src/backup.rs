//! Keeps the files that `cargo lab start` replaces.
//!
//! Invariant: replaced files are renamed and never copied or deleted, so every byte and link is kept.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::sources;
use stage::Failure;

use crate::places::{OrCannot, date_and_time};

/// Whether a folder contains exactly these source files. Files that Cargo does not build are ignored.
pub fn holds(folder: &Path, files: &BTreeMap<String, String>) -> bool {
    let Ok(found) = sources::files(folder) else {
        return false;
    };
    let is_same = |((name, path), (wanted, text)): ((&String, &PathBuf), (&String, &String))| {
        name == wanted && fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes())
    };
    found.len() == files.len() && found.iter().zip(files).all(is_same)
}

/// Moves the contents of a folder to a new folder below `backups` and returns it; `None` if it is empty.
///
/// The folder itself stays, so that a shell in it keeps its directory. A link or a file is moved itself.
pub fn move_away(folder: &Path, backups: &Path) -> Result<Option<PathBuf>, Failure> {
    let paths = match folder.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => {
            let entries = folder.read_dir().or_cannot("read", folder)?;
            let paths: io::Result<_> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
            paths.or_cannot("read", folder)?
        }
        Ok(_) => vec![folder.to_owned()],
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).or_cannot("read", folder),
    };
    if paths.is_empty() {
        return Ok(None);
    }
    let backup = new_folder(backups).or_cannot("make a folder in", backups)?;
    for path in paths {
        let kept = backup.join(path.file_name().unwrap_or_default());
        fs::rename(&path, &kept).map_err(|error| {
            let (path, kept) = (path.display(), kept.display());
            let problem = format!("cannot move {path} to {kept}: {error}");
            Failure::new(problem, "to close what uses it, then: cargo lab start")
        })?;
    }
    Ok(Some(backup))
}

/// Creates a folder that is named after the time. Two folders within a second get different names.
fn new_folder(backups: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(backups)?;
    let (date, time) = date_and_time(SystemTime::now());
    let stamp = format!("{date}-{}", time.replace(':', ""));
    let mut number = 0;
    loop {
        let name = if number == 0 { stamp.clone() } else { format!("{stamp}-{number}") };
        let folder = backups.join(name);
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}
