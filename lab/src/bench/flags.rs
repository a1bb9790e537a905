//! The flags of `cargo lab bench`.

use clap::ArgAction;
use stage::parse_number;

use testkit::Peer;

/// The longest delay of the backend. All three delays together stay below the timeouts of a proxy.
const MAX_DELAY_MILLISECONDS: u64 = 5_000;
const MAX_REQUESTS: u64 = 10_000_000;
const MAX_CLIENTS: u64 = 512;
const MAX_ROUNDS: u64 = 99;

const EXAMPLES: &str = "\
Examples:
  cargo lab bench 1 2         two stages, under the load of exercise b1
  cargo lab bench b3 work     an exercise, with your own work in it
  cargo lab bench 1 2 --delay 20 --clients 1,4,16
  cargo lab bench 5 --open 200 --stall 500 --stall-every 200
  cargo lab bench 4 --variant wait-then-dial --cold
  cargo lab bench 5 --peer nginx

The exit code is 0 for success, and 1 if a request failed or a ratio was too
noisy or out of its range.";

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, next_line_help = true)]
pub struct Flags {
    /// The numbers of stages, or `work`; or one exercise: b1, b2, b3, b5, b7
    #[arg(value_name = "STAGE")]
    pub(super) subjects: Vec<String>,

    #[command(flatten)]
    pub(super) load: LoadFlags,

    /// How many rounds are measured; the stages take turns
    #[arg(long, value_name = "N", default_value = "3", value_parser = parse_number::<u32, 1, MAX_ROUNDS>)]
    pub(super) rounds: u32,
}

/// Everything that an exercise decides itself.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub(super) struct LoadFlags {
    /// How many clients at once; several are measured in turn [default: 8]
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = parse_number::<u32, 1, MAX_CLIENTS>)]
    pub(super) clients: Vec<u32>,

    /// How many requests a run measures [default: 400 to 10000]
    #[arg(long, value_name = "N", value_parser = parse_number::<u64, 1, MAX_REQUESTS>)]
    pub(super) requests: Option<u64>,

    /// Send this many requests a second; a latency counts from its due time
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(super) open: Option<f64>,

    /// The path of the requests
    #[arg(long, default_value = "/hello/you", value_parser = parse_path)]
    pub(super) path: String,

    /// How long the backend waits before each response
    #[arg(long, value_name = "MS", default_value = "0", value_parser = parse_number::<u64, 0, MAX_DELAY_MILLISECONDS>)]
    pub(super) delay: u64,

    /// How long the backend waits before it reads a connection
    #[arg(long, value_name = "MS", default_value = "0", value_parser = parse_number::<u64, 0, MAX_DELAY_MILLISECONDS>)]
    pub(super) accept_delay: u64,

    /// How long the backend waits before every N-th response
    #[arg(long, value_name = "MS", requires = "stall_every", value_parser = parse_number::<u64, 0, MAX_DELAY_MILLISECONDS>)]
    pub(super) stall: Option<u64>,

    /// Which responses --stall delays
    #[arg(long, value_name = "N", requires = "stall", value_parser = parse_number::<u64, 1, MAX_REQUESTS>)]
    pub(super) stall_every: Option<u64>,

    /// Do no warm-up, and start a new process for each round
    #[arg(long)]
    pub(super) cold: bool,

    /// Open a new connection for each request
    #[arg(long)]
    pub(super) close: bool,

    /// Also measure a stage with a patch of lab/variants, without `.patch`
    #[arg(long, value_name = "NAME")]
    pub(super) variant: Option<String>,

    /// Also measure an installed proxy
    #[arg(long, value_name = "NAME", action = ArgAction::Append, value_parser = parse_peer)]
    pub(super) peer: Vec<Peer>,
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.1..=1_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("it is not a number of requests a second from 0.1 to 1000000".to_owned()),
    }
}

fn parse_peer(text: &str) -> Result<Peer, String> {
    let peer = Peer::ALL.into_iter().find(|peer| peer.to_string() == text);
    peer.ok_or_else(|| format!("it is none of {}", Peer::ALL.map(|peer| peer.to_string()).join(", ")))
}

fn parse_path(text: &str) -> Result<String, String> {
    // Some shells on Windows turn a path with a leading slash into a file name, so the slash is optional.
    let path = format!("/{}", text.strip_prefix('/').unwrap_or(text));
    match path.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
        true => Ok(path),
        false => Err("it is not a path. Write other characters as %XX: --path /hello/you".to_owned()),
    }
}
