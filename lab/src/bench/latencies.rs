//! A histogram of latencies, with three significant digits, from a microsecond to an hour.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// The distribution of latencies.
#[derive(Clone)]
pub struct Latencies {
    /// In microseconds.
    histogram: Option<Histogram<u64>>,
}

/// The reported percentiles, with the fewest requests from which each is reported.
///
/// With 400 requests, p99.9 would be the maximum by another name.
pub const PERCENTILES: [(&str, f64, u64); 4] =
    [("p50", 0.5, 1), ("p90", 0.9, 10), ("p99", 0.99, 100), ("p99.9", 0.999, 1000)];

const LONGEST_MICROSECONDS: u64 = 3_600_000_000;
const DIGITS: u8 = 3;

impl Default for Latencies {
    fn default() -> Latencies {
        // The bounds are constants that the crate accepts, which a test checks.
        Latencies { histogram: Histogram::new_with_bounds(1, LONGEST_MICROSECONDS, DIGITS).ok() }
    }
}

impl Latencies {
    pub fn record(&mut self, latency: Duration) {
        if let Some(histogram) = &mut self.histogram {
            let microseconds = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_MICROSECONDS);
            // A latency over an hour counts as an hour.
            histogram.saturating_record(microseconds);
        }
    }

    pub fn add(&mut self, other: &Latencies) {
        if let (Some(histogram), Some(other)) = (&mut self.histogram, &other.histogram) {
            // Fails only for histograms with different bounds.
            let _ = histogram.add(other);
        }
    }

    /// The number of recorded latencies.
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// The latency that this fraction of all requests does not exceed, in milliseconds.
    pub fn quantile(&self, quantile: f64) -> f64 {
        self.histogram.as_ref().map_or(0, |histogram| histogram.value_at_quantile(quantile)) as f64 / 1000.0
    }

    /// The highest latency, in milliseconds.
    pub fn max(&self) -> f64 {
        self.quantile(1.0)
    }
}

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} latencies, p50 {} ms, max {} ms", self.count(), self.quantile(0.5), self.max())
    }
}
