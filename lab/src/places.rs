//! The paths of the workspace, the attendee's crate, and the files that the tool stores between commands.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// Writes files below a folder. A file that already has this text is not written, so that nothing is rebuilt.
pub fn write_sources(folder: &Path, files: &BTreeMap<String, String>) -> Result<(), Failure> {
    for (name, text) in files {
        let path = folder.join(name);
        if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            continue;
        }
        let parent = path.parent().unwrap_or(folder);
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text));
        written.or_cannot("write", &path)?;
    }
    Ok(())
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
