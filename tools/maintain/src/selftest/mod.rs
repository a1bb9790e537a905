//! `cargo maintain selftest`: whether everything that the workshop needs works on this machine.
//!
//! | file | what it holds |
//! |---|---|
//! | `checks.rs`, `variants.rs` | each check passes on its stage, and fails without its task |
//! | `blocks.rs`, `server.rs`, `shell.rs` | runs the commands of the book in order |
//! | `benchmarks.rs` | the graded benchmarks are in their accepted ranges |
//! | `workspace.rs` | workspaces beside the real one, so that no user's work is changed |

mod benchmarks;
mod blocks;
mod checks;
mod server;
mod shell;
mod variants;
mod workspace;

use std::time::Instant;

use stage::Failure;
use testkit::say;

use lab::places::Places;

#[derive(clap::Args)]
pub struct Selftest {
    /// What to test [default: everything]
    #[arg(value_name = "PART")]
    parts: Vec<Part>,

    /// How many times to run the checks
    #[arg(long, value_name = "K", default_value = "1", value_parser = stage::parse_size)]
    repeat: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Part {
    /// Each check passes on its stage, and fails without its task
    Checks,
    /// The commands of the book print what it shows; needs ports 8079 to 8083
    Book,
    /// The graded benchmarks are in their accepted ranges
    Benchmarks,
}

pub fn run(selftest: &Selftest) -> Result<(), Failure> {
    let places = Places::find()?;
    let is_asked_for = |part| selftest.parts.is_empty() || selftest.parts.contains(&part);
    let started = Instant::now();
    let pages = if is_asked_for(Part::Book) { blocks::read(&places)? } else { Vec::new() };
    // Before the parts that take long.
    blocks::need_ports(&pages)?;
    let mut wrong = 0;
    if is_asked_for(Part::Checks) {
        wrong += checks::run(&places, selftest.repeat)?;
    }
    if is_asked_for(Part::Benchmarks) {
        wrong += benchmarks::run()?;
    }
    if is_asked_for(Part::Book) {
        wrong += blocks::run(&places, &pages)?;
    }
    let seconds = started.elapsed().as_secs();
    if wrong > 0 {
        let problem = format!("{wrong} tests failed (after {seconds} s)");
        return Err(Failure::new(problem, "read the lines with WRONG above, or run cargo lab doctor"));
    }
    say!("everything passed, after {seconds} s");
    Ok(())
}
