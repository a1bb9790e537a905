//! `cargo lab ...`: the attendee's tool.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lab::places::DOCTOR;
use lab::{bench, check, demo, diff, doctor, get, hint, list, next, restore, solve, start};
use stage::OrTry;
use testkit::stop;

/// The workshop's tool
#[derive(Parser)]
#[command(bin_name = "cargo lab", disable_help_subcommand = true, after_help = EXAMPLES)]
struct Lab {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure stages against each other; b1, b2, b3, b5 and b7 are graded
    Bench(bench::Flags),
    /// Start the demo backend and a stage before it, and make two requests
    Demo(demo::Demo),
    /// Show what one stage changed in the sources of another
    Diff(diff::Diff),
    /// Fetch a path through the stage that is running
    Get(get::Get),
    /// Look whether this machine has what the workshop needs
    Doctor,
    /// List the stages, their tasks, and what is done
    List,
    /// Fill work/ with the start of a stage; what it replaces is kept
    Start(start::Start),
    /// Check the tasks in work/; with --watch again after each change
    Check(check::Check),
    /// Show a hint for a task
    Hint(hint::Hint),
    /// Show how the stage solves a task, and write it if you say so
    Solve(solve::Solve),
    /// Carry your code in work/ on to the start of the next stage
    Next,
    /// Bring back what was in work/ before start, next or solve
    Restore(restore::Restore),
}

const EXAMPLES: &str = "\
Examples:
  cargo lab demo              the newest stage, with the demo backend
  cargo lab get /hello/you    in a second terminal: a request through it
  cargo lab diff 1 2          what part2 changed in part1
  cargo lab start 1           fill work/ with the start of stage 1
  cargo lab check --watch     check what you do there, task by task
  cargo lab next              go on to the next stage with your code";

fn main() -> ExitCode {
    stage::report_panics();
    let command = Lab::parse().command;
    stage::exit(stop::catch().or_try(DOCTOR).and_then(|()| match command {
        Command::Bench(flags) => bench::run(&flags),
        Command::Demo(demo) => demo::run(&demo),
        Command::Diff(diff) => diff::run(&diff),
        Command::Get(get) => get::run(&get),
        Command::Doctor => doctor::run(),
        Command::List => list::run(),
        Command::Start(start) => start::run(&start),
        Command::Check(check) => check::run(&check),
        Command::Hint(hint) => hint::run(&hint),
        Command::Solve(solve) => solve::run(&solve),
        Command::Next => next::run(),
        Command::Restore(restore) => restore::run(&restore),
    }))
}
