//! Finds and opens the file of a path below `--docroot`.
//!
//! Invariant: a file is opened only if it is below the root after all links are followed.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mime_guess::mime;

use crate::content::Content;
use crate::path::FilePath;
use crate::representation::Representation;
use crate::validators::Validators;

/// The error code for a loop of links: ELOOP, or on Windows ERROR_CANT_RESOLVE_FILENAME. Its `ErrorKind` has no stable
/// name.
const LINK_LOOP: i32 = match () {
    () if cfg!(windows) => 1921,
    () if cfg!(any(target_os = "linux", target_os = "android")) => 40,
    // macOS and the BSDs.
    () => 62,
};

/// The file that is sent for a folder.
const INDEX: &str = "index.html";

#[derive(Debug)]
pub struct Docroot {
    /// Canonical: absolute, without links.
    root: PathBuf,
}

/// The result of opening a path.
#[derive(Debug)]
pub enum Opened {
    File(Representation),
    /// A folder, and the path had no slash at its end.
    Folder,
    Nothing,
}

impl Docroot {
    /// # Errors
    /// There is no folder at `path`.
    pub fn new(path: &Path) -> io::Result<Docroot> {
        let root = fs::canonicalize(path)?;
        if fs::metadata(&root)?.is_dir() {
            Ok(Docroot { root })
        } else {
            Err(ErrorKind::NotADirectory.into())
        }
    }

    /// # Errors
    /// Errors of the system other than that the file does not exist.
    pub async fn open(&'static self, path: FilePath) -> io::Result<Opened> {
        // A disk may block, so the file is opened on a thread that serves no clients.
        match tokio::task::spawn_blocking(move || self.open_blocking(&path)).await? {
            Err(error) if is_absence(&error) => Ok(Opened::Nothing),
            opened => opened,
        }
    }

    fn open_blocking(&self, path: &FilePath) -> io::Result<Opened> {
        let mut found = self.inside(&self.root.join(&path.path))?;
        if fs::metadata(&found)?.is_dir() {
            if !path.is_folder {
                return Ok(Opened::Folder);
            }
            found = self.inside(&found.join(INDEX))?;
        } else if path.is_folder {
            return Ok(Opened::Nothing);
        }
        // Checked before the file is opened, because opening a pipe would wait for a writer.
        if !fs::metadata(&found)?.is_file() {
            return Ok(Opened::Nothing);
        }
        let file = File::open(&found)?;
        // The metadata of the opened file: the name may belong to another file by now.
        let metadata = file.metadata()?;
        Ok(Opened::File(Representation {
            length: metadata.len(),
            media_type: media_type(&found),
            validators: Validators::of_file(metadata.len(), metadata.modified().ok()),
            content: Content::File(Arc::new(file)),
        }))
    }

    /// The path without links, if it lies below the root.
    fn inside(&self, path: &Path) -> io::Result<PathBuf> {
        let path = fs::canonicalize(path)?;
        if path.starts_with(&self.root) { Ok(path) } else { Err(ErrorKind::NotFound.into()) }
    }
}

/// RFC 9110 section 15.5.5: 404 also for files that exist and must not be shown.
fn is_absence(error: &io::Error) -> bool {
    use ErrorKind::{InvalidFilename, IsADirectory, NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory | PermissionDenied | InvalidFilename)
        || error.raw_os_error() == Some(LINK_LOOP)
}

fn media_type(path: &Path) -> Cow<'static, str> {
    let media_type = mime_guess::from_path(path).first_or_octet_stream();
    if media_type.type_() == mime::TEXT {
        // RFC 9110 section 8.3.2: without it a recipient guesses.
        return Cow::Owned(format!("{}; charset=utf-8", media_type.essence_str()));
    }
    Cow::Owned(media_type.essence_str().to_owned())
}
