//! What the system tells of the resources that a process uses: only Linux does, elsewhere it is `None`.

use std::fs;
use std::io;
use std::time::Duration;

use crate::Process;

/// The unit of times in `/proc`: it has been 100 a second for as long as anybody asked.
const CLOCK_TICK: Duration = Duration::from_millis(10);

/// Raises the number of files that this process, and those it starts, may open as far as it may, and returns it.
pub fn raise_open_files_limit() -> io::Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX)
}

/// The children of a process: their ids and the names of their programs. None where there is no `/proc`.
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
    /// The most memory it has had, in KiB.
    pub fn peak_memory_kib(&self) -> Option<u64> {
        self.status("VmHWM:")
    }

    /// The memory that it has now, in KiB.
    pub fn memory_kib(&self) -> Option<u64> {
        self.status("VmRSS:")
    }

    /// How many threads it has.
    pub fn threads(&self) -> Option<usize> {
        self.status("Threads:")?.try_into().ok()
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> Option<usize> {
        fs::read_dir(self.proc_file("fd")).ok().map(Iterator::count)
    }

    /// The time that all its threads have run, in its own code and in the kernel.
    pub fn cpu_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(self.proc_file("stat")).ok()?;
        // The name of the command, in parentheses, may hold spaces. After it: user time is the 12th, system time
        // the 13th.
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
