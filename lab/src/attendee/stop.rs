//! Ctrl-C: what runs is brought to its end, so that no proxy is left behind. Every wait of a check has a deadline.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;

static STOPPED: AtomicBool = AtomicBool::new(false);

/// What a shell expects of a process that SIGINT has ended.
const EXIT_CODE: i32 = 130;

/// Catches Ctrl-C from now on. The second one changes nothing: to exit at once would leave proxies behind.
pub fn catch() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if !STOPPED.swap(true, Ordering::SeqCst) {
            eprintln!("stopping: the proxies under check are being ended");
        }
    })
    .context("cannot catch Ctrl-C")
}

pub fn is_stopped() -> bool {
    STOPPED.load(Ordering::SeqCst)
}

/// Ends this process if Ctrl-C came. Call it where no proxy runs: nothing is dropped.
pub fn exit_if_stopped() {
    if is_stopped() {
        std::process::exit(EXIT_CODE);
    }
}
