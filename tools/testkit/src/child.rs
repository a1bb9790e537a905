//! A child process that does not outlive this one.
//!
//! Invariant: a child ends when its handle is dropped, and when this process ends in any way, including
//! `kill -9`. For the latter, a small shell script, the watcher, reads a pipe that only this process writes to.
//! Two children outlive a killed parent: one that was just started and is not yet reported to the watcher, and
//! any child without `sh`, as on Windows.
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

/// The script of the watcher, which outlives this process: it kills the groups added and not removed.
const WATCH: &str = r#"trap '' HUP INT TERM
groups=
while read -r sign group; do
  case $sign in
    +) groups="$groups -$group" ;;
    *) kept=
       for other in $groups; do [ "$other" = "-$group" ] || kept="$kept $other"; done
       groups=$kept ;;
  esac
done
[ -z "$groups" ] || kill -s KILL -- $groups"#;

/// The watcher, which outlives this process; `None` until the first child is started.
static WATCHER: Mutex<Option<process::Child>> = Mutex::new(None);

/// Starts the watcher, if it does not run yet.
fn start(watcher: &mut Option<process::Child>) {
    if cfg!(unix) && watcher.is_none() {
        let mut command = Command::new("sh");
        command.args(["-c", WATCH]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        lead_group(&mut command);
        *watcher = command.spawn().ok();
    }
}

/// Tells the watcher that a group started or ended.
fn tell(watcher: &mut Option<process::Child>, sign: char, group: u32) {
    if let Some(stdin) = watcher.as_mut().and_then(|watcher| watcher.stdin.as_mut()) {
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
        let child = command.spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("cannot start {:?}: {error}", command.get_program()))
        })?;
        tell(&mut watcher, '+', child.id());
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
