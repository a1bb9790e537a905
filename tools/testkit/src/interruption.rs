//! Ends a tool in the middle of what it does, and looks whether what it has started ends with it.

use std::fs;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::child::{Child, interrupt};
use crate::{PATIENCE, children};

/// Long enough for a first build with `--release` on a machine that is busy.
const BUILD: Duration = Duration::from_secs(1200);
const TICK: Duration = Duration::from_millis(10);

/// How a tool is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Ctrl-C, twice, as an impatient person types it.
    CtrlC,
    /// `kill -9`: the tool can do nothing itself.
    Kill,
}

/// Starts `tool`, waits until programs with all these names run as its children or theirs, ends it, and waits until all
/// of them have ended. Returns how the tool ended. Needs `/proc`.
///
/// # Panics
/// The programs do not run in time, or do not end.
pub fn end_in_the_middle(tool: &mut Command, wanted: &[&str], how: Interruption) -> ExitStatus {
    tool.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut tool = Child::spawn(tool).expect("the tool starts");
    let deadline = Instant::now() + BUILD;
    let running = loop {
        let mut running = children(tool.id());
        let below: Vec<_> = running.iter().flat_map(|(id, _)| children(*id)).collect();
        running.extend(below);
        if wanted.iter().all(|name| running.iter().any(|(_, other)| other == name)) {
            break running;
        }
        assert!(matches!(tool.try_wait(), Ok(None)), "it has ended by itself");
        assert!(Instant::now() < deadline, "of {wanted:?} only these run: {running:?}");
        thread::sleep(TICK);
    };
    match how {
        Interruption::CtrlC => {
            for _ in 0..2 {
                // The second fails if the first has been enough.
                let _ = interrupt(tool.id());
            }
        }
        Interruption::Kill => tool.kill_alone(),
    }
    let status = tool.wait().expect("it can be waited for");
    let deadline = Instant::now() + PATIENCE;
    while let Some((id, name)) = running.iter().find(|(id, name)| is_running(*id, name)) {
        assert!(Instant::now() < deadline, "{name} ({id}) was left behind");
        thread::sleep(TICK);
    }
    status
}

/// Whether it runs; a child that nothing has waited for yet does not.
fn is_running(id: u32, name: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.contains(&format!("({name}) ")) && !stat.contains(") Z ")
}
