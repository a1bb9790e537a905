//! Keeps what `cargo lab start`, `next`, `solve` and `restore` replace in work/src.
//!
//! Invariant: every replaced byte is in a backup before it is replaced, and no backup is ever changed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::sources;
use stage::Failure;

use crate::places::{OrCannot, date_and_time};

/// The name of the folder of the sources, and of a link in place of it.
const SOURCES: &str = "src";
/// What separates the time in the name of a backup from the stage that work/ was at.
const STAGE: &str = "-stage";

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
/// The folder itself stays, so that a shell in it keeps its directory. A link or a file is moved itself. All is
/// renamed and not copied, so that every byte and link is kept.
fn move_away(folder: &Path, backups: &Path, stage: u32) -> Result<Option<PathBuf>, Failure> {
    let paths = match folder.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => entries(folder).or_cannot("read", folder)?,
        Ok(_) => vec![folder.to_owned()],
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).or_cannot("read", folder),
    };
    if paths.is_empty() {
        return Ok(None);
    }
    let backup = new_folder(backups, stage).or_cannot("make a folder in", backups)?;
    if let Err(failure) = rename_into(&paths, &backup) {
        // Empty again, so that `restore` does not take it for a backup.
        let _ = fs::remove_dir(&backup);
        return Err(failure);
    }
    Ok(Some(backup))
}

/// Replaces the contents of a folder, or what stands in place of it or of the folder above, by those of `new`. Returns
/// the backup of what was there. If `new` contains a link in place of the folder, that takes its place again.
pub fn replace(
    replaced: &Path,
    folder: &Path,
    new: &Path,
    backups: &Path,
    stage: u32,
) -> Result<Option<PathBuf>, Failure> {
    let backup = move_away(replaced, backups, stage)?;
    fs::create_dir_all(folder).or_cannot("make", folder)?;
    let paths = entries(new).or_cannot("read", new)?;
    match &paths[..] {
        [link] if link.ends_with(SOURCES) && link.is_symlink() => {
            let put_back = fs::remove_dir(folder).and_then(|()| fs::rename(link, folder));
            put_back.or_cannot("put a link in place of", folder)?;
        }
        _ => rename_into(&paths, folder)?,
    }
    Ok(backup)
}

/// Renames all paths into a folder. If one cannot be renamed, none is.
fn rename_into(paths: &[PathBuf], folder: &Path) -> Result<(), Failure> {
    let place = |path: &Path| folder.join(path.file_name().unwrap_or_default());
    for (index, path) in paths.iter().enumerate() {
        if let Err(error) = fs::rename(path, place(path)) {
            for moved in &paths[..index] {
                // It was there just before, so this fails only if another program interferes.
                let _ = fs::rename(place(moved), moved);
            }
            let problem = format!("cannot move {} to {}: {error}", path.display(), place(path).display());
            return Err(Failure::new(problem, "close the program that uses it, then repeat the command"));
        }
    }
    Ok(())
}

/// The paths in a folder, sorted.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths =
        folder.read_dir()?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort_unstable();
    Ok(paths)
}

/// Copies the files of a folder to a new folder below `backups`, and returns it.
pub fn copy(folder: &Path, backups: &Path, stage: u32) -> Result<PathBuf, Failure> {
    let backup = new_folder(backups, stage).or_cannot("make a folder in", backups)?;
    let copied = copy_files(folder, &backup);
    if copied.is_err() {
        // Half of a backup must not be restored.
        let _ = fs::remove_dir_all(&backup);
    }
    copied.or_cannot("copy", folder)?;
    Ok(backup)
}

/// Copies the files below a folder into another one. Links are copied as links.
pub fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in from.read_dir()? {
        let entry = entry?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type()? {
            kind if kind.is_dir() => copy_files(&path, &copy)?,
            kind if kind.is_symlink() => copy_link(&path, &copy)?,
            kind if kind.is_file() => drop(fs::copy(&path, &copy)?),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(unix)]
fn copy_link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(fs::read_link(from)?, to)
}

/// Few users of Windows may make links.
#[cfg(not(unix))]
fn copy_link(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_file() {
        fs::copy(from, to)?;
    }
    Ok(())
}

/// The names of all backups with source files or links to them, the newest first.
pub fn names(backups: &Path) -> Vec<String> {
    let entries = backups.read_dir().into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| has_sources(&backups.join(name)));
    // They begin with the time.
    names.sort_unstable_by(|one, other| other.cmp(one));
    names
}

/// Whether a backup has source files or links to them. A relative link leads nowhere from there.
fn has_sources(backup: &Path) -> bool {
    let is_link = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        path.is_symlink() && (name == SOURCES || name.ends_with(".rs") && !name.starts_with('.'))
    };
    sources::files(backup).is_ok_and(|files| !files.is_empty())
        || entries(backup).is_ok_and(|paths| paths.iter().any(is_link))
}

/// The stage that work/ was at; `None` in a name from an older version.
pub fn stage_of(name: &str) -> Option<u32> {
    name.rsplit_once(STAGE)?.1.parse().ok()
}

/// Creates a folder that is named after the time and the stage.
fn new_folder(backups: &Path, stage: u32) -> io::Result<PathBuf> {
    fs::create_dir_all(backups)?;
    loop {
        let now = SystemTime::now();
        let (date, time) = date_and_time(now);
        let milliseconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().subsec_millis();
        let folder =
            backups.join(format!("{date}-{}-{milliseconds:03}{STAGE}{stage}", time.replace(':', "")));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            // Another one of this millisecond.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn if_one_file_cannot_be_moved_none_is_and_no_backup_is_left() {
        /// The longest path, and the end of it in which a backup and a short name fit, and no long name.
        const PATH_MAX: usize = 4096;
        const REST: usize = 150;
        let root = std::env::temp_dir().join(format!("lab-backup-{}", std::process::id()));
        let folder = root.join("src");
        fs::create_dir_all(&folder).unwrap();
        let names = ["a".to_owned(), "b".to_owned(), "c".repeat(REST)];
        names.iter().for_each(|name| fs::write(folder.join(name), name).unwrap());
        let mut backups = root.clone();
        while backups.as_os_str().len() < PATH_MAX - REST {
            backups.push("d".repeat(REST / 3));
        }
        let failure = move_away(&folder, &backups, 1).unwrap_err().to_string();
        assert!(failure.starts_with("cannot move "), "{failure}");
        for name in &names {
            assert_eq!(&fs::read_to_string(folder.join(name)).unwrap(), name);
        }
        assert_eq!(backups.read_dir().unwrap().count(), 0, "an empty backup");
        fs::remove_dir_all(&root).unwrap();
    }
}
