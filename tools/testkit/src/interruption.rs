//! Ends a tool while it runs, and checks that the processes that it started end too.

use std::fs;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::child::{Child, interrupt};
use crate::{PATIENCE, children, poll};

/// Long enough for a first build with `--release` on a machine that is busy.
const BUILD: Duration = Duration::from_secs(1200);

/// How a tool is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Two interrupts, as an impatient user types Ctrl-C.
    CtrlC,
    /// `kill -9`: the tool cannot clean up.
    Kill,
}

/// Starts `tool`, waits until programs with all these names run as its children or grandchildren, ends it,
/// and waits until all of them have ended. Returns the exit status of the tool. Needs `/proc`.
///
/// # Panics
/// The programs do not start or do not end in time.
pub fn end_in_the_middle(tool: &mut Command, wanted: &[&str], how: Interruption) -> ExitStatus {
    tool.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut tool = Child::spawn(tool).expect("the tool starts");
    let mut running = Vec::new();
    let all_run = poll(BUILD, || {
        running = children(tool.id());
        let below: Vec<_> = running.iter().flat_map(|(id, _)| children(*id)).collect();
        running.extend(below);
        let all_run = wanted.iter().all(|name| running.iter().any(|(_, other)| other == name));
        assert!(all_run || matches!(tool.try_wait(), Ok(None)), "it has ended by itself");
        all_run
    });
    assert!(all_run, "of {wanted:?} only these run: {running:?}");
    assert!(all_threads_sleep_once(tool.id()), "a thread of the tool does not sleep");
    match how {
        Interruption::CtrlC => {
            for _ in 0..2 {
                // The second interrupt fails if the first already ended the tool.
                let _ = interrupt(tool.id());
            }
        }
        Interruption::Kill => tool.kill_alone(),
    }
    let status = tool.wait().expect("it can be waited for");
    for (id, name) in running {
        assert!(poll(PATIENCE, || !is_running(id, &name)), "{name} ({id}) was left behind");
    }
    status
}

/// Waits until each thread has slept or ended. A thread that has just started a child does not sleep before it has
/// reported the child to the watcher, see `child.rs`. False if that takes too long.
fn all_threads_sleep_once(id: u32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let mut awake: Vec<_> = tasks.map(|task| task.path().join("stat")).collect();
    poll(PATIENCE, || {
        awake.retain(|stat| fs::read_to_string(stat).is_ok_and(|stat| !stat.contains(") S ")));
        awake.is_empty()
    })
}

/// Whether the process runs; a zombie does not count.
fn is_running(id: u32, name: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.contains(&format!("({name}) ")) && !stat.contains(") Z ")
}
