//! The command of a soak: which stages, how long, and the exit code.

use stage::{Failure, OrTry, parse_number};

use crate::{Plan, run};
use conformance::{Subject, build};
use testkit::MAX_STAGE;

/// The longest load: a week.
const MAX_MINUTES: u64 = 7 * 24 * 60;

/// The flags of `cargo maintain soak`.
#[derive(clap::Args)]
pub struct Soak {
    /// Load only this stage [default: all from part2 on]
    #[arg(long, value_name = "N", value_parser = parse_number::<u32, 0, MAX_STAGE>)]
    stage: Option<u32>,

    /// How many minutes to load each stage
    #[arg(long, value_name = "MINUTES", default_value = "2", value_parser = parse_number::<u64, 2, MAX_MINUTES>)]
    minutes: u64,
}

/// Runs the command.
///
/// # Errors
/// A proxy fails a check, or cannot be built or started.
pub fn command(soak: &Soak) -> Result<(), Failure> {
    let plan = Plan::minutes(soak.minutes).or_try("ulimit -n 4096")?;
    let mut failures = 0;
    for subject in subjects(soak)? {
        let report = run(&subject, &plan).or_try("cargo lab doctor")?;
        print!("{report}");
        failures += report.problems().len();
    }
    if failures > 0 {
        return Err(Failure::new(format!("{failures} checks failed"), "read the lines with FAIL above"));
    }
    Ok(())
}

fn subjects(soak: &Soak) -> Result<Vec<Subject>, Failure> {
    match soak.stage {
        Some(1) => {
            let problem = "part1 serves one client at a time, so there is no load to put on it";
            Err(Failure::usage(problem, "--stage 2"))
        }
        Some(number) => build(&[number]),
        None => Ok(build(&[])?.into_iter().filter(|subject| subject.number() > 1).collect()),
    }
}
