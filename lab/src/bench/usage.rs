//! What a process has used, as far as the system tells: only Linux does.

use std::fs;
use std::path::Path;
use std::time::Duration;

use testkit::Process;

/// The processor time that a stage or peer has used.
pub(super) fn of_process(process: &Process) -> Option<Duration> {
    of_threads(process.id()).or_else(|| process.cpu_time())
}

/// The same of the thread that asks.
pub(super) fn of_this_thread() -> Option<Duration> {
    read(Path::new("/proc/thread-self/schedstat"))
}

/// Nanoseconds, where `/proc/N/stat` counts in steps of 10 ms: a run may need only a few of these. Threads that have
/// ended are not in it, but no stage ends one while it serves requests without bodies.
fn of_threads(process: u32) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{process}/task")).ok()? {
        sum += read(&thread.ok()?.path().join("schedstat"))?;
    }
    Some(sum)
}

fn read(file: &Path) -> Option<Duration> {
    let text = fs::read_to_string(file).ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}
