//! The results as rows and sentences, shared by the terminal and the page.

use crate::bench::figures::{Metric, Ratio, number};
use crate::bench::latencies::PERCENTILES;
use crate::bench::load::Pacing;
use crate::bench::measure::Case;
use crate::bench::plan::Plan;

/// A ratio of two cases and its name.
pub(super) struct Comparison {
    pub(super) name: String,
    pub(super) ratio: Ratio,
}

/// Rows of cells; the first row names the columns.
pub(super) fn table(cases: &[Case]) -> Vec<Vec<String>> {
    let mut head = vec!["".to_owned(), "clients".to_owned(), "req/s".to_owned(), "spread".to_owned()];
    head.extend(PERCENTILES.map(|(name, _, _)| name.to_owned()));
    head.extend(["max", "CPU us/req", "peak MiB", "conns", "in flight"].map(str::to_owned));
    let mut rows = vec![head];
    rows.extend(cases.iter().map(row));
    rows
}

fn row(case: &Case) -> Vec<String> {
    let unknown = || "-".to_owned();
    let throughput = case.series(|run| run.throughput);
    let spread = throughput.spread().map_or_else(unknown, |spread| format!("{:.0} %", spread * 100.0));
    let mut row = vec![case.name.clone(), case.clients.to_string(), number(throughput.median()), spread];
    let fewest = case.runs.iter().map(|run| run.latencies.count()).min().unwrap_or_default();
    for (_, quantile, needed) in PERCENTILES {
        row.push(match fewest >= needed {
            true => number(case.series(|run| run.latencies.quantile(quantile)).median()),
            false => unknown(),
        });
    }
    row.push(number(case.latencies().max()));
    row.push(case.cpu_per_request(|run| run.proxy_cpu).map_or_else(unknown, number));
    row.push(case.peak_memory_kib.map_or_else(unknown, |kib| format!("{:.1}", kib as f64 / 1024.0)));
    row.push(number_or_zero(case.series(|run| run.backend_connections as f64).median()));
    row.push(number_or_zero(case.series(|run| run.in_flight_max as f64).most()));
    row
}

fn number_or_zero(value: f64) -> String {
    format!("{value:.0}")
}

/// The meaning of the columns.
pub(super) const LEGEND: &str = "req/s: requests a second, the median of the rounds; spread: how far the rounds are \
    apart. p50 to p99.9: the latency in ms that so many percent did not exceed, the median of the rounds; max: the \
    slowest of all rounds. CPU: what the proxy itself used; conns: connections that it opened to the backend in a \
    round; in flight: the most requests that the backend had at once. -: not known, or too few requests to tell.";

/// Compares each subject with the first, for each number of clients.
pub(super) fn compare(plan: &Plan, cases: &[Case]) -> Vec<Comparison> {
    let mut comparisons = Vec::new();
    for level in cases.chunks(plan.subjects.len()) {
        let Some((first, others)) = level.split_first() else {
            continue;
        };
        for other in others {
            let (base, metric) = (first.metric(plan.metric), plan.metric.name());
            let ratio = Ratio::new(&base, &other.metric(plan.metric), plan.expectation.as_ref());
            let mut name = format!("{metric} of {} / {}", other.name, first.name);
            if plan.levels.len() > 1 {
                name += &format!(", clients {}", first.clients);
            }
            comparisons.push(Comparison { name, ratio });
        }
    }
    comparisons
}

/// Describes the runs in one line.
pub(super) fn describe(plan: &Plan) -> String {
    let load = &plan.load;
    let rounds = if plan.rounds == 1 { "1 round".to_owned() } else { format!("{} rounds", plan.rounds) };
    let mut text = format!("GET {}, {} requests a run, {rounds}", load.path, plan.requests);
    text += &match (load.cold, plan.warm_up) {
        (true, _) => ", cold".to_owned(),
        (false, warm_up) => format!(", {warm_up} requests before each to warm up"),
    };
    for (name, milliseconds) in [
        ("delay", load.delay),
        ("accept-delay", load.accept_delay),
        ("stall", load.stall.unwrap_or_default()),
    ] {
        if milliseconds > 0 {
            text += &format!(", {name} {milliseconds} ms");
        }
    }
    if let Some(every) = load.stall_every {
        text += &format!(" every {every} requests");
    }
    if load.close {
        text += ", a connection for each request";
    }
    let paces: Vec<Pacing> = plan.subjects.iter().map(|subject| subject.pacing).collect();
    if let Some(Pacing::Open(rate)) = paces.first() {
        text += &format!(", open loop at {rate} a second");
    } else if paces.iter().all(|&pacing| pacing == Pacing::Closed) {
        text += ", closed loop";
    }
    text
}

/// Notes about the load generator.
pub(super) fn notes(plan: &Plan, cases: &[Case]) -> Vec<String> {
    let mut notes = Vec::new();
    let generator = cases.iter().filter_map(|case| case.cpu_per_request(|run| run.generator_cpu));
    if let Some(most) = generator.reduce(f64::max) {
        notes.push(format!("The load generator used up to {} us of CPU a request.", number(most)));
    }
    for case in cases {
        let subject = plan.subjects.iter().find(|subject| subject.name == case.name);
        if let Some(Pacing::Open(rate)) = subject.map(|subject| subject.pacing) {
            let median = case.series(|run| run.throughput).median();
            let refused = case.refused();
            if refused.count() > 0 {
                notes.push(format!(
                    "{} answered {} of {rate} requests a second, and refused {} of {} in all: half of these within \
                     {} ms, 99 % within {} ms.",
                    case.name,
                    number(median),
                    refused.count(),
                    refused.count() + case.latencies().count(),
                    number(refused.quantile(0.5)),
                    number(refused.quantile(0.99)),
                ));
            } else if median < rate * 0.95 {
                notes.push(format!(
                    "{} served {} of {rate} requests a second: the queue grows, and the latencies with it.",
                    case.name,
                    number(median)
                ));
            }
        }
    }
    if plan.metric == Metric::Throughput && plan.load.open.is_some() {
        notes.push("In an open loop the rate is given: compare latencies.".to_owned());
    }
    notes
}
