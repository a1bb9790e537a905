//! One command line in a shell, in a process group of its own, so that all that it starts can be stopped.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use testkit::Child;

/// How often it is looked at.
const TICK: Duration = Duration::from_millis(20);

/// A command line that runs; dropped, it and all that it has started are ended.
pub struct Shell {
    child: Child,
    printed: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Shell {
    /// Starts `line` in `folder`. `before` is the exit code of the command before it, which it may ask for as `$?`.
    pub fn start(line: &str, folder: &Path, before: i32) -> io::Result<Shell> {
        let mut command = Command::new("bash");
        // Both streams in one, in the order in which a terminal would show them.
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

    /// What it has printed up to now, in whole lines.
    pub fn printed(&self) -> String {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has printed `text`. False: it has ended, or the time is over.
    pub fn wait_for(&mut self, text: &str, patience: Duration) -> bool {
        self.wait(patience, |shell| shell.printed().contains(text));
        self.printed().contains(text)
    }

    /// Waits until it has ended, and all that it has started and that might print. `None`: the time is over.
    pub fn wait_for_end(&mut self, patience: Duration) -> Option<ExitStatus> {
        if self.wait(patience, |_| false) { self.child.try_wait().ok().flatten() } else { None }
    }

    /// Ctrl-C.
    pub fn interrupt(&mut self) {
        // It fails if all have ended.
        let _ = self.child.interrupt();
    }

    /// Waits until `is_so`, or nothing of it runs any more. False: the time is over.
    fn wait(&mut self, patience: Duration, is_so: impl Fn(&Shell) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        while !is_so(self) {
            let has_ended = matches!(self.child.try_wait(), Ok(Some(_))) && self.reader.is_finished();
            if has_ended {
                return true;
            }
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(TICK);
        }
        true
    }
}
