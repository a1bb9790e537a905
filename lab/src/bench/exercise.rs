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
    pub(super) pair: [Side; 2],
    pub(super) clients: u32,
    pub(super) requests: u64,
    pub(super) delay: u64,
    pub(super) accept_delay: u64,
    /// The length in milliseconds of each stall of the backend, and the number of requests between stalls.
    pub(super) stall: Option<(u64, u64)>,
    /// Whether a 503 is counted as refused. Otherwise it makes the run invalid.
    pub(super) counts_refusals: bool,
    pub(super) metric: Metric,
    pub(super) expectation: Expectation,
}

/// One of the two subjects of an exercise.
pub(super) struct Side {
    pub(super) stage: &'static str,
    /// What distinguishes it, if the stage is compared with itself.
    pub(super) label: &'static str,
    pub(super) pacing: Pacing,
    /// The flags of the stage.
    pub(super) flags: &'static [&'static str],
}

impl Side {
    const fn closed(stage: &'static str) -> Side {
        Side { stage, label: "", pacing: Pacing::Closed, flags: &[] }
    }
}

/// Twice what 8 requests of 20 ms at once allow.
const OVERLOADED: Side = Side { pacing: Pacing::Open(800.0), ..Side::closed("part7") };

static EXERCISES: [Exercise; 5] = [
    Exercise {
        id: "b1",
        pair: [Side::closed("part1"), Side::closed("part2")],
        clients: 20,
        requests: 400,
        delay: 20,
        accept_delay: 0,
        stall: None,
        counts_refusals: false,
        metric: Metric::Throughput,
        expectation: Expectation { predicted: "20", least: 14.0, most: 22.0 },
    },
    Exercise {
        id: "b2",
        pair: [Side::closed("part2"), Side::closed("part3")],
        clients: 20,
        requests: 800,
        delay: 20,
        accept_delay: 0,
        stall: None,
        counts_refusals: false,
        metric: Metric::Throughput,
        expectation: Expectation { predicted: "1.0", least: 0.85, most: 1.15 },
    },
    Exercise {
        id: "b3",
        pair: [Side::closed("part3"), Side::closed("part4")],
        clients: 8,
        requests: 800,
        delay: 20,
        accept_delay: 40,
        stall: None,
        counts_refusals: false,
        metric: Metric::Throughput,
        expectation: Expectation { predicted: "2.9", least: 2.2, most: 3.3 },
    },
    Exercise {
        id: "b5",
        pair: [
            Side { label: "closed", ..Side::closed("part1") },
            Side { label: "open 100/s", pacing: Pacing::Open(100.0), ..Side::closed("part1") },
        ],
        clients: 1,
        requests: 800,
        delay: 0,
        accept_delay: 0,
        stall: Some((500, 200)),
        counts_refusals: false,
        metric: Metric::P99,
        expectation: Expectation { predicted: "over 50", least: 20.0, most: f64::INFINITY },
    },
    Exercise {
        id: "b7",
        pair: [
            Side { label: "queue 100", flags: &["--max-in-flight", "8", "--queue", "100"], ..OVERLOADED },
            Side { label: "queue 10000", flags: &["--max-in-flight", "8", "--queue", "10000"], ..OVERLOADED },
        ],
        // More than wait in the longer queue at any time, so that all requests are sent when they are due.
        clients: 1900,
        requests: 3200,
        delay: 20,
        accept_delay: 0,
        stall: None,
        counts_refusals: true,
        metric: Metric::P99,
        expectation: Expectation { predicted: "15", least: 5.0, most: f64::INFINITY },
    },
];

/// The names of the exercises.
pub fn names() -> impl Iterator<Item = &'static str> {
    EXERCISES.iter().map(|exercise| exercise.id)
}

pub(super) fn find(id: &str) -> Option<&'static Exercise> {
    EXERCISES.iter().find(|exercise| exercise.id.eq_ignore_ascii_case(id))
}

/// The exercise that compares the stages with these numbers, except b5 and b7, which compare a stage with itself.
pub(super) fn of_pair(numbers: &[String]) -> Option<&'static Exercise> {
    let stages: Vec<String> = numbers.iter().map(|number| format!("part{number}")).collect();
    let is_about = |exercise: &&Exercise| stages == exercise.pair.each_ref().map(|side| side.stage);
    EXERCISES.iter().find(is_about).filter(|_| stages[0] != stages[1])
}
