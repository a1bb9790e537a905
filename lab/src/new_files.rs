//! Files that replace others at once: they are first written beside them.
//!
//! Invariant: no file is replaced before all are written.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Files that are written and not yet in place. Those that never get there are removed on drop.
#[derive(Default)]
pub struct NewFiles {
    /// Where each is now, and its place.
    files: Vec<(PathBuf, PathBuf)>,
}

impl NewFiles {
    /// Writes files below a folder, beside those that they are to replace. A file that already has its text is left
    /// out, so that nothing is rebuilt.
    ///
    /// # Errors
    /// A file cannot be written; the message names it.
    pub fn write(folder: &Path, files: &BTreeMap<String, String>) -> io::Result<NewFiles> {
        let mut new = NewFiles::default();
        for (name, text) in files {
            let place = folder.join(name);
            if fs::read(&place).is_ok_and(|old| old == text.as_bytes()) {
                continue;
            }
            let parent = place.parent().unwrap_or(folder);
            // Hidden, so that neither cargo nor `sources` reads it.
            let hidden = parent.join(format!(".{}.new", place.file_name().unwrap_or_default().display()));
            new.files.push((hidden.clone(), place.clone()));
            let written = fs::create_dir_all(parent).and_then(|()| fs::write(hidden, text));
            written.map_err(|error| cannot_write(&place, &error))?;
        }
        Ok(new)
    }

    /// Puts each file in its place. A link there is replaced, and not what it points to.
    ///
    /// # Errors
    /// A file cannot be renamed, as in a folder of this name; the message names it.
    pub fn put_in_place(self) -> io::Result<()> {
        self.files.iter().try_for_each(|(hidden, place)| {
            fs::rename(hidden, place).map_err(|error| cannot_write(place, &error))
        })
    }
}

impl Drop for NewFiles {
    fn drop(&mut self) {
        for (hidden, _) in &self.files {
            // Fails for a file that is in its place.
            let _ = fs::remove_file(hidden);
        }
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
}
