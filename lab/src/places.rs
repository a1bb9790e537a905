//! Where things are: the workspace, the attendee's crate, and what the tool keeps between two commands.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::sources;
use anyhow::Context;

/// Another workspace than the one that the tool was built in: for its own tests, and the selftest.
pub const OTHER_WORKSPACE: &str = "LAB_WORKSPACE";

pub struct Places {
    pub workspace: PathBuf,
    /// Where cargo puts what it builds.
    pub target: PathBuf,
    /// What the tool keeps, until `cargo clean`.
    pub kept: PathBuf,
}

impl Places {
    pub fn new() -> anyhow::Result<Places> {
        let own = env::current_exe().context("cannot tell where this binary is")?;
        // It stands in a folder of the target folder, as target/debug.
        let target = own.parent().and_then(Path::parent).context("this binary is in no target folder")?;
        let target = target.to_owned();
        Ok(match env::var_os(OTHER_WORKSPACE) {
            Some(other) => {
                Places { kept: Path::new(&other).join("target/lab"), workspace: other.into(), target }
            }
            None => {
                let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
                Places { workspace, kept: target.join("lab"), target }
            }
        })
    }

    /// The text of a file of the workspace.
    pub fn read(&self, name: &str) -> anyhow::Result<String> {
        let path = self.workspace.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    pub fn work_sources(&self) -> PathBuf {
        self.workspace.join("work/src")
    }

    /// The attendee's work that `start` has replaced. Outside of the target folder: `cargo clean` must not remove it.
    pub fn backups(&self) -> PathBuf {
        self.workspace.join(".lab/backup")
    }

    /// A path as an attendee knows it.
    pub fn shown(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.kept).map(|rest| Path::new("target/lab").join(rest));
        let inside = inside.or_else(|_| path.strip_prefix(&self.workspace).map(Path::to_owned));
        inside.unwrap_or_else(|_| path.to_owned()).display().to_string().replace('\\', "/")
    }
}

/// The source files below a folder, by name, with their text.
pub fn read_sources(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let files = sources::files(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let read = |(name, path): (String, PathBuf)| {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok((name, text))
    };
    files.into_iter().map(read).collect()
}

/// Writes files below a folder; one that has the text already is left alone, so that nothing is built again.
pub fn write_sources(folder: &Path, files: &BTreeMap<String, String>) -> anyhow::Result<()> {
    for (name, text) in files {
        let path = folder.join(name);
        if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            continue;
        }
        let parent = path.parent().unwrap_or(folder);
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text));
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The time of day, and the date before it, in UTC: the standard library knows no other.
pub fn date_and_time(time: SystemTime) -> (String, String) {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years are taken to begin in March: then the day that some of them lack is their last.
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
    fn days_are_told_around_the_29th_of_february() {
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
