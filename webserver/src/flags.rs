//! The flags of the demo backend. All times are in milliseconds.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use stage::parse_number;

/// The longest time that a flag may give: a day. A longer one is a mistake, and adding it to the clock could overflow.
const MAX_MILLISECONDS: u64 = 24 * 60 * 60 * 1000;
/// The largest distance between two stalled responses.
const MAX_EVERY: u64 = 10_000_000;

const EXAMPLES: &str = "\
Examples:
  cargo run -p webserver                                     the book, and at /experiments what to try
  cargo run -p webserver -- --docroot site                   the folder `site` instead of the book
  cargo run -p webserver -- --stall 2000 --stall-every 10    every tenth response is 2 s late";

/// The demo backend of the workshop: endpoints to experiment with
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Flags {
    /// Where to listen for clients; port 0 takes any free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8081")]
    pub listen: String,

    #[command(flatten)]
    pub clients: stage::tokio::Flags,

    /// Serve the files of this folder instead of the book; the experiments keep their paths
    #[arg(long, value_name = "DIR")]
    pub docroot: Option<PathBuf>,

    /// What to log: error, warn, info, debug (the variable RUST_LOG has precedence)
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log: String,

    /// How long every response waits
    #[arg(long, value_name = "MS", default_value = "0", value_parser = parse_number::<u64, 0, MAX_MILLISECONDS>)]
    delay: u64,

    /// How long to wait before the first read of each connection
    #[arg(long, value_name = "MS", default_value = "0", value_parser = parse_number::<u64, 0, MAX_MILLISECONDS>)]
    accept_delay: u64,

    /// How long every N-th response waits
    #[arg(long, value_name = "MS", requires = "stall_every", value_parser = parse_number::<u64, 0, MAX_MILLISECONDS>)]
    stall: Option<u64>,

    /// Which responses --stall delays: every N-th of all connections together
    #[arg(long, value_name = "N", requires = "stall", value_parser = parse_number::<u64, 1, MAX_EVERY>)]
    stall_every: Option<u64>,

    /// After how long an idle connection is closed [default: 75000]
    #[arg(long, value_name = "MS", value_parser = parse_number::<u64, 1, MAX_MILLISECONDS>)]
    idle_timeout: Option<u64>,
}

impl Flags {
    pub fn accept_delay(&self) -> Duration {
        Duration::from_millis(self.accept_delay)
    }

    pub fn idle_timeout(&self) -> Option<Duration> {
        self.idle_timeout.map(Duration::from_millis)
    }

    /// How long the response to a request waits; `number` counts the requests from 1.
    pub fn delay_of(&self, number: u64) -> Duration {
        let stall = match (self.stall, self.stall_every) {
            (Some(stall), Some(every)) if number.is_multiple_of(every) => stall,
            _ => 0,
        };
        Duration::from_millis(self.delay + stall)
    }
}
