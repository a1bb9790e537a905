//! `cargo lab bench`: compares stages. Whatever makes a figure misleading is excluded or reported: a debug
//! build, an error, a cold start, a noisy machine.
//!
//! | file | what it holds |
//! |---|---|
//! | `flags.rs`, `plan.rs`, `exercise.rs` | what is measured; the graded exercises |
//! | `variant.rs` | stages with a patch |
//! | `load.rs`, `connection.rs`, `latencies.rs`, `usage.rs`, `measure.rs` | the measurement |
//! | `figures.rs`, `report.rs`, `terminal.rs`, `record.rs`, `page.rs`, `svg.rs` | the results |

mod connection;
mod environment;
mod exercise;
mod figures;
mod flags;
mod latencies;
mod load;
mod measure;
mod page;
mod plan;
mod record;
mod report;
mod svg;
mod terminal;
mod usage;
mod variant;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use stage::{Failure, OrTry};

use crate::lock::Lock;
use crate::places::{Places, binary};
use crate::stdout::written;
use environment::Environment;
use measure::BACKEND;
use plan::{Plan, Program};
use report::Comparison;
use testkit::Profile;
use testkit::progress::Progress;
use testkit::text::wrap;

pub use connection::Expected;
pub use exercise::names as exercises;
pub use figures::{Expectation, Grade, Metric, Ratio, Series};
pub use flags::Flags;
pub use latencies::Latencies;
pub use load::{Load, Outcome, Pacing, run as run_load};
pub use variant::{Variant, names as variant_names};

/// The number of rounds of a graded exercise.
const GRADED_ROUNDS: u32 = 3;

/// What to try if other programs may have disturbed a measurement.
const AGAIN: &str = "stop other programs, and run it again";

/// Runs the measurement that the flags describe.
///
/// # Errors
/// A flag is invalid, something does not build, a response is wrong, or a ratio is noisy or out of range.
pub fn run(flags: &Flags) -> Result<(), Failure> {
    let places = Places::find()?;
    let plan = Plan::new(&places.workspace, flags)?;
    let comparisons = evaluate(&places, &plan)?;
    let count = |grade| comparisons.iter().filter(|comparison| comparison.ratio.grade == grade).count();
    match (count(Grade::Noisy), count(Grade::Fail)) {
        (0, 0) => Ok(()),
        (0, _) => Err(Failure::new("the ratio is outside the accepted range", AGAIN)),
        (noisy, _) => {
            let problem = format!("{noisy} of {} ratios are refused, see above", comparisons.len());
            Err(Failure::new(problem, AGAIN))
        }
    }
}

/// Measures a graded exercise and prints the results.
///
/// # Errors
/// There is no such exercise, something does not build, or a response is wrong.
pub fn grade(exercise: &str) -> Result<Grade, Failure> {
    let places = Places::find()?;
    let none = || Failure::new(format!("there is no exercise {exercise}"), "cargo lab bench b1");
    let found = exercise::find(exercise).ok_or_else(none)?;
    let comparisons = evaluate(&places, &Plan::graded(found, GRADED_ROUNDS, None))?;
    let first = comparisons.first().map(|comparison| comparison.ratio.grade);
    first.ok_or_else(|| Failure::new(format!("{exercise} compares nothing"), "cargo lab bench 1 2"))
}

/// Measures, prints and stores the figures, and returns the comparisons.
fn evaluate(places: &Places, plan: &Plan) -> Result<Vec<Comparison>, Failure> {
    // Two concurrent measurements would affect each other.
    let _lock = Lock::take(places, "bench")?;
    for warning in &plan.warnings {
        eprint!("{}", wrap(&format!("warning: {warning}"), ""));
    }
    let limit = stage::raise_open_files_limit().context("cannot raise the limit of open files");
    limit.or_try("ulimit -n 4096")?;
    let binaries = build(plan, places)?;
    let folder = places.kept("bench");
    let environment = Environment::new(places.root(), &folder);
    let mut progress = Progress::default();
    let measured = measure::run(plan, &binaries, &mut progress);
    progress.clear();
    let cases = match measured? {
        Ok(cases) => cases,
        Err(invalid) => {
            let file = record::write_json(&folder, &environment, plan, Err(&invalid))?;
            print(&terminal::explain(&invalid, &places.shown(&file)))?;
            return Err(Failure::new("the measurement is invalid", "read the lines above"));
        }
    };
    let comparisons = report::compare(plan, &cases);
    let page = page::page(&environment, plan, &cases, &comparisons);
    record::write_json(&folder, &environment, plan, Ok((&cases, &comparisons)))?;
    let page = record::write_page(&folder, &environment, &page)?;

    print(&terminal::text(plan, &environment, &cases, &comparisons, &places.shown(&page)))?;
    Ok(comparisons)
}

/// Builds all subjects and the backend, always optimised, because a debug build is several times slower by
/// varying factors. Returns the paths of the binaries by the names of the subjects and the backend.
fn build(plan: &Plan, places: &Places) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut binaries = BTreeMap::new();
    let mut packages = vec![BACKEND];
    // Variants first: cargo later puts the binary of the stage itself in the same place.
    for subject in &plan.subjects {
        if let Program::Variant(variant) = &subject.program {
            binaries.insert(subject.name.clone(), variant.build(places)?);
            // The stage without the patch is built last and stays there.
            packages.push(&variant.stage);
        }
    }
    packages.extend(plan.subjects.iter().filter_map(|subject| match &subject.program {
        Program::Stage(stage) => Some(stage.as_str()),
        _ => None,
    }));
    packages.sort_unstable();
    packages.dedup();
    let built = places.build(Profile::Release, &packages)?;
    binaries.insert(BACKEND.to_owned(), binary(&built, BACKEND)?.to_owned());
    for subject in &plan.subjects {
        match &subject.program {
            Program::Variant(variant) => {
                variant.check(&binaries[&subject.name], binary(&built, &variant.stage)?)?;
            }
            Program::Stage(stage) => {
                binaries.insert(subject.name.clone(), binary(&built, stage)?.to_owned());
            }
            Program::Peer(_) => {}
        }
    }
    Ok(binaries)
}

fn print(text: &str) -> Result<(), Failure> {
    written(io::stdout().lock().write_all(text.as_bytes()))
}
