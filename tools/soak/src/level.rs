//! The descriptors, threads and memory that a proxy holds, to check that it releases them.

use crate::backend::FaultyBackend;
use testkit::{PATIENCE, Process, poll};

/// What a proxy holds at one time; `None` where the system does not report it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    /// Idle connections to the backend are not counted.
    pub(crate) descriptors: Option<usize>,
    pub(crate) threads: Option<usize>,
    pub(crate) memory_kib: Option<u64>,
}

impl Level {
    pub(crate) fn of(proxy: &Process, backend: &FaultyBackend) -> Level {
        let kept = backend.connections();
        Level {
            descriptors: proxy.descriptors_without_pipes().map(|count| count.saturating_sub(kept)),
            threads: proxy.threads(),
            memory_kib: proxy.memory_kib(),
        }
    }

    /// Waits until the level is back to `before`, or until a timeout, and returns it.
    pub(crate) fn settled(proxy: &Process, backend: &FaultyBackend, before: Level) -> Level {
        let mut level = Level::of(proxy, backend);
        poll(PATIENCE, || {
            level = Level::of(proxy, backend);
            level.leaked(before) == 0 && level.threads <= before.threads
        });
        level
    }

    /// How many more descriptors are open than before.
    pub(crate) fn leaked(self, before: Level) -> usize {
        self.descriptors.unwrap_or(0).saturating_sub(before.descriptors.unwrap_or(0))
    }
}

/// A size for display.
pub(crate) fn mebibytes(kib: Option<u64>) -> String {
    kib.map_or("unknown".to_owned(), |kib| format!("{:.1} MiB", kib as f64 / 1024.0))
}
