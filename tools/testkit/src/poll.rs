//! Polls for conditions without a notification, such as the end of another process.

use std::thread;
use std::time::{Duration, Instant};

/// The polling interval.
const INTERVAL: Duration = Duration::from_millis(20);

/// Polls until `is_so` returns true; false if `patience` elapses first.
pub fn poll(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(INTERVAL);
    }
}
