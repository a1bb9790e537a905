//! A child process that does not outlive this one.
//!
//! Invariant: a child ends when its handle is dropped, and when this process ends in any way, including
//! `kill -9`. For the latter, a small shell script, the watcher, reads a pipe that only this process writes to.
//! It kills the groups that were reported to it, and on Linux also a child that was just started and is not yet
//! reported, which it finds by a variable. The pipe ends only when such a child has begun, because until then the
//! child has a copy of it. Elsewhere it outlives a killed parent, as does any child without `sh`, as on Windows.
//!
//! On Unix a child leads a process group, which is killed as a whole. Ctrl-C in a terminal does not reach it.

use std::io::{self, Write};
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

/// A child process, and the process group that it leads.
pub struct Child {
    child: process::Child,
    has_ended: bool,
}

/// The variable that each child has: the process id of its watcher, how many children were started before, and a dot.
const VARIABLE: &str = "LAB_WATCHER";

/// The script of the watcher, which outlives this process: it kills the groups added and not removed, and a child that
/// was not added. At most one is not, because children are started one after the other.
const WATCH: &str = r#"trap '' HUP INT TERM
groups=
started=0
while read -r sign group; do
  case $sign in
    +) groups="$groups -$group"
       started=$((started + 1)) ;;
    *) kept=
       for other in $groups; do [ "$other" = "-$group" ] || kept="$kept $other"; done
       groups=$kept ;;
  esac
done
[ -z "$groups" ] || kill -s KILL -- $groups
grep -ls "LAB_WATCHER=$$[.]$started[.]" /proc/[0-9]*/environ | while IFS=/ read -r _ _ process _; do
  kill -s KILL "$process"
done"#;

/// The watcher, which outlives this process.
struct Watcher {
    process: process::Child,
    /// How many children were reported to it.
    started: usize,
}

/// `None` until the first child is started.
static WATCHER: Mutex<Option<Watcher>> = Mutex::new(None);

/// Starts the watcher, if it does not run yet.
fn start(watcher: &mut Option<Watcher>) {
    if cfg!(unix) && watcher.is_none() {
        let mut command = Command::new("sh");
        command.args(["-c", WATCH]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        lead_group(&mut command);
        // It also outlives the process that started this one, and so must not be found by that one's watcher.
        *watcher = command.env_remove(VARIABLE).spawn().ok().map(|process| Watcher { process, started: 0 });
    }
}

/// Tells the watcher that a group started or ended.
fn tell(watcher: &mut Option<Watcher>, sign: char, group: u32) {
    if let Some(stdin) = watcher.as_mut().and_then(|watcher| watcher.process.stdin.as_mut()) {
        // Without a watcher the children still end when their handles are dropped.
        let _ = writeln!(stdin, "{sign} {group}");
    }
}

/// Waits until every started child is reported to the watcher, then ends this process. The watcher ends the children.
pub(crate) fn exit(code: i32) -> ! {
    // Held until the end, so that no child is started meanwhile.
    let _watcher = WATCHER.lock().unwrap_or_else(PoisonError::into_inner);
    process::exit(code)
}

fn lead_group(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

impl Child {
    /// Starts a command.
    ///
    /// # Errors
    /// It cannot be started; the message names the program.
    pub fn spawn(command: &mut Command) -> io::Result<Child> {
        lead_group(command);
        // Held during the start, so that the child is reported to the watcher before an orderly exit.
        let mut watcher = WATCHER.lock().unwrap_or_else(PoisonError::into_inner);
        start(&mut watcher);
        if let Some(Watcher { process, started }) = &*watcher {
            command.env(VARIABLE, format!("{}.{started}.", process.id()));
        }
        let child = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("cannot start {:?}: {error}", command.get_program()))
        })?;
        tell(&mut watcher, '+', child.id());
        if let Some(watcher) = &mut *watcher {
            watcher.started += 1;
        }
        Ok(Child { child, has_ended: false })
    }

    /// Its stdout, if it is a pipe and was not taken before.
    pub fn take_stdout(&mut self) -> Option<process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Its stderr, if it is a pipe and was not taken before.
    pub fn take_stderr(&mut self) -> Option<process::ChildStderr> {
        self.child.stderr.take()
    }

    /// Its process id, which is also the id of its group.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its exit status; `None` while it runs.
    ///
    /// # Errors
    /// The system cannot report the status.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        if status.is_some() {
            self.forget();
        }
        Ok(status)
    }

    /// Waits until the child ends.
    ///
    /// # Errors
    /// The system cannot report the status.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait()?;
        self.forget();
        Ok(status)
    }

    /// Asks it to stop (SIGTERM). Without signals it is killed.
    ///
    /// # Errors
    /// It has ended.
    pub fn terminate(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        return terminate(self.id());
        #[cfg(not(unix))]
        return self.child.kill();
    }

    /// Asks it and its group to stop, as Ctrl-C does (SIGINT). Without signals it is killed.
    ///
    /// # Errors
    /// All of them have ended.
    pub fn interrupt(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        return Ok(rustix::process::kill_process_group(pid(self.id())?, rustix::process::Signal::INT)?);
        #[cfg(not(unix))]
        return self.child.kill();
    }

    /// Kills it and its group.
    pub fn kill(&mut self) {
        // These calls fail only for an ended child. The id of a reaped child may belong to another process.
        #[cfg(unix)]
        if let Some(group) = pid(self.id()).ok().filter(|_| !self.has_ended) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        self.forget();
        let _ = self.child.wait();
    }

    /// Kills only this process; its children and its group keep running.
    #[cfg(unix)]
    pub(crate) fn kill_alone(&mut self) {
        // Fails only if it has ended.
        let _ = self.child.kill();
    }

    fn forget(&mut self) {
        if !self.has_ended {
            self.has_ended = true;
            tell(&mut WATCHER.lock().unwrap_or_else(PoisonError::into_inner), '-', self.child.id());
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Interrupts a process by its id, as Ctrl-C does.
///
/// # Errors
/// There is no such process.
#[cfg(unix)]
pub fn interrupt(id: u32) -> io::Result<()> {
    signal(id, rustix::process::Signal::INT)
}

/// Asks a process to stop (SIGTERM), by its id.
///
/// # Errors
/// There is no such process.
#[cfg(unix)]
pub fn terminate(id: u32) -> io::Result<()> {
    signal(id, rustix::process::Signal::TERM)
}

#[cfg(unix)]
fn signal(id: u32, signal: rustix::process::Signal) -> io::Result<()> {
    Ok(rustix::process::kill_process(pid(id)?, signal)?)
}

#[cfg(unix)]
fn pid(id: u32) -> io::Result<rustix::process::Pid> {
    let pid = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    pid.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used)] // A failed unwrap fails the test.
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    /// A child of the watcher with this id, before which so many were started.
    fn child(watcher: u32, started: usize) -> process::Child {
        Command::new("sleep").arg("60").env(VARIABLE, format!("{watcher}.{started}.")).spawn().unwrap()
    }

    #[test]
    fn a_child_that_was_not_reported_is_killed_and_what_an_ended_child_left_is_not() {
        let mut watcher = None;
        start(&mut watcher);
        let id = watcher.as_ref().unwrap().process.id();
        let (mut left, mut unreported) = (child(id, 0), child(id, 1));
        tell(&mut watcher, '+', left.id());
        tell(&mut watcher, '-', left.id());
        // `wait` first closes the pipe.
        watcher.unwrap().process.wait().unwrap();
        assert_eq!(unreported.wait().unwrap().signal(), Some(9));
        assert_eq!(left.try_wait().unwrap(), None);
        left.kill().unwrap();
        left.wait().unwrap();
    }
}
