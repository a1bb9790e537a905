//! Clients that request an endless answer and never read it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::backend::FaultyBackend;
use crate::message::{AnswerFraming, Ask};
use testkit::{Client, poll};

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
    backend: &FaultyBackend,
    numbers: std::ops::Range<u32>,
) -> anyhow::Result<(Duration, Duration)> {
    let count = numbers.len();
    let mut clients = Vec::new();
    for number in numbers {
        let mut client = Client::connect(proxy).context("a client that reads nothing cannot connect")?;
        let ask = Ask { answer: AnswerFraming::Endless, ..Ask::get(u64::from(number) << 32) };
        client.send(ask.bytes()).context("a client that reads nothing cannot send its request")?;
        clients.push(client);
    }
    poll(WRITE_TIMEOUT + 2 * TOLERANCE, || backend.observed().endless.len() >= count);
    let mut after = backend.observed().endless.clone();
    if after.len() < count {
        bail!("{} of {count} clients that read nothing were cut", after.len());
    }
    after.sort_unstable();
    let (least, most) = (after[0], after[after.len() - 1]);
    if least + TOLERANCE < WRITE_TIMEOUT || most > WRITE_TIMEOUT + TOLERANCE {
        bail!("clients that read nothing were cut after {least:.1?} to {most:.1?}, not {WRITE_TIMEOUT:?}");
    }
    for mut client in clients {
        let response = client.read_streamed("GET", &mut |_| Ok(()));
        if response.is_ok_and(|response| response.is_complete()) {
            bail!("a client that resumes reading cannot detect that its answer was cut");
        }
    }
    Ok((least, most))
}
