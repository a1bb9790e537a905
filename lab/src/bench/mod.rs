//! `cargo lab bench`: measures stages against each other, honestly: whatever would make a figure mean something else
//! than it seems (a debug build, an error, a cold start, a noisy machine) is excluded or said.
//!
//! | file | what it holds |
//! |---|---|
//! | `flags.rs`, `plan.rs`, `exercise.rs` | what is measured; the graded exercises |
//! | `build.rs`, `variant.rs`, `peer.rs` | where the proxies come from |
//! | `load.rs`, `connection.rs`, `latencies.rs`, `usage.rs`, `measure.rs` | measuring |
//! | `figures.rs`, `report.rs`, `terminal.rs`, `record.rs`, `page.rs`, `svg.rs` | what comes out |

mod connection;
mod environment;
mod exercise;
mod figures;
mod flags;
mod latencies;
mod load;
mod measure;
mod page;
mod peer;
mod plan;
mod record;
mod release;
mod report;
mod svg;
mod terminal;
mod usage;
mod variant;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};

use environment::Environment;
use plan::{Plan, Program};
use release::Folders;
use report::Comparison;
use testkit::progress::Progress;
use testkit::stop;
use testkit::text::wrap;

pub use connection::Expected;
pub use exercise::names as exercises;
pub use figures::{Expectation, Metric, Ratio, Series, Verdict};
pub use flags::Flags;
pub use latencies::Latencies;
pub use load::{Load, Outcome, Pacing, run as run_load};
pub use variant::{Variant, names as variant_names};

/// How often a graded exercise is measured.
const GRADED_ROUNDS: u32 = 3;

/// Measures what the flags ask for.
///
/// # Errors
/// A flag cannot be used, something does not build, a response is wrong, or a ratio is noisy or not as expected.
pub fn run(flags: &Flags) -> anyhow::Result<()> {
    let folders = Folders::find()?;
    let plan = Plan::new(&folders.workspace, flags)?;
    let comparisons = evaluate(&folders, &plan)?;
    let count = |verdict| comparisons.iter().filter(|comparison| comparison.ratio.verdict == verdict).count();
    match (count(Verdict::Noisy), count(Verdict::Fail)) {
        (0, 0) => Ok(()),
        (0, _) => bail!("the ratio is outside the accepted range. Try: once more, with nothing else running"),
        (noisy, _) => bail!("{noisy} of {} ratios refused, see above", comparisons.len()),
    }
}

/// Measures a graded exercise, and prints what comes of it.
///
/// # Errors
/// There is no such exercise, something does not build, or a response is wrong.
pub fn grade(exercise: &str) -> anyhow::Result<Verdict> {
    let folders = Folders::find()?;
    let found = exercise::find(exercise).with_context(|| format!("there is no exercise {exercise}"))?;
    let comparisons = evaluate(&folders, &Plan::graded(found, GRADED_ROUNDS, None))?;
    comparisons.first().map(|comparison| comparison.ratio.verdict).context("nothing was compared")
}

/// Measures, prints and keeps the figures, and returns what they came to.
fn evaluate(folders: &Folders, plan: &Plan) -> anyhow::Result<Vec<Comparison>> {
    stop::catch()?;
    for warning in &plan.warnings {
        eprint!("{}", wrap(&format!("warning: {warning}"), ""));
    }
    testkit::raise_open_files_limit().context("cannot raise the limit of open files")?;
    let binaries = build(plan, folders);
    stop::exit_if_stopped();
    let binaries = binaries?;
    let folder = folders.lab("bench");
    let environment = Environment::new(&folders.workspace, &folder);
    let mut progress = Progress::default();
    let measured = measure::run(plan, folders, &binaries, &mut progress);
    progress.clear();
    stop::exit_if_stopped();
    let cases = match measured? {
        Ok(cases) => cases,
        Err(invalid) => {
            let file = record::write_json(&folder, &environment, plan, Err(&invalid))?;
            print(&terminal::explain(&invalid, &folders.shown(&file)))?;
            bail!("the measurement is invalid, see above");
        }
    };
    let comparisons = report::compare(plan, &cases);
    let page = page::page(&environment, plan, &cases, &comparisons);
    record::write_json(&folder, &environment, plan, Ok((&cases, &comparisons)))?;
    let page = record::write_page(&folder, &environment, &page)?;

    print(&terminal::text(plan, &environment, &cases, &comparisons, &folders.shown(&page)))?;
    Ok(comparisons)
}

/// Builds all that is measured and the backend, and returns where the binaries are.
fn build(plan: &Plan, folders: &Folders) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut binaries = BTreeMap::new();
    let mut packages = vec!["webserver"];
    // Variants first: cargo puts the binary of the stage itself in the same place afterwards.
    for subject in &plan.subjects {
        if let Program::Variant(variant) = &subject.program {
            binaries.insert(subject.name.clone(), variant.build(folders)?);
            // So that what stays there is the stage without the patch.
            packages.push(&variant.stage);
        }
    }
    for subject in &plan.subjects {
        if let Program::Stage(stage) = &subject.program {
            packages.push(stage);
            binaries.insert(subject.name.clone(), folders.binary(stage));
        }
    }
    packages.sort_unstable();
    packages.dedup();
    folders.build(&folders.workspace, &packages)?;
    for subject in &plan.subjects {
        if let Program::Variant(variant) = &subject.program {
            variant.check(&binaries[&subject.name], &folders.binary(&variant.stage))?;
        }
    }
    Ok(binaries)
}

fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Who reads stdout, as `head` does, has enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}
