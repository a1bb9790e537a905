//! Where the files of the book and of the crates are: in the workspace that this program was built in, whatever
//! the current folder. Where that is gone, the book is a copy within this program, and there are no sources.
//!
//! Whoever edits this: names come from requests. A file is opened only if it lies where it may, links followed.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of the book as they were when this program was built, by their names.
static EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/book.rs"));

/// The crates that are no stage, in the order of reading.
const OTHER_CRATES: [&str; 5] = ["codec", "stage", "stats-client", "webserver", "lab"];

/// The attendee's own crate.
const OWN_CRATE: &str = "work";

/// Far more than any source has: what is larger is not shown.
const MAX_SOURCE_BYTES: u64 = 1024 * 1024;

/// How deep the folders of a crate's sources may lie: a circle of links must end.
const MAX_DEPTH: usize = 8;

pub struct Workspace {
    /// `None`: there is no workspace at run time.
    root: Option<PathBuf>,
}

impl Workspace {
    /// The workspace that this program was built in.
    pub fn of_this_build() -> Workspace {
        Workspace::at(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
    }

    fn at(folder: &Path) -> Workspace {
        let root = fs::canonicalize(folder).ok();
        Workspace { root: root.filter(|root| root.join("docs/src/SUMMARY.md").is_file()) }
    }

    /// A file of the book. Read for each request, so that whoever writes the book sees each edit at once; the files
    /// are small.
    pub fn book_file(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        let Some(root) = &self.root else {
            return EMBEDDED.iter().find(|(other, _)| *other == name).map(|(_, file)| Cow::Borrowed(*file));
        };
        let folder = root.join("docs/src");
        fs::read(inside(&folder, &folder.join(name))?).ok().map(Cow::Owned)
    }

    pub fn book_text(&self, name: &str) -> Option<String> {
        String::from_utf8(self.book_file(name)?.into_owned()).ok()
    }

    /// The latest benchmark report, a page of its own.
    pub fn report(&self) -> Option<String> {
        fs::read_to_string(self.root.as_ref()?.join("target/lab/bench/latest.html")).ok()
    }

    /// The stages that there are: `part1`, `part2` ..., and the attendee's own crate at the end.
    pub fn stages(&self) -> Vec<String> {
        let numbered = (1..).map(|number| format!("part{number}")).take_while(|name| self.has_sources(name));
        let own = Some(OWN_CRATE.to_owned()).filter(|name| self.has_sources(name));
        numbered.chain(own).collect()
    }

    /// All crates whose sources are shown.
    pub fn crates(&self) -> Vec<String> {
        let others = OTHER_CRATES.iter().filter(|name| self.has_sources(name));
        self.stages().into_iter().chain(others.map(|name| (*name).to_owned())).collect()
    }

    fn has_sources(&self, crate_name: &str) -> bool {
        self.root.as_ref().is_some_and(|root| root.join(crate_name).join("src").is_dir())
    }

    /// The names of the files below a crate's `src`, sorted.
    pub fn source_names(&self, crate_name: &str) -> Vec<String> {
        let mut names = Vec::new();
        if let Some(root) = &self.root {
            collect_names(&root.join(crate_name).join("src"), "", MAX_DEPTH, &mut names);
        }
        names.sort();
        names
    }

    /// A text file of one of the crates: its `Cargo.toml`, or what lies below its `src`.
    pub fn source(&self, crate_name: &str, name: &str) -> Option<String> {
        if !self.crates().iter().any(|other| other == crate_name) {
            return None;
        }
        let folder = self.root.as_ref()?.join(crate_name);
        let path = if name == "Cargo.toml" {
            inside(&folder, &folder.join(name))?
        } else {
            let sources = folder.join("src");
            inside(&sources, &sources.join(name.strip_prefix("src/")?))?
        };
        let metadata = fs::metadata(&path).ok()?;
        let is_shown = metadata.is_file() && metadata.len() <= MAX_SOURCE_BYTES;
        if is_shown { fs::read_to_string(path).ok() } else { None }
    }
}

/// The path without links, if it lies below the folder.
fn inside(folder: &Path, path: &Path) -> Option<PathBuf> {
    let (folder, path) = (fs::canonicalize(folder).ok()?, fs::canonicalize(path).ok()?);
    path.starts_with(folder).then_some(path)
}

fn collect_names(folder: &Path, prefix: &str, depth: usize, names: &mut Vec<String>) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.path().is_dir() {
            true => collect_names(&entry.path(), &format!("{name}/"), depth, names),
            false => names.push(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Workspace;
    use std::path::Path;

    #[test]
    fn without_a_workspace_the_book_is_a_copy_and_there_are_no_sources() {
        let (gone, here) = (Workspace::at(Path::new("/no such folder")), Workspace::of_this_build());
        for name in ["SUMMARY.md", "index.md", "images/request-path.svg"] {
            assert_eq!(gone.book_file(name), here.book_file(name), "{name}");
            assert!(gone.book_file(name).is_some(), "{name}");
        }
        assert!(gone.book_file("../book.toml").is_none() && here.book_file("../book.toml").is_none());
        assert!(gone.crates().is_empty() && gone.source("part1", "src/main.rs").is_none());
        assert!(here.crates().len() >= 10 && here.source("part1", "src/main.rs").is_some());
    }
}
