//! Ctrl-C, SIGTERM and SIGHUP: this process exits with code 130, and all its children end with it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use crate::child;

/// The exit code after Ctrl-C: the code that a shell reports for a process that SIGINT ended.
pub const EXIT_CODE: i32 = 130;

/// The receiver of Ctrl-C, for a command that stops its children in its own order.
static LISTENER: Mutex<Option<Sender<()>>> = Mutex::new(None);

/// Catches Ctrl-C from now on. The process exits at once, in the middle of its work, so that no code mistakes the end
/// of its children for a failure. The children end with it, see `child.rs`.
///
/// # Errors
/// The system does not allow a handler.
pub fn catch() -> anyhow::Result<()> {
    let caught = ctrlc::set_handler(|| {
        let listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
        let is_heard = listener.as_ref().is_some_and(|listener| listener.send(()).is_ok());
        if !is_heard {
            child::exit(EXIT_CODE);
        }
    });
    caught.map_err(|error| anyhow::anyhow!("cannot catch Ctrl-C: {error}"))
}

/// Receives each Ctrl-C from now on. Until the receiver is dropped, Ctrl-C does not end this process.
pub fn listen() -> Receiver<()> {
    let (sender, receiver) = channel();
    *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    receiver
}
