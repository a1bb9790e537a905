//! The environment of a measurement. Figures without it mean nothing a week later.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

/// The known facts, in the order in which they are shown.
pub(super) struct Environment {
    /// The time in UTC, as a file name that is not used yet.
    pub(super) time: String,
    pub(super) entries: Vec<(&'static str, String)>,
}

impl Environment {
    pub(super) fn new(workspace: &Path, folder: &Path) -> Environment {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut time = file_name_of(time);
        // Two runs can start within one second: an invalid run is short.
        while folder.join(format!("{time}.json")).exists() {
            time.push('b');
        }
        let cores = available_parallelism().map_or_else(|_| "unknown".to_owned(), |cores| cores.to_string());
        let mut entries = vec![
            ("time", time.clone()),
            ("system", format!("{} {}", env::consts::OS, env::consts::ARCH)),
            ("cores", cores),
        ];
        let processor = first_value("/proc/cpuinfo", "model name");
        entries.extend(processor.map(|processor| ("processor", processor)));
        let load = fs::read_to_string("/proc/loadavg").ok();
        let load = load.and_then(|load| load.split(' ').next().map(str::to_owned));
        // Other load on the machine affects the figures.
        entries.extend(load.map(|load| ("load average before", load)));
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        entries.extend(output(Command::new(rustc).arg("--version")).map(|rustc| ("rustc", rustc)));
        entries.extend(commit(workspace).map(|commit| ("commit", commit)));
        entries.push(("profile", "release".to_owned()));
        let generator = if cfg!(debug_assertions) { "a debug build" } else { "a release build" };
        entries.push(("load generator", generator.to_owned()));
        let arguments: Vec<String> = env::args().skip(1).collect();
        entries.push(("command", format!("cargo lab {}", arguments.join(" "))));
        Environment { time, entries }
    }
}

fn commit(workspace: &Path) -> Option<String> {
    let git = |arguments: &[&str]| output(Command::new("git").arg("-C").arg(workspace).args(arguments));
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let is_clean = git(&["status", "--porcelain"])?.is_empty();
    Some(if is_clean { commit } else { format!("{commit}, with changes") })
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn first_value(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// `2025-03-09T140502Z`: some systems do not allow a colon in file names.
fn file_name_of(seconds: u64) -> String {
    const DAY: u64 = 24 * 60 * 60;
    let (year, month, day) = date_of(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The date `days` days after 1970-01-01.
fn date_of(mut days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}
