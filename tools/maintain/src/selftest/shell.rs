//! One command line in a shell, in its own process group, so that all its processes can be stopped.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use testkit::{Child, poll};

/// A running command line. Dropping it ends it and all processes that it started.
pub struct Shell {
    child: Child,
    printed: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Shell {
    /// Starts `line` in `folder`. `before` is the exit code of the previous command, which is `$?` for
    /// `line`.
    pub fn start(line: &str, folder: &Path, before: i32) -> io::Result<Shell> {
        let mut command = Command::new("bash");
        // Both streams are merged in the order in which a terminal would show them.
        command.arg("-c").arg(format!("exec 2>&1\n(exit {before})\n{line}"));
        command.current_dir(folder).env_remove("CARGO_MANIFEST_DIR");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Child::spawn(&mut command)?;
        let printed = Arc::new(Mutex::new(String::new()));
        let (stdout, printing) = (child.take_stdout(), Arc::clone(&printed));
        let reader = thread::spawn(move || {
            let mut lines = stdout.map(BufReader::new);
            let mut line = Vec::new();
            while let Some(Ok(1..)) = lines.as_mut().map(|lines| lines.read_until(b'\n', &mut line)) {
                let text = String::from_utf8_lossy(&line);
                printing.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
                line.clear();
            }
        });
        Ok(Shell { child, printed, reader })
    }

    /// Its output so far, in complete lines.
    pub fn printed(&self) -> String {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until its output contains `text`. False if it ends or the time is over first.
    pub fn wait_for(&mut self, text: &str, patience: Duration) -> bool {
        self.wait(patience, |shell| shell.printed().contains(text));
        self.printed().contains(text)
    }

    /// Waits until it and all its processes that can print have ended. `None` if the time is over first.
    pub fn wait_for_end(&mut self, patience: Duration) -> Option<ExitStatus> {
        if self.wait(patience, |_| false) { self.child.try_wait().ok().flatten() } else { None }
    }

    /// Sends Ctrl-C.
    pub fn interrupt(&mut self) {
        // Fails if all processes have ended.
        let _ = self.child.interrupt();
    }

    /// Waits until `is_so` returns true or all its processes have ended. False if the time is over first.
    fn wait(&mut self, patience: Duration, is_so: impl Fn(&Shell) -> bool) -> bool {
        poll(patience, || {
            is_so(self) || matches!(self.child.try_wait(), Ok(Some(_))) && self.reader.is_finished()
        })
    }
}
