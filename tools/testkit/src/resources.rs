//! The resources that a process uses. Only Linux reports them; elsewhere the values are `None`.

use std::fs;
use std::time::Duration;

use crate::Process;

/// The unit of times in `/proc`: always 100 ticks a second in practice.
const CLOCK_TICK: Duration = Duration::from_millis(10);

/// The children of a process: their ids and program names. Empty without `/proc`.
pub fn children(parent: u32) -> Vec<(u32, String)> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let child = |id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (name, rest) = stat.split_once(" (")?.1.rsplit_once(") ")?;
        (rest.split(' ').nth(1)?.parse() == Ok(parent)).then(|| (id, name.to_owned()))
    };
    ids.filter_map(child).collect()
}

impl Process {
    /// Its peak memory, in KiB.
    pub fn peak_memory_kib(&self) -> Option<u64> {
        self.status("VmHWM:")
    }

    /// Its current memory, in KiB.
    pub fn memory_kib(&self) -> Option<u64> {
        self.status("VmRSS:")
    }

    /// Its number of threads.
    pub fn threads(&self) -> Option<usize> {
        self.status("Threads:")?.try_into().ok()
    }

    /// Its number of open descriptors.
    pub fn descriptors(&self) -> Option<usize> {
        fs::read_dir(self.proc_file("fd")).ok().map(Iterator::count)
    }

    /// Its number of open descriptors without pipes: a proxy may keep empty pipes for later bodies.
    pub fn descriptors_without_pipes(&self) -> Option<usize> {
        let is_pipe = |entry: &fs::DirEntry| {
            fs::read_link(entry.path()).is_ok_and(|file| file.to_string_lossy().starts_with("pipe:"))
        };
        let entries = fs::read_dir(self.proc_file("fd")).ok()?;
        Some(entries.flatten().filter(|entry| !is_pipe(entry)).count())
    }

    /// The CPU time of all its threads, in user and kernel mode.
    pub fn cpu_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(self.proc_file("stat")).ok()?;
        // The command name, in parentheses, may contain spaces. After it, user time is the 12th value and
        // system time the 13th.
        let (_, numbers) = stat.rsplit_once(") ")?;
        let ticks = numbers.split(' ').skip(11).take(2).map(str::parse::<u32>);
        let ticks = ticks.sum::<Result<_, _>>().ok()?;
        Some(CLOCK_TICK * ticks)
    }

    /// A number in `/proc/N/status`.
    fn status(&self, name: &str) -> Option<u64> {
        let status = fs::read_to_string(self.proc_file("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    fn proc_file(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.id())
    }
}
