//! webserver: the demo backend of the workshop, with a thread for each connection.

mod answer;
mod bypass;
mod counters;
mod experiments;
mod flags;
mod pattern;
mod router;
mod server;

use std::process::ExitCode;
use std::thread;

use clap::Parser;
use stage::blocking::Listener;

use crate::flags::Flags;
use crate::server::Server;

/// The stack of a connection's thread: bodies go through buffers on the heap, so a small one is enough, and
/// thousands of connections fit into the address space of a small machine.
const STACK_BYTES: usize = 256 * 1024;

fn main() -> ExitCode {
    stage::exit(run(Flags::parse()))
}

fn run(flags: Flags) -> anyhow::Result<()> {
    stage::start_log(&flags.log)?;
    let mut listener = Listener::bind(&flags.listen)?;
    // Lives as long as the process, so the threads can share it without counting references.
    let server: &'static Server = Box::leak(Box::new(Server::new(flags)));
    stage::announce(format_args!("webserver listening on {}", listener.url()));

    while let Some(client) = listener.accept() {
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        if let Err(error) = thread.spawn(move || server.serve(client)) {
            // The connection went with the thread: the client sees that it is closed.
            log::warn!("cannot start a thread for a client: {error}");
        }
    }
    Ok(())
}
