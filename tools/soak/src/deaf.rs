//! Clients that request an endless answer and never read it.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::backend::Backend;
use crate::message::{Answer, Ask};
use testkit::Client;

/// How long a proxy waits for a client to accept a byte.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// The tolerance around it, for a busy machine.
const TOLERANCE: Duration = Duration::from_secs(15);

/// Waits until all clients are cut, and returns the shortest and the longest time.
///
/// # Errors
/// A client was not cut, or much too early or too late, or its answer looks complete.
pub(crate) fn run(
    proxy: SocketAddr,
    backend: &Backend,
    numbers: std::ops::Range<u32>,
) -> anyhow::Result<(Duration, Duration)> {
    let count = numbers.len();
    let mut clients = Vec::new();
    for number in numbers {
        let mut client = Client::connect(proxy).context("a client that reads nothing cannot connect")?;
        let ask = Ask { answer: Answer::Endless, ..Ask::get(u64::from(number) << 32) };
        client.send(ask.bytes()).context("a client that reads nothing cannot send its request")?;
        clients.push(client);
    }
    let deadline = Instant::now() + WRITE_TIMEOUT + 2 * TOLERANCE;
    while backend.record().endless.len() < count {
        if Instant::now() > deadline {
            bail!("{} of {count} clients that read nothing were cut", backend.record().endless.len());
        }
        thread::sleep(Duration::from_millis(100));
    }
    let mut after = backend.record().endless.clone();
    after.sort_unstable();
    let (least, most) = (after[0], after[after.len() - 1]);
    if least + TOLERANCE < WRITE_TIMEOUT || most > WRITE_TIMEOUT + TOLERANCE {
        bail!("clients that read nothing were cut after {least:.1?} to {most:.1?}, not {WRITE_TIMEOUT:?}");
    }
    for mut client in clients {
        let response = client.read_streamed("GET", &mut |_| Ok(()));
        if response.is_ok_and(|response| response.is_complete()) {
            bail!("an answer that was cut looks whole to a client that has read nothing for long");
        }
    }
    Ok((least, most))
}
