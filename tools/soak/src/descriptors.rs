//! A proxy that may open only 64 files, with more clients than that.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::backend::FaultyBackend;
use crate::clients::{Crew, MOST_THREADS, Mischief};
use crate::level::Level;
use crate::message::Ask;
use crate::outcome::{Circumstances, Outcome, Tally};
use conformance::Subject;
use testkit::{Client, Process};

/// How many files the proxy may open.
pub(crate) const OPEN_FILES: usize = 64;
/// How long to check that it does not spin.
const LOOK: Duration = Duration::from_secs(1);
/// How long clients send requests.
const LOAD: Duration = Duration::from_secs(4);
/// What a stage logs, once.
const SAID: &str = "cannot accept a client";

/// Connects more clients than there are descriptors, first idle, then under load. Connected clients are
/// answered, waiting clients are served later, and the proxy logs the shortage once and does not spin.
///
/// # Errors
/// The proxy behaves differently or cannot be started.
pub(crate) fn run(subject: &Subject) -> anyhow::Result<Tally> {
    // A separate backend, so that connections of another proxy are not counted.
    let backend = FaultyBackend::start().context("the backend cannot be started")?;
    let proxy = subject.start_with_open_files(OPEN_FILES, backend.address())?;
    let before = Level::of(&proxy, &backend);
    let mut number = 0;
    let mut exchange = |client: &mut Client| {
        number += 1;
        let ask = Ask::get(number);
        let response = client.send(ask.bytes()).and_then(|()| client.read_response("GET"));
        Outcome::of(&ask, response)
    };
    let mut there = Client::connect(proxy.address()).context("the first client cannot connect")?;
    expect_answer("the first client", exchange(&mut there))?;
    // They wait in the kernel's queue.
    let crowd = (0..2 * OPEN_FILES).map(|_| Client::connect(proxy.address()));
    let crowd: Vec<Client> = crowd.collect::<Result<_, _>>().context("a client cannot connect")?;
    proxy.wait_for_log(SAID)?;
    match exchange(&mut there) {
        // It may have a kept connection to the backend, or need a new one.
        Outcome::Answered | Outcome::Refused(503) => {}
        outcome => bail!("without descriptors a client that was there: {outcome}"),
    }
    does_not_spin(&proxy)?;
    drop(crowd);
    let mut later = Client::connect(proxy.address()).context("a later client cannot connect")?;
    expect_answer("a client that came later", exchange(&mut later))?;
    expect_answer("the first client, later", exchange(&mut there))?;
    drop((there, later));

    let (is_over, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let crew = Crew {
        proxy: proxy.address(),
        backend: &backend,
        // One thread each: a client that waits to be accepted must not block another.
        clients: 1..1 + MOST_THREADS as u32,
        mischief: Mischief::Nothing,
        circumstances: Circumstances::FewDescriptors,
        is_over: &is_over,
        done: &done,
    };
    let tally = thread::scope(|scope| {
        let crew = scope.spawn(|| crew.run());
        thread::sleep(LOAD);
        is_over.store(true, Ordering::Relaxed);
        crew.join()
    });
    let tally = tally.map_err(|_| anyhow::anyhow!("a client has panicked"))?;
    let leaked = Level::settled(&proxy, &backend, before).leaked(before);
    let said = proxy.log().matches(SAID).count();
    if (leaked, said) != (0, 1) {
        bail!("{leaked} descriptors leaked, and it has said {said} times that it cannot accept a client");
    }
    Ok(tally)
}

fn does_not_spin(proxy: &Process) -> anyhow::Result<()> {
    let Some(before) = proxy.cpu_time() else { return Ok(()) };
    thread::sleep(LOOK);
    let busy = proxy.cpu_time().unwrap_or(before).saturating_sub(before);
    if busy > LOOK / 4 {
        bail!("without descriptors it was busy for {busy:?} of {LOOK:?}");
    }
    Ok(())
}

fn expect_answer(who: &str, outcome: Outcome) -> anyhow::Result<()> {
    match outcome {
        Outcome::Answered => Ok(()),
        outcome => bail!("{who}: {outcome}"),
    }
}
