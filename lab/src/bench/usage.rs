//! The CPU time of a process or thread, as far as the system reports it. Only Linux does.

use std::fs;
use std::path::Path;
use std::time::Duration;

use testkit::Process;

/// The CPU time of a stage or peer.
pub(super) fn of_process(process: &Process) -> Option<Duration> {
    of_threads(process.id()).or_else(|| process.cpu_time())
}

/// The CPU time of the calling thread.
pub(super) fn of_this_thread() -> Option<Duration> {
    read(Path::new("/proc/thread-self/schedstat"))
}

/// In nanoseconds: `/proc/N/stat` counts in steps of 10 ms, and a run may take only a few of them. Ended
/// threads are not included, but no stage ends a thread while it serves requests without bodies.
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
