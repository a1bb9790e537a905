//! Latencies in a histogram: three digits of each are kept, from a microsecond to an hour.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// How many requests took how long.
#[derive(Clone)]
pub struct Latencies {
    /// In microseconds.
    histogram: Option<Histogram<u64>>,
}

/// The percentiles that are reported, with the fewest requests from which each can be told.
///
/// Of 400 requests, the one in a thousand that is the slowest is not known: it would be the maximum by another name.
pub const PERCENTILES: [(&str, f64, u64); 4] =
    [("p50", 0.5, 1), ("p90", 0.9, 10), ("p99", 0.99, 100), ("p99.9", 0.999, 1000)];

const LONGEST_MICROSECONDS: u64 = 3_600_000_000;
const DIGITS: u8 = 3;

impl Default for Latencies {
    fn default() -> Latencies {
        // The bounds are constants that the crate accepts: a test says so.
        Latencies { histogram: Histogram::new_with_bounds(1, LONGEST_MICROSECONDS, DIGITS).ok() }
    }
}

impl Latencies {
    pub fn record(&mut self, latency: Duration) {
        if let Some(histogram) = &mut self.histogram {
            let microseconds = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_MICROSECONDS);
            // Longer than an hour counts as an hour.
            histogram.saturating_record(microseconds);
        }
    }

    pub fn add(&mut self, other: &Latencies) {
        if let (Some(histogram), Some(other)) = (&mut self.histogram, &other.histogram) {
            // It fails only between histograms of different bounds.
            let _ = histogram.add(other);
        }
    }

    /// How many were recorded.
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// The time within which that part of all requests was answered, in milliseconds.
    pub fn quantile(&self, quantile: f64) -> f64 {
        self.histogram.as_ref().map_or(0, |histogram| histogram.value_at_quantile(quantile)) as f64 / 1000.0
    }

    /// The slowest, in milliseconds.
    pub fn max(&self) -> f64 {
        self.quantile(1.0)
    }
}

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} latencies, p50 {} ms, max {} ms", self.count(), self.quantile(0.5), self.max())
    }
}
