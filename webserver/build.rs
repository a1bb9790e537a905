//! Lists all files of the book, so that a binary that was moved away from the workspace still has it.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const BOOK: &str = "../docs/src";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={BOOK}");
    let mut files = Vec::new();
    collect(Path::new(BOOK), "", &mut files)?;
    files.sort();
    let mut list = String::from("&[\n");
    for (name, path) in files {
        let path = fs::canonicalize(path)?;
        list += &format!("    ({name:?}, include_bytes!({path:?})),\n");
    }
    list += "]\n";
    let folder = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(Path::new(&folder).join("book.rs"), list)
}

/// The files below a folder, each with its name relative to the book.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.file_type()?.is_dir() {
            true => collect(&entry.path(), &format!("{name}/"), files)?,
            false => files.push((name, entry.path())),
        }
    }
    Ok(())
}
