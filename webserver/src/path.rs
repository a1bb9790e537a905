//! The file that the path of a request names: percent-decoded once, and checked.
//!
//! Invariant: segments are split first and then decoded, and each must be one plain name. A decoded slash, a `..`, a
//! drive or a backslash never reaches the file system.

use std::path::{Component, Path, PathBuf};

/// A path below the docroot, made of plain names only.
#[derive(Debug, PartialEq, Eq)]
pub struct FilePath {
    pub path: PathBuf,
    /// The path ended with a slash, so it can only name a folder.
    pub is_folder: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidPath {
    /// The percent-encoding is broken, or there is a NUL.
    Encoding,
    /// No file can have this path.
    NoFile,
}

impl FilePath {
    /// `path` starts with a slash, as that of an origin-form target does.
    pub fn decode(path: &str) -> Result<FilePath, InvalidPath> {
        let path = path.strip_prefix('/').ok_or(InvalidPath::NoFile)?;
        // All segments are decoded before any is checked: a broken escape is 400 whatever precedes it.
        let segments = path.split('/').map(decode).collect::<Result<Vec<_>, _>>()?;
        let (last, folders) = segments.split_last().ok_or(InvalidPath::NoFile)?;
        let is_folder = last.is_empty();
        let names = if is_folder { folders } else { &segments[..] };
        let mut path = PathBuf::new();
        for name in names {
            path.push(plain_name(name)?);
        }
        Ok(FilePath { path, is_folder })
    }
}

/// Percent-decodes a segment of a path, or the name of a parameter. RFC 3986 section 2.4: decoded once, after the split,
/// so that `%2F` does not separate any.
pub fn decode(segment: &str) -> Result<Vec<u8>, InvalidPath> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [byte, tail @ ..] = rest {
        let (byte, tail) = match (byte, tail) {
            (b'%', [high, low, tail @ ..]) => (hexadecimal(*high)? << 4 | hexadecimal(*low)?, tail),
            (b'%', _) => return Err(InvalidPath::Encoding),
            (byte, tail) => (*byte, tail),
        };
        if byte == 0 {
            // Many system calls would treat it as the end of the name.
            return Err(InvalidPath::Encoding);
        }
        decoded.push(byte);
        rest = tail;
    }
    Ok(decoded)
}

fn hexadecimal(digit: u8) -> Result<u8, InvalidPath> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).ok_or(InvalidPath::Encoding)
}

fn plain_name(segment: &[u8]) -> Result<&str, InvalidPath> {
    let name = std::str::from_utf8(segment).map_err(|_| InvalidPath::NoFile)?;
    // A backslash separates on Windows; refused everywhere, so that a folder serves the same paths everywhere.
    // On Windows a colon follows a drive, or the name of another stream of the same file.
    if name.contains('\\') || (cfg!(windows) && name.contains(':')) {
        return Err(InvalidPath::NoFile);
    }
    // An empty one, `.`, `..`, a root, a drive, or anything with a slash in it is not one plain component.
    let mut components = Path::new(name).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(only)), None) if only == name => Ok(name),
        _ => Err(InvalidPath::NoFile),
    }
}
