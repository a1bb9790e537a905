//! The paths of the workspace, the attendee's crate, and the files that the tool stores between commands.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::new_files::NewFiles;
use crate::sources;
use stage::{Failure, OrTry};
use testkit::{Binaries, Profile, Workspace};

/// What to try if something is wrong with the machine.
pub const DOCTOR: &str = "cargo lab doctor";

/// Names the file in the failure of an operation on it.
pub trait OrCannot<T> {
    /// `what` cannot be done with the file or folder, such as `read`.
    ///
    /// # Errors
    /// The failure in place of the error.
    fn or_cannot(self, what: &str, path: &Path) -> Result<T, Failure>;
}

impl<T> OrCannot<T> for io::Result<T> {
    fn or_cannot(self, what: &str, path: &Path) -> Result<T, Failure> {
        let path = path.display();
        self.map_err(|error| {
            Failure::new(format!("cannot {what} {path}: {error}"), format!("ls -ld {path}, or {DOCTOR}"))
        })
    }
}

/// The binary of that name.
pub fn binary<'a>(binaries: &'a Binaries, name: &str) -> Result<&'a Path, Failure> {
    binaries.path(name).or_try(format!("cargo build -p {name}"))
}

/// The highest number of a stage.
pub fn newest_stage(workspace: &Workspace) -> Result<u32, Failure> {
    let none = || Failure::new("the workspace has no stage", DOCTOR);
    workspace.stages().pop().ok_or_else(none)
}

/// The workspace and the files that the tool stores in it.
pub struct Places {
    pub workspace: Workspace,
}

impl Places {
    /// The places of the workspace in which the command runs.
    pub fn find() -> Result<Places, Failure> {
        let workspace = Workspace::find().or_try("cd to the workshop's folder")?;
        Ok(Places { workspace })
    }

    /// The folder of the workspace.
    pub fn root(&self) -> &Path {
        self.workspace.root()
    }

    /// Builds the binaries of packages, and shows the output of cargo.
    pub fn build(&self, profile: Profile, packages: &[impl AsRef<str>]) -> Result<Binaries, Failure> {
        self.workspace.build(profile, packages).or_try("do what cargo says above")
    }

    /// As [`Places::build`]; `None` if a package does not build.
    pub fn try_build(
        &self,
        profile: Profile,
        packages: &[impl AsRef<str>],
    ) -> Result<Option<Binaries>, Failure> {
        self.workspace.try_build(profile, packages).or_try(DOCTOR)
    }

    /// The target folder of cargo.
    pub fn target(&self) -> Result<PathBuf, Failure> {
        self.workspace.target().or_try("cargo metadata")
    }

    /// The path of a stored file or folder, outside the target folder: `cargo clean` must not remove work.
    pub fn kept(&self, name: &str) -> PathBuf {
        self.root().join(".lab").join(name)
    }

    /// The path of a stored folder, which is emptied.
    pub fn empty(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.kept(name);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).or_cannot("remove", &folder)?
            }
            _ => Ok(folder),
        }
    }

    /// The text of a file of the workspace.
    pub fn read(&self, name: &str) -> Result<String, Failure> {
        let path = self.root().join(name);
        fs::read_to_string(&path).or_cannot("read", &path)
    }

    /// The source folder of a stage.
    pub fn stage_sources(&self, number: u32) -> PathBuf {
        self.root().join(format!("part{number}/src"))
    }

    pub fn work_sources(&self) -> PathBuf {
        self.root().join("work/src")
    }

    /// A path for display: relative to the workspace if it is inside.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.root()).unwrap_or(path).display().to_string().replace('\\', "/")
    }
}

/// The source files below a folder, by name, with their text.
pub fn read_sources(folder: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let files = sources::files(folder).or_cannot("read", folder)?;
    let read = |(name, path): (String, PathBuf)| {
        let text = fs::read_to_string(&path).or_cannot("read", &path)?;
        Ok((name, text))
    };
    files.into_iter().map(read).collect()
}

/// Writes files below a folder: all of them, or none if one cannot be written.
pub fn write_sources(folder: &Path, files: &BTreeMap<String, String>) -> Result<(), Failure> {
    let written = NewFiles::write(folder, files).and_then(NewFiles::put_in_place);
    written.or_try(format!("ls -ld {}, or {DOCTOR}", folder.display()))
}

/// As [`write_sources`], into a folder whose source files were `read` before. Fails if they have changed since. `kept`
/// is the backup that a failure names.
pub fn replace_sources(
    folder: &Path,
    read: &BTreeMap<String, String>,
    files: &BTreeMap<String, String>,
    kept: &str,
) -> Result<(), Failure> {
    let next = |advice: &str| format!("{advice}. The files as they were are in {kept}: cargo lab restore");
    let new = NewFiles::write(folder, files).or_try(next(DOCTOR))?;
    if read_sources(folder)? != *read {
        let problem = format!("{} has changed meanwhile, so nothing is written", folder.display());
        return Err(Failure::new(problem, "the same command again"));
    }
    new.put_in_place().or_try(next(DOCTOR))
}

/// The date and the time of day in UTC; the standard library has no time zones.
pub fn date_and_time(time: SystemTime) -> (String, String) {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // The calculation starts years in March, so that a leap day is the last day of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let time = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    (format!("{year}{month:02}{day:02}"), time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_saved_since_it_was_read_is_not_replaced() {
        let folder = std::env::temp_dir().join(format!("lab-replace-{}", std::process::id()));
        let files = |text: &str| BTreeMap::from([("main.rs".to_owned(), text.to_owned())]);
        write_sources(&folder, &files("saved")).unwrap();
        let refused = replace_sources(&folder, &files("read"), &files("merged"), "").unwrap_err().to_string();
        assert!(refused.ends_with("so nothing is written. Try: the same command again"), "{refused}");
        assert_eq!(read_sources(&folder).unwrap(), files("saved"));
        replace_sources(&folder, &files("saved"), &files("merged"), "").unwrap();
        assert_eq!(read_sources(&folder).unwrap(), files("merged"));
        let left: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["main.rs"]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn dates_around_29_february_are_correct() {
        for (seconds, date, time) in [
            (0, "19700101", "00:00:00"),
            (951_782_399, "20000228", "23:59:59"),
            (951_782_400, "20000229", "00:00:00"),
            (1_709_251_199, "20240229", "23:59:59"),
            (1_735_689_599, "20241231", "23:59:59"),
            (4_107_542_400, "21000301", "00:00:00"),
        ] {
            let told = date_and_time(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(told, (date.to_owned(), time.to_owned()));
        }
    }
}
