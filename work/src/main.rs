//! part1: a serial, blocking HTTP proxy. One client at a time, one request a connection.

mod proxy;

use std::process::ExitCode;

use clap::Parser;
use stage::blocking::Listener;

use crate::proxy::{NAME, Proxy};

/// An HTTP/1.1 reverse proxy, built in stages
#[derive(Parser)]
#[command(version, after_help = stage::EXAMPLES)]
pub struct Flags {
    #[command(flatten)]
    stage: stage::Flags,
}

fn main() -> ExitCode {
    stage::exit(run(&Flags::parse()))
}

fn run(flags: &Flags) -> anyhow::Result<()> {
    stage::start_log(&flags.stage.log)?;
    let proxy = Proxy::new(flags)?;

    // 1. Listen for clients.
    let mut listener = Listener::bind(&flags.stage.listen)?;
    stage::announce(&format!("{NAME} listening on {}", listener.url()));

    // 2. Accept a client, and serve it.
    while let Some(client) = listener.accept() {
        proxy.serve(client);
    }
    Ok(())
}
