//! Wakes the tasks of idle clients: all when the server stops, each when its time is over. One sweep serves all
//! clients, so an idle client holds no timer.
//!
//! Invariant: the alarm of an idle client is set for its deadline, or earlier.

use std::sync::Weak;
use std::task::Waker;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::connections::Shared;

/// Sweeps within one idle timeout. A client is closed at most this part of the timeout too late.
const SWEEPS_PER_TIMEOUT: u32 = 32;

/// The shortest pause between two sweeps, which is the resolution of the runtime's timers.
const MIN_PAUSE: Duration = Duration::from_millis(1);

/// The open connections of a server. A connection has an alarm from its first idle wait on.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    places: Vec<Option<Alarm>>,
    free: Vec<u32>,
    /// Runs while connections are open.
    sweep: Option<JoinHandle<()>>,
}

/// Which task to wake, and when.
#[derive(Debug)]
struct Alarm {
    task: Waker,
    at: Instant,
}

impl Alarms {
    /// Returns the place of one more connection.
    pub(super) fn add(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len() - 1).expect("each connection has a descriptor, which is an i32")
        })
    }

    pub(super) fn remove(&mut self, place: u32) {
        self.places[place as usize] = None;
        self.free.push(place);
    }

    pub(super) fn count(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Sets the alarm of a connection. Calls `start_sweep` if no sweep is running.
    pub(super) fn set(
        &mut self,
        place: u32,
        task: Waker,
        at: Instant,
        start_sweep: impl FnOnce() -> JoinHandle<()>,
    ) {
        self.places[place as usize] = Some(Alarm { task, at });
        // The runtime of an earlier sweep may have ended.
        if self.sweep.as_ref().is_none_or(JoinHandle::is_finished) {
            self.sweep = Some(start_sweep());
        }
    }

    pub(super) fn wake_all(&self) {
        self.places.iter().flatten().for_each(|alarm| alarm.task.wake_by_ref());
    }

    /// Wakes each task whose time is over. An idle task then closes its connection, or sets its alarm anew. A busy one
    /// becomes idle later than now, so its next deadline is later than the new alarm.
    fn sweep(&mut self, now: Instant, idle_timeout: Duration) {
        for alarm in self.places.iter_mut().flatten().filter(|alarm| alarm.at <= now) {
            alarm.at = now + idle_timeout;
            alarm.task.wake_by_ref();
        }
    }
}

/// Sweeps until no connection is open.
pub(super) async fn run(shared: Weak<Shared>, idle_timeout: Duration) {
    let pause = (idle_timeout / SWEEPS_PER_TIMEOUT).max(MIN_PAUSE);
    loop {
        sleep(pause).await;
        let Some(shared) = shared.upgrade() else { return };
        let mut alarms = shared.alarms();
        if alarms.count() == 0 {
            alarms.sweep = None;
            return;
        }
        alarms.sweep(Instant::now(), idle_timeout);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    struct Task;

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_task_that_ignores_its_alarm_gets_another_one_idle_timeout_later() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut alarms = Alarms::default();
        let place = alarms.add() as usize;
        alarms.places[place] = Some(Alarm { task: Arc::new(Task).into(), at: start + second });
        for (after, next) in [(0, 1), (1, 11), (10, 11), (11, 21)] {
            alarms.sweep(start + second * after, second * 10);
            assert_eq!(alarms.places[place].as_ref().map(|alarm| alarm.at), Some(start + second * next));
        }
    }
}
