//! The files of a measurement: all figures as JSON, and an HTML page.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stage::Failure;

use crate::bench::environment::Environment;
use crate::bench::figures::Grade;
use crate::bench::latencies::{Latencies, PERCENTILES};
use crate::bench::load::Pacing;
use crate::bench::measure::{Case, Invalid, Run};
use crate::bench::plan::Plan;
use crate::bench::report::Comparison;
use crate::places::OrCannot;

/// Writes the figures and returns the path of the file.
pub(super) fn write_json(
    folder: &Path,
    environment: &Environment,
    plan: &Plan,
    measured: Result<(&[Case], &[Comparison]), &Invalid>,
) -> Result<PathBuf, Failure> {
    let entries = environment.entries.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    let mut record = json!({
        "environment": Value::Object(entries.collect()),
        "plan": plan_json(plan),
        "valid": measured.is_ok(),
    });
    match measured {
        Ok((cases, comparisons)) => {
            record["cases"] = cases.iter().map(case_json).collect();
            record["ratios"] = comparisons.iter().map(comparison_json).collect();
        }
        Err(invalid) => {
            record["errors"] = json!({
                "subject": invalid.subject,
                "clients": invalid.clients,
                "round": invalid.round,
                "count": invalid.errors,
                "log": invalid.log,
            });
        }
    }
    write(folder, &format!("{}.json", environment.time), &format!("{record:#}\n"))
}

/// Writes the page twice: under its time, and as the latest page.
pub(super) fn write_page(folder: &Path, environment: &Environment, page: &str) -> Result<PathBuf, Failure> {
    write(folder, "latest.html", page)?;
    write(folder, &format!("{}.html", environment.time), page)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    let file = folder.join(name);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, text));
    written.or_cannot("write", &file)?;
    Ok(file)
}

fn plan_json(plan: &Plan) -> Value {
    let subjects: Vec<Value> = plan
        .subjects
        .iter()
        .map(|subject| {
            let (name, flags) = (&subject.name, subject.flags);
            match subject.pacing {
                Pacing::Closed => json!({ "name": name, "flags": flags, "loop": "closed" }),
                Pacing::Open(rate) => json!({ "name": name, "flags": flags, "loop": "open", "rate": rate }),
            }
        })
        .collect();
    json!({
        "title": plan.title,
        "subjects": subjects,
        "clients": plan.levels,
        "requests": plan.requests,
        "warm_up": plan.warm_up,
        "rounds": plan.rounds,
        "path": plan.load.path,
        "delay_ms": plan.load.delay,
        "accept_delay_ms": plan.load.accept_delay,
        "stall_ms": plan.load.stall,
        "stall_every": plan.load.stall_every,
        "cold": plan.load.cold,
        "close": plan.load.close,
        "warnings": plan.warnings,
    })
}

fn case_json(case: &Case) -> Value {
    json!({
        "name": case.name,
        "clients": case.clients,
        "peak_memory_kib": case.peak_memory_kib,
        "cpu_us_per_request": case.cpu_per_request(|run| run.proxy_cpu),
        "requests_per_second_median": case.series(|run| run.throughput).median(),
        "requests_per_second_spread": case.series(|run| run.throughput).spread(),
        "latency_ms_all_rounds": latencies_json(&case.latencies()),
        "rounds": case.runs.iter().map(run_json).collect::<Vec<_>>(),
    })
}

fn run_json(run: &Run) -> Value {
    json!({
        "requests_per_second": run.throughput,
        "seconds": run.elapsed.as_secs_f64(),
        "latency_ms": latencies_json(&run.latencies),
        "refused_latency_ms": latencies_json(&run.refused),
        "proxy_cpu_seconds": run.proxy_cpu.map(|cpu| cpu.as_secs_f64()),
        "load_generator_cpu_seconds": run.generator_cpu.map(|cpu| cpu.as_secs_f64()),
        "client_connections": run.client_connections,
        "backend_connections": run.backend_connections,
        "in_flight_max": run.in_flight_max,
    })
}

/// Percentiles that need more requests are null.
fn latencies_json(latencies: &Latencies) -> Value {
    let mut value = json!({ "count": latencies.count(), "max": latencies.max() });
    for (name, quantile, needed) in PERCENTILES {
        value[name] = json!((latencies.count() >= needed).then(|| latencies.quantile(quantile)));
    }
    value
}

fn comparison_json(comparison: &Comparison) -> Value {
    let ratio = &comparison.ratio;
    let grade = match ratio.grade {
        Grade::Measured => "measured",
        Grade::OneRound => "one round",
        Grade::Pass => "pass",
        Grade::Fail => "fail",
        Grade::Noisy => "noisy",
    };
    // A ratio that is too noisy to be printed is null here as well; the rounds show why.
    json!({
        "name": comparison.name,
        "ratio": (!ratio.is_noisy()).then(|| ratio.rounds.median()),
        "rounds": ratio.rounds.values(),
        "spread": ratio.rounds.spread(),
        "verdict": grade,
    })
}
