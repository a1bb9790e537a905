//! Prints what a running proxy has counted: the paths with the most bytes first; or its backends,
//! how long requests took, and its queue.

mod table;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use serde::Serialize;
use stage::parse_number;
use stats_client::{PATH, get_backends, get_queue, get_request_stats, get_stats};

/// The escape sequences that move the cursor to the upper left corner and clear the screen after it.
const CLEAR: &str = "\x1b[H\x1b[J";

/// The most paths that `--top` may ask for: a proxy counts 10,000 separately.
const MAX_ROWS: u64 = 1_000_000;
/// The longest pause of `--watch`: one day.
const MAX_WATCH_SECONDS: u64 = 24 * 60 * 60;

/// Prints the paths for which a running stage (part5 or later) has sent the most bytes
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Examples:
  cargo run -p stats-client                    the ten paths with the most bytes
  cargo run -p stats-client -- --watch 1       the same, again every second
  cargo run -p stats-client -- --backends      the backends of part6, with their state
  cargo run -p stats-client -- --latencies --queue
                                               how long the requests of part7 took, and its queue"
)]
struct Flags {
    /// The address of the stats RPC: HOST:PORT, or the URL that the proxy prints
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8079")]
    rpc: String,

    /// How many paths to print
    #[arg(long, value_name = "NUMBER", default_value = "10", value_parser = parse_number::<usize, 0, MAX_ROWS>)]
    top: usize,

    /// Print the backends instead of the paths (part6)
    #[arg(long, conflicts_with = "top")]
    backends: bool,

    /// Print how long the requests for each path took, instead of the bytes (part7)
    #[arg(long, conflicts_with = "top")]
    latencies: bool,

    /// Print how many requests are in flight, wait and were refused, instead of the paths (part7)
    #[arg(long, conflicts_with = "top")]
    queue: bool,

    /// Print each complete answer of the RPC as a line of JSON
    #[arg(long)]
    json: bool,

    /// Print again every SECONDS seconds, until Ctrl-C
    #[arg(long, value_name = "SECONDS", value_parser = parse_number::<u64, 1, MAX_WATCH_SECONDS>)]
    watch: Option<u64>,
}

fn main() -> ExitCode {
    stage::report_panics();
    let result = run(&Flags::parse());
    let is_closed_pipe = |error: &anyhow::Error| {
        error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    };
    match result {
        // The reader of the output has closed the pipe.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        result => stage::exit(result),
    }
}

fn run(flags: &Flags) -> anyhow::Result<()> {
    let mut out = io::stdout();
    let is_terminal = out.is_terminal();
    let mut has_answered = false;
    let mut last_failure = None;
    loop {
        match (ask(flags), flags.watch) {
            (Ok(text), _) => {
                if flags.watch.is_some() && is_terminal {
                    out.write_all(CLEAR.as_bytes())?;
                } else if has_answered && !flags.json {
                    out.write_all(b"\n")?;
                }
                out.write_all(text.as_bytes())?;
                out.flush()?;
                has_answered = true;
                last_failure = None;
            }
            // The proxy may be restarted. The same failure is printed once.
            (Err(error), Some(seconds)) if has_answered => {
                let failure = format!("error: {error:#}. Asking again every {seconds} s");
                if last_failure.as_ref() != Some(&failure) {
                    // A closed stderr does not end the watch.
                    let _ = writeln!(io::stderr(), "{failure}");
                }
                last_failure = Some(failure);
            }
            (Err(error), _) => return Err(error),
        }
        let Some(seconds) = flags.watch else {
            return Ok(());
        };
        thread::sleep(Duration::from_secs(seconds));
    }
}

/// Asks once, and returns what to print. The name is resolved each time, because a restart may give it another address.
fn ask(flags: &Flags) -> anyhow::Result<String> {
    let rpc = flags.rpc.strip_suffix(PATH).unwrap_or(&flags.rpc);
    let rpc = stage::resolve_address("--rpc", rpc, "127.0.0.1:8079")?;
    let mut answers = Vec::new();
    if flags.backends {
        answers.push(shown(flags, &get_backends(&rpc)?, table::backends)?);
    }
    if flags.latencies {
        answers.push(shown(flags, &get_request_stats(&rpc)?, table::latencies)?);
    }
    if flags.queue {
        answers.push(shown(flags, &get_queue(&rpc)?, table::queue)?);
    }
    if answers.is_empty() {
        answers.push(shown(flags, &get_stats(&rpc)?, |stats| table::paths(stats, flags.top))?);
    }
    Ok(answers.join(if flags.json { "" } else { "\n" }))
}

/// An answer as a table, or as JSON.
fn shown<T: Serialize>(flags: &Flags, answer: &T, table: impl Fn(&T) -> String) -> anyhow::Result<String> {
    if flags.json { json(answer) } else { Ok(table(answer)) }
}

/// The answer as a line of JSON in ASCII: a terminal would act on some of the other characters.
fn json(answer: &impl Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string(answer).context("the answer cannot be written as JSON")?;
    let mut line = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        // All of these are in strings, where RFC 8259 section 7 lets any character be escaped.
        if character.is_ascii() && !character.is_ascii_control() {
            line.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                line += &format!("\\u{unit:04x}");
            }
        }
    }
    Ok(line + "\n")
}
