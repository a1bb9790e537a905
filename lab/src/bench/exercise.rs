//! The graded exercises: a load, a ratio that follows from arithmetic, and its accepted range.
//!
//! Invariant: sleeps dominate each exercise, so its ratio hardly depends on the machine. Measure before you
//! change one, and record the results in docs/src/measuring.md.

use crate::bench::figures::{Expectation, Metric};
use crate::bench::load::Pacing;

/// A graded exercise.
pub(super) struct Exercise {
    pub(super) id: &'static str,
    /// The compared subjects. The ratio is the second divided by the first.
    pub(super) pair: [(&'static str, Pacing); 2],
    pub(super) clients: u32,
    pub(super) requests: u64,
    pub(super) delay: u64,
    pub(super) accept_delay: u64,
    /// The length in milliseconds of each stall of the backend, and the number of requests between stalls.
    pub(super) stall: Option<(u64, u64)>,
    pub(super) metric: Metric,
    pub(super) expectation: Expectation,
}

static EXERCISES: [Exercise; 4] = [
    Exercise {
        id: "b1",
        pair: [("part1", Pacing::Closed), ("part2", Pacing::Closed)],
        clients: 20,
        requests: 400,
        delay: 20,
        accept_delay: 0,
        stall: None,
        metric: Metric::Throughput,
        expectation: Expectation { predicted: "20", least: 14.0, most: 22.0 },
    },
    Exercise {
        id: "b2",
        pair: [("part2", Pacing::Closed), ("part3", Pacing::Closed)],
        clients: 20,
        requests: 800,
        delay: 20,
        accept_delay: 0,
        stall: None,
        metric: Metric::Throughput,
        expectation: Expectation { predicted: "1.0", least: 0.85, most: 1.15 },
    },
    Exercise {
        id: "b3",
        pair: [("part3", Pacing::Closed), ("part4", Pacing::Closed)],
        clients: 8,
        requests: 800,
        delay: 20,
        accept_delay: 40,
        stall: None,
        metric: Metric::Throughput,
        expectation: Expectation { predicted: "2.9", least: 2.2, most: 3.3 },
    },
    Exercise {
        id: "b5",
        pair: [("part1", Pacing::Closed), ("part1", Pacing::Open(100.0))],
        clients: 1,
        requests: 800,
        delay: 0,
        accept_delay: 0,
        stall: Some((500, 200)),
        metric: Metric::P99,
        expectation: Expectation { predicted: "over 50", least: 20.0, most: f64::INFINITY },
    },
];

/// The names of the exercises.
pub fn names() -> impl Iterator<Item = &'static str> {
    EXERCISES.iter().map(|exercise| exercise.id)
}

pub(super) fn find(id: &str) -> Option<&'static Exercise> {
    EXERCISES.iter().find(|exercise| exercise.id.eq_ignore_ascii_case(id))
}

/// The exercise that compares the stages with these numbers, except b5, which compares a stage with itself.
pub(super) fn of_pair(numbers: &[String]) -> Option<&'static Exercise> {
    let stages: Vec<String> = numbers.iter().map(|number| format!("part{number}")).collect();
    let is_about = |exercise: &&Exercise| stages == exercise.pair.map(|(stage, _)| stage);
    EXERCISES.iter().find(is_about).filter(|_| stages[0] != stages[1])
}
