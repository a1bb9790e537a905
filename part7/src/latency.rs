//! How long requests take: by path, and in total.
//!
//! A time is counted in one of a few buckets, so the memory is bounded, and percentiles can be computed for any time.
//! Averages would hide the few slow requests that people complain about.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use codec::Report;
use stats_client::RequestStats;

/// The upper bounds of the buckets in microseconds, from 0.1 ms to 10 s. The last bucket has none.
pub const BOUNDS_MICROS: [u64; 31] = [
    100, 150, 200, 300, 500, 700, //
    1_000, 1_500, 2_000, 3_000, 5_000, 7_000, //
    10_000, 15_000, 20_000, 30_000, 50_000, 70_000, //
    100_000, 150_000, 200_000, 300_000, 500_000, 700_000, //
    1_000_000, 1_500_000, 2_000_000, 3_000_000, 5_000_000, 7_000_000, //
    10_000_000,
];

/// Paths that are counted under their own name, of this length at most.
const MAX_PATHS: usize = 10_000;
const MAX_PATH_BYTES: usize = 1024;
/// The name under which all other paths are counted.
const OTHER: &str = "(other)";
/// The name of requests that could not be read.
const UNREAD: &str = "-";
/// The last requests that are kept.
const MAX_RECENT: usize = 64;
/// How much of the method and path of such a request is kept.
const MAX_RECENT_CHARACTERS: usize = 100;

/// The methods that are counted under their own name: a client may invent others.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Counts of times, by bucket.
#[derive(Clone, Copy, Default)]
pub struct Histogram {
    /// For each bucket, the times that are at most its bound and more than the one before.
    pub buckets: [u64; BOUNDS_MICROS.len() + 1],
    pub sum: Duration,
}

/// The times of all requests, and of each path.
pub struct Latencies {
    started_at: SystemTime,
    /// Not the clock, which may be set.
    began: Instant,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    paths: HashMap<Arc<str>, Path>,
    totals: Totals,
}

/// What is counted of the requests for one path.
#[derive(Clone, Copy, Default)]
struct Path {
    bytes: u64,
    first_byte: Duration,
    duration: Histogram,
}

/// What is counted of all requests.
#[derive(Clone, Default)]
pub struct Totals {
    pub bytes: u64,
    pub first_byte: Histogram,
    pub duration: Histogram,
    /// By method and status; the status is 0 if there was no response.
    pub answers: BTreeMap<(&'static str, u16), u64>,
    /// The last requests, the newest first.
    pub recent: VecDeque<Recent>,
}

/// One of the last requests.
#[derive(Clone)]
pub struct Recent {
    /// Method and path, or the beginning of them.
    pub request: String,
    pub status: Option<u16>,
    pub bytes: u64,
    pub elapsed: Duration,
    pub error: Option<String>,
}

impl Histogram {
    pub fn record(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROS.partition_point(|&bound| bound < micros);
        self.buckets[bucket] += 1;
        self.sum += time;
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The time in milliseconds that this percentage of all times did not exceed. It is an estimate, as if the times of a
    /// bucket were evenly distributed over it. 0 if no time was recorded.
    pub fn percentile(&self, percent: f64) -> f64 {
        let rank = self.count() as f64 * percent / 100.0;
        let mut before = 0.0;
        for (index, &count) in self.buckets.iter().enumerate() {
            let count = count as f64;
            if count > 0.0 && before + count >= rank {
                let from = if index == 0 { 0 } else { BOUNDS_MICROS[index - 1] };
                // The last bucket has no bound: it is only known that the time was longer.
                let to = BOUNDS_MICROS.get(index).copied().unwrap_or(from);
                return (from as f64 + (to - from) as f64 * (rank - before) / count) / 1000.0;
            }
            before += count;
        }
        0.0
    }
}

impl Latencies {
    pub fn new() -> Latencies {
        Latencies { started_at: SystemTime::now(), began: Instant::now(), counted: Mutex::default() }
    }

    /// Since when requests are counted, in seconds since 1970.
    pub fn started_at(&self) -> f64 {
        self.started_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
    }

    /// For how long requests have been counted.
    pub fn uptime(&self) -> Duration {
        self.began.elapsed()
    }

    /// Counts a request that has ended.
    pub fn record(&self, report: Report) {
        let (method, path) = report.request.split_once(' ').unwrap_or((UNREAD, UNREAD));
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
        // After a 101 a tunnel follows, perhaps for hours. The request itself has ended.
        let began = report.first_byte.filter(|_| report.status == Some(101));
        let duration = began.unwrap_or(report.elapsed);
        let mut counted = self.lock();
        let has_room = path == UNREAD || (counted.paths.len() < MAX_PATHS && path.len() <= MAX_PATH_BYTES);
        let path = match counted.paths.get_mut(path) {
            Some(path) => path,
            None => counted.paths.entry(Arc::from(if has_room { path } else { OTHER })).or_default(),
        };
        path.bytes += report.body_bytes;
        path.first_byte += report.first_byte.unwrap_or_default();
        path.duration.record(duration);

        let totals = &mut counted.totals;
        totals.bytes += report.body_bytes;
        if let Some(first_byte) = report.first_byte {
            totals.first_byte.record(first_byte);
        }
        totals.duration.record(duration);
        *totals.answers.entry((method, report.status.unwrap_or(0))).or_default() += 1;
        totals.recent.truncate(MAX_RECENT - 1);
        totals.recent.push_front(Recent::new(report));
    }

    /// The counts of all requests together.
    pub fn totals(&self) -> Totals {
        self.lock().totals.clone()
    }

    /// The counts of each path.
    pub fn snapshot(&self) -> stats_client::Requests {
        // A copy, so that no percentile is computed under the lock.
        let paths = self.lock().paths.clone();
        let stats = |path: &Path| RequestStats {
            total_bytes: path.bytes,
            request_count: path.duration.count(),
            response_total_millis: milliseconds(path.duration.sum),
            response_first_byte_millis: milliseconds(path.first_byte),
            p50: path.duration.percentile(50.0),
            p90: path.duration.percentile(90.0),
            p99: path.duration.percentile(99.0),
        };
        stats_client::Requests {
            requests: paths.iter().map(|(name, path)| (Arc::clone(name), stats(path))).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // Nothing that can panic runs under the lock.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    fn new(report: Report) -> Recent {
        let Report { request, status, body_bytes: bytes, elapsed, error, .. } = report;
        let request = match request.len() <= MAX_RECENT_CHARACTERS {
            true => request,
            false => request.chars().take(MAX_RECENT_CHARACTERS).collect(),
        };
        Recent { request, status, bytes, elapsed, error: error.map(|error| error.to_string()) }
    }
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
