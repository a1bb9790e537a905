//! `cargo maintain ...`: the maintainers' tool, which attendees do not need.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lab::places::DOCTOR;
use maintain::selftest;
use stage::OrTry;
use testkit::stop;

/// Tests the checks, the book and the stages of the workshop
#[derive(Parser)]
#[command(version, bin_name = "cargo maintain")]
struct Maintain {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run cases, each with its RFC section, against stages or any proxy
    Conform(conformance::Conform),
    /// Test the checks, the book's commands and the graded benchmarks
    Selftest(selftest::Selftest),
    /// Load stages while their backend fails, and count lost requests
    Soak(soak::Soak),
}

fn main() -> ExitCode {
    stage::report_panics();
    let command = Maintain::parse().command;
    stage::exit(stop::catch().or_try(DOCTOR).and_then(|()| match command {
        Command::Conform(conform) => conformance::command(&conform),
        Command::Selftest(selftest) => selftest::run(&selftest),
        Command::Soak(soak) => soak::command(&soak),
    }))
}
