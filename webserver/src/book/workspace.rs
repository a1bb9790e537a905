//! Where the files of the book and of the crates are: in the workspace in which this program was started. Outside of a
//! workspace, the book is a copy in this program, and there are no sources.
//!
//! Invariant: names come from requests, so a file is opened only if it is inside its folder after all links are
//! followed.

use std::borrow::Cow;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of the book as they were when this program was built, by their names.
static EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/book.rs"));

/// The crates that are not stages, in the order of reading.
const OTHER_CRATES: [&str; 5] = ["codec", "stage", "stats-client", "webserver", "lab"];

/// The attendee's own crate.
const OWN_CRATE: &str = "work";

/// Far more than any source has. Larger files are not shown.
const MAX_SOURCE_BYTES: u64 = 1024 * 1024;

pub struct Workspace {
    /// `None` if there is no workspace at run time.
    root: Option<PathBuf>,
}

impl Workspace {
    /// The workspace around the package that `cargo run` or `cargo test` runs, or else around the current folder.
    ///
    /// Not the one that this program was built in: two checkouts may share a target folder.
    pub fn find() -> Workspace {
        let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let from = package.or_else(|| env::current_dir().ok()).unwrap_or_default();
        let found = from.ancestors().map(Workspace::at).find(|workspace| workspace.root.is_some());
        found.unwrap_or(Workspace { root: None })
    }

    fn at(folder: &Path) -> Workspace {
        let root = fs::canonicalize(folder).ok();
        Workspace { root: root.filter(|root| root.join("docs/src/SUMMARY.md").is_file()) }
    }

    /// A file of the book. Read for each request, so that an author sees each edit at once; the files are small.
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
        fs::read_to_string(self.root.as_ref()?.join(".lab/bench/latest.html")).ok()
    }

    /// The stages: `part1`, `part2` ..., and the attendee's own crate at the end.
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

    /// The names of the files below a crate's `src` that can be shown, sorted.
    pub fn source_names(&self, crate_name: &str) -> Vec<String> {
        let mut names = Vec::new();
        if let Some(root) = &self.root {
            let sources = root.join(crate_name).join("src");
            collect_names(&sources, "", &mut names);
            names.retain(|name| shown(&sources, name).is_some());
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
            shown(&folder, name)?
        } else {
            shown(&folder.join("src"), name.strip_prefix("src/")?)?
        };
        fs::read_to_string(path).ok()
    }
}

/// The path without links, if it lies below the folder.
fn inside(folder: &Path, path: &Path) -> Option<PathBuf> {
    let (folder, path) = (fs::canonicalize(folder).ok()?, fs::canonicalize(path).ok()?);
    path.starts_with(folder).then_some(path)
}

/// The path of a source, if it is a file below the folder that is not too large.
fn shown(folder: &Path, name: &str) -> Option<PathBuf> {
    let path = inside(folder, &folder.join(name))?;
    let metadata = fs::metadata(&path).ok()?;
    (metadata.is_file() && metadata.len() <= MAX_SOURCE_BYTES).then_some(path)
}

/// Links to folders are not followed, so a cycle of them ends.
fn collect_names(folder: &Path, prefix: &str, names: &mut Vec<String>) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        match entry.file_type().is_ok_and(|file_type| file_type.is_dir()) {
            true => collect_names(&entry.path(), &format!("{name}/"), names),
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
        let (gone, here) = (Workspace::at(Path::new("/no such folder")), Workspace::find());
        for name in ["SUMMARY.md", "index.md", "images/request-path.svg"] {
            assert_eq!(gone.book_file(name), here.book_file(name), "{name}");
            assert!(gone.book_file(name).is_some(), "{name}");
        }
        assert!(gone.book_file("../book.toml").is_none() && here.book_file("../book.toml").is_none());
        assert!(gone.crates().is_empty() && gone.source("part1", "src/main.rs").is_none());
        assert!(here.crates().len() >= 10 && here.source("part1", "src/main.rs").is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_source_that_cannot_be_shown_is_not_listed() {
        use std::fs::{create_dir_all, remove_dir_all, write};
        use std::os::unix::fs::symlink;

        let root = std::env::temp_dir().join(format!("webserver-sources-{}", std::process::id()));
        let sources = root.join("work/src");
        create_dir_all(sources.join("folder")).unwrap();
        create_dir_all(root.join("docs/src")).unwrap();
        for file in ["docs/src/SUMMARY.md", "outside.rs", "work/src/main.rs", "work/src/folder/a.rs"] {
            write(root.join(file), "").unwrap();
        }
        for (target, link) in [
            // An editor marks an open file with a dangling link.
            ("name@host.1234", ".#main.rs"),
            ("loop.rs", "loop.rs"),
            ("../../outside.rs", "outside.rs"),
            (".", "circle"),
            ("main.rs", "link.rs"),
        ] {
            symlink(target, sources.join(link)).unwrap();
        }
        let workspace = Workspace::at(&root);
        let names = workspace.source_names("work");
        assert_eq!(names, ["folder/a.rs", "link.rs", "main.rs"]);
        assert!(names.iter().all(|name| workspace.source("work", &format!("src/{name}")).is_some()));
        remove_dir_all(&root).unwrap();
    }
}
