//! The source files of a crate: the `*.rs` files that Cargo would build.
//!
//! Other files of editors are ignored: swap files, backups and dangling lock links. Their names begin with a
//! dot or do not end with `.rs`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// The source files below `folder`: name, with `/` as separator, -> path.
///
/// A link to a file counts as the file. A link to a folder is not followed, so that cyclic links end.
///
/// # Errors
/// A folder cannot be read.
pub fn files(folder: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for entry in folder.read_dir()? {
        let (entry, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
        // The name of a module is always UTF-8.
        let Some(name) = path.file_name().and_then(OsStr::to_str).filter(|name| !name.starts_with('.'))
        else {
            continue;
        };
        if entry?.is_dir() {
            let inner = files(&path)?;
            found.extend(inner.into_iter().map(|(rest, path)| (format!("{name}/{rest}"), path)));
        } else if path.extension() == Some(OsStr::new("rs")) && path.is_file() {
            found.insert(name.to_owned(), path.clone());
        }
    }
    Ok(found)
}
