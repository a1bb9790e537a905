//! part7: an HTTP proxy that refuses what it has no room for, and shows how long requests take.

mod attempts;
mod balancer;
mod checks;
mod health;
mod latency;
mod metrics;
mod page;
mod pool;
mod proxy;
mod queue;
mod rpc;
mod stats;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use stage::tokio::{Listener, block_on};

use crate::proxy::{NAME, Proxy};

/// An HTTP/1.1 reverse proxy, built in stages
#[derive(Parser)]
#[command(version, after_help = stage::EXAMPLES)]
pub struct Flags {
    #[command(flatten)]
    stage: stage::Flags,
    #[command(flatten)]
    clients: stage::tokio::Flags,
    #[command(flatten)]
    pool: pool::Flags,
    #[command(flatten)]
    rpc: rpc::Flags,
    #[command(flatten)]
    checks: checks::Flags,
    #[command(flatten)]
    queue: queue::Flags,
}

fn main() -> ExitCode {
    stage::exit(block_on(run(&Flags::parse())))
}

async fn run(flags: &Flags) -> anyhow::Result<()> {
    stage::start_log(&flags.stage.log)?;
    let proxy = Arc::new(Proxy::new(flags)?);
    checks::start(&flags.checks, &proxy.balancer.backends)?;

    // 1. Listen for clients.
    let mut listener = Listener::bind(&flags.stage.listen, &flags.clients)?;
    let rpc = rpc::start(&flags.rpc, Arc::clone(&proxy))?;
    stage::announce(&format!("{NAME} listening on {}, stats RPC on {rpc}", listener.url()));

    // 2. Accept a client, and serve it in a task of its own.
    while let Some(client) = listener.accept().await {
        let proxy = Arc::clone(&proxy);
        tokio::spawn(async move { proxy.serve(client).await });
    }
    listener.drain().await;
    Ok(())
}
