//! `cargo maintain soak`: minutes of load and faults on one proxy process. Its bodies reveal every byte that
//! is lost or mixed up.
//!
//! | file | what it holds |
//! |---|---|
//! | `command.rs` | the flags, and which stages |
//! | `phases.rs`, `clients.rs`, `slow.rs`, `deaf.rs`, `descriptors.rs` | the load on a proxy |
//! | `backend.rs`, `fault.rs`, `message.rs` | the backend, and what the requests ask of it |
//! | `outcome.rs`, `level.rs`, `report.rs` | what is allowed, and what happened |

mod backend;
mod clients;
mod command;
mod deaf;
mod descriptors;
mod fault;
mod level;
mod message;
mod outcome;
mod phases;
mod report;
mod slow;

use std::time::Duration;

use anyhow::Context;

use backend::FaultyBackend;
use conformance::Subject;
use level::Level;
use phases::Phases;
use stage::raise_open_files_limit;
use testkit::progress::Progress;

pub use command::{Soak, command};
pub use report::Report;

/// How many clients there are, and how long each phase lasts.
#[derive(Clone, Debug)]
pub struct Plan {
    clients: usize,
    slow_clients: usize,
    deaf_clients: usize,
    /// Clients that ask the backend to fail at once.
    faulty_clients: usize,
    /// Clients that ask it to stall until the proxy gives up.
    stalled_clients: usize,
    load: Duration,
    slow: Duration,
    faults: Duration,
    /// Whether the proxy is started again with few descriptors.
    runs_out_of_descriptors: bool,
}

impl Plan {
    /// A soak of `minutes`, with as many clients as the limit of open files allows.
    ///
    /// # Errors
    /// The limit cannot be raised.
    pub fn minutes(minutes: u64) -> anyhow::Result<Plan> {
        /// The time of the phases without a set duration: timeouts of the proxy, and the return to idle.
        const FIXED: Duration = Duration::from_secs(55);

        let rest = Duration::from_secs(60 * minutes).saturating_sub(FIXED);
        // Where a listener's queue is short, as on macOS, more connections at once would time out in it.
        let clients = clients(4, if cfg!(target_os = "linux") { 5000 } else { 1000 })?;
        Ok(Plan {
            clients,
            slow_clients: clients.min(2000),
            deaf_clients: 20,
            faulty_clients: clients.min(500),
            stalled_clients: 20,
            load: rest.mul_f64(0.3),
            slow: Duration::from_secs(15),
            faults: rest.mul_f64(0.5),
            runs_out_of_descriptors: cfg!(unix),
        })
    }

    /// A soak of some seconds, for tests. It skips what takes the proxy's timeouts of 30 s.
    ///
    /// # Errors
    /// As [`Plan::minutes`].
    pub fn short() -> anyhow::Result<Plan> {
        let clients = clients(40, 400)?;
        Ok(Plan {
            clients,
            slow_clients: clients,
            deaf_clients: 0,
            faulty_clients: 100,
            stalled_clients: 0,
            load: Duration::from_secs(1),
            slow: Duration::from_secs(1),
            faults: Duration::from_secs(4),
            runs_out_of_descriptors: false,
        })
    }
}

/// As many clients as the limit of open files allows, at `descriptors` each; at least 200.
fn clients(descriptors: u64, most: usize) -> anyhow::Result<usize> {
    let limit = raise_open_files_limit().context("cannot raise the limit of open files")?;
    Ok(usize::try_from(limit / descriptors).unwrap_or(most).clamp(200, most))
}

/// Runs a plan on a proxy.
///
/// # Errors
/// Something cannot be started. Failures of the proxy are in the report.
pub fn run(subject: &Subject, plan: &Plan) -> anyhow::Result<Report> {
    let mut progress = Progress::default();
    let backend = FaultyBackend::start().context("the backend cannot be started")?;
    let proxy = subject.start(backend.address(), &["--log", "off"])?;
    let mut report = Report::new(&subject.name);
    let before = Level::of(&proxy, &backend);
    let mut phases =
        Phases { plan, proxy: &proxy, backend: &backend, progress: &mut progress, next_client: 0 };

    report.load(plan, plan.load, phases.load(plan.load)?);
    let after_load = Level::settled(&proxy, &backend, before);
    report.waits(plan, phases.waits()?);
    report.faults(plan, phases.faults()?);
    // The same load again, so that the resources held after it can be compared.
    report.load(plan, plan.load / 3, phases.load(plan.load / 3)?);
    let after = Level::settled(&proxy, &backend, before);
    if plan.runs_out_of_descriptors {
        progress.step("more clients than descriptors");
        report.descriptors(descriptors::run(subject));
    }
    progress.clear();
    report.sums(&backend, [before, after_load, after], &proxy.log());
    Ok(report)
}
