//! Waiting on purpose: what `--delay`, `/delay` and `/drip` do.

use std::time::Duration;

/// Waits so long. tokio's timers are exact to a millisecond, so no time at all is not left to them.
pub async fn pause(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}
