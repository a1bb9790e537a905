//! Ctrl-C: what runs is brought to its end, so that no proxy is left behind. Every wait has a deadline, or looks here.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

static STOPPED: AtomicBool = AtomicBool::new(false);
static CAUGHT: OnceLock<Result<(), String>> = OnceLock::new();

/// What a shell expects of a process that SIGINT has ended.
const EXIT_CODE: i32 = 130;

/// Catches Ctrl-C from now on. The second one changes nothing: to exit at once would leave proxies behind.
///
/// # Errors
/// The system does not let it be caught.
pub fn catch() -> anyhow::Result<()> {
    let caught = CAUGHT.get_or_init(|| {
        let caught = ctrlc::set_handler(|| {
            if !STOPPED.swap(true, Ordering::SeqCst) {
                eprintln!("stopping: the proxies that run are being ended");
            }
        });
        caught.map_err(|error| error.to_string())
    });
    caught.clone().map_err(|error| anyhow::anyhow!("cannot catch Ctrl-C: {error}"))
}

/// Whether Ctrl-C came.
pub fn is_stopped() -> bool {
    STOPPED.load(Ordering::SeqCst)
}

/// Ends this process if Ctrl-C came. Call it where no proxy runs: nothing is dropped.
pub fn exit_if_stopped() {
    if is_stopped() {
        std::process::exit(EXIT_CODE);
    }
}
