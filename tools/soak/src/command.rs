//! The command of a soak: which stages, how long, and the exit code.

use anyhow::bail;
use stage::{Failure, parse_number};

use crate::{Plan, run};
use conformance::{Subject, build};
use testkit::{MAX_STAGE, Workspace};

/// The longest load: a week.
const MAX_MINUTES: u64 = 7 * 24 * 60;

/// The flags of `cargo maintain soak`.
#[derive(clap::Args)]
pub struct Soak {
    /// Only this stage; without it, all from part2 on
    #[arg(long, value_name = "N", value_parser = parse_number::<u32, 0, MAX_STAGE>)]
    stage: Option<u32>,

    /// How long each is loaded
    #[arg(long, value_name = "MINUTES", default_value = "2", value_parser = parse_number::<u64, 2, MAX_MINUTES>)]
    minutes: u64,
}

/// Runs the command.
///
/// # Errors
/// A proxy fails a check, or cannot be built or started.
pub fn command(soak: &Soak) -> anyhow::Result<()> {
    let plan = Plan::minutes(soak.minutes)?;
    let mut failures = 0;
    for subject in subjects(soak)? {
        let report = run(&subject, &plan)?;
        print!("{report}");
        failures += report.problems().len();
    }
    if failures > 0 {
        bail!("{failures} things went wrong: look for FAIL above");
    }
    Ok(())
}

fn subjects(soak: &Soak) -> anyhow::Result<Vec<Subject>> {
    match soak.stage {
        Some(1) => {
            let message =
                "part1 serves one client at a time, so there is no load to put on it. Try: --stage 2";
            Err(Failure::Usage(message.to_owned()).into())
        }
        Some(number) => build(&[number]),
        None => {
            let concurrent = Workspace::find()?.stages().into_iter().filter(|&number| number > 1);
            build(&concurrent.collect::<Vec<_>>())
        }
    }
}
