//! Waiting on purpose: what `--delay`, `/delay` and `/drip` do.

use std::time::Duration;

/// Waits for `duration`. tokio's timers are exact to a millisecond, so a duration of 0 does not use them.
pub async fn pause(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}
