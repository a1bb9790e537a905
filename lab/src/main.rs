//! `cargo lab ...`: the attendee's tool.

mod attendee;
mod demo;
mod diff;
mod get;
mod shown;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lab::bench;

/// The workshop's tool
#[derive(Parser)]
#[command(version, bin_name = "cargo lab", after_help = EXAMPLES)]
struct Lab {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure stages against each other; b1, b2, b3 and b5 are graded
    Bench(bench::Flags),
    /// Run cases, each with its RFC section, against stages or any proxy
    Conform(lab::conform::Conform),
    /// Start the demo backend and a stage before it, and make two requests
    Demo(demo::Demo),
    /// Show what one stage changed in the sources of another
    Diff(diff::Diff),
    /// Fetch a path through the stage that is running
    Get(get::Get),
    /// Load stages while their backend fails in every way; count losses
    Soak(lab::soak::Soak),
    #[command(flatten)]
    Attendee(attendee::Command),
}

const EXAMPLES: &str = "\
Examples:
  cargo lab demo              the newest stage, with the demo backend
  cargo lab get /hello/you    in a second terminal: a request through it
  cargo lab diff 1 2          what part2 changed in part1
  cargo lab start 1           fill work/ with the start of stage 1
  cargo lab check 1           check what you did there";

fn main() -> ExitCode {
    stage::report_panics();
    stage::exit(match Lab::parse().command {
        Command::Bench(flags) => bench::run(&flags),
        Command::Conform(conform) => lab::conform::command(&conform),
        Command::Demo(demo) => demo::run(&demo),
        Command::Diff(diff) => diff::run(&diff),
        Command::Get(get) => get::run(&get),
        Command::Soak(soak) => lab::soak::command(&soak),
        Command::Attendee(command) => attendee::run(&command),
    })
}
