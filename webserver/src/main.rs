//! webserver: the demo backend of the workshop, with a task for each connection.

mod answer;
mod book;
mod bypass;
mod conditional;
mod content;
mod counters;
mod experiments;
mod files;
mod flags;
mod path;
mod pattern;
mod pause;
mod range;
mod recent;
mod rejection;
mod representation;
mod router;
mod server;
mod site;
mod validators;

use std::process::ExitCode;

use clap::Parser;
use stage::tokio::{Listener, block_on};

use crate::flags::Flags;
use crate::server::Server;
use crate::site::Site;

fn main() -> ExitCode {
    stage::exit(block_on(run(Flags::parse())))
}

async fn run(flags: Flags) -> anyhow::Result<()> {
    stage::start_log(&flags.log)?;
    // Before the port is bound: a wrong folder is reported whether or not the port is free.
    let site = Site::new(flags.docroot.as_deref())?;
    let listener = Listener::bind(&flags.listen, &flags.clients)?;
    // Lives as long as the process, so the tasks can share it without counting references.
    let server: &'static Server = Box::leak(Box::new(Server::new(flags, site)));
    let mut listener = listener.with_limits(server.limits());
    stage::announce(&format!("webserver listening on {}", listener.url()));

    while let Some(client) = listener.accept().await {
        tokio::spawn(server.serve(client));
    }
    listener.drain().await;
    Ok(())
}
