//! Ctrl-C, SIGTERM and SIGHUP: this process ends with exit code 130, and all its children with it.

use std::process;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

/// The end of a command that Ctrl-C has ended: what a shell says of a process that SIGINT has ended.
pub const EXIT_CODE: i32 = 130;

/// The receiver of Ctrl-C, if a command stops its children in an order of its own.
static LISTENER: Mutex<Option<Sender<()>>> = Mutex::new(None);

/// Catches Ctrl-C from now on. The process exits at once, in the middle of what it does: nothing must take the end of
/// its children for a failure. They end with it, see `child.rs`.
///
/// # Errors
/// The system does not let it be caught.
pub fn catch() -> anyhow::Result<()> {
    let caught = ctrlc::set_handler(|| {
        let listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
        let is_heard = listener.as_ref().is_some_and(|listener| listener.send(()).is_ok());
        if !is_heard {
            process::exit(EXIT_CODE);
        }
    });
    caught.map_err(|error| anyhow::anyhow!("cannot catch Ctrl-C: {error}"))
}

/// Receives each Ctrl-C from now on, which then does not end this process until the receiver is dropped.
pub fn listen() -> Receiver<()> {
    let (sender, receiver) = channel();
    *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    receiver
}
