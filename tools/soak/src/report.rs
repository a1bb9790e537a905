//! The results of a soak as text, and which of them are failures.

use std::fmt;
use std::time::Duration;

use crate::Plan;
use crate::backend::FaultyBackend;
use crate::descriptors::OPEN_FILES;
use crate::fault::KINDS;
use crate::level::{Level, mebibytes};
use crate::outcome::Tally;
use crate::phases::{Faults, Waits};
use testkit::text::wrap;

const INDENT: &str = "          ";

/// The memory by which the last load may exceed the first: allocators keep some.
const MORE_MEMORY_KIB: u64 = 16 * 1024;

/// The results of a soak.
#[derive(Debug)]
pub struct Report {
    text: String,
    sums: Tally,
    problems: Vec<String>,
}

impl Report {
    pub(crate) fn new(name: &str) -> Report {
        Report { text: format!("{name}\n"), sums: Tally::default(), problems: Vec::new() }
    }

    /// The failures, one line each; empty if there were none.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    pub(crate) fn load(&mut self, plan: &Plan, duration: Duration, tally: Tally) {
        let Tally { requests, answered, slowest, .. } = tally;
        let (seconds, errors) = (duration.as_secs_f64(), requests - answered);
        let rate = requests as f64 / seconds;
        self.line(
            "load",
            &format!(
                "{} clients at once, {requests} requests in {seconds:.0} s, {rate:.0} a second, {errors} errors",
                plan.clients
            ),
        );
        self.line("", &format!("the slowest request took {slowest:.1?}"));
        self.sums.add(tally);
    }

    pub(crate) fn waits(&mut self, plan: &Plan, outcome: Waits) {
        let Waits { slow, normal, stalled, cut_after } = outcome;
        let (clients, timed_out) = (plan.slow_clients, slow.timed_out);
        self.line("slow", &format!("{clients} clients that send a byte a second, {timed_out} times 408"));
        let (requests, slowest) = (normal.requests, normal.slowest);
        self.line(
            "",
            &format!("a normal client beside them: {requests} requests, the slowest took {slowest:.1?}"),
        );
        if let Some((least, most)) = cut_after {
            let clients = plan.deaf_clients;
            self.line(
                "deaf",
                &format!("{clients} clients that read nothing, cut after {least:.1?} to {most:.1?}"),
            );
        }
        if stalled.requests > 0 {
            self.line("stalled", "a backend that stalls forever");
            self.outcomes(&stalled);
        }
        self.sums.add(stalled);
        let count = slow.otherwise.len();
        if let Some(first) = slow.otherwise.first() {
            self.problems.push(format!("{count} slow clients got another response than 408: {first}"));
        }
        self.sums.add(normal);
    }

    pub(crate) fn faults(&mut self, plan: &Plan, faults: Faults) {
        let Faults { tally, killed, stood_still } = faults;
        let (clients, requests, left) = (plan.faulty_clients, tally.requests, tally.left);
        self.line(
            "faults",
            &format!("{clients} clients, {requests} requests; {left} left before their answer"),
        );
        self.line(
            "",
            &format!(
                "the backend was killed and restarted {killed} times, and was stalled {stood_still} times"
            ),
        );
        self.outcomes(&tally);
        self.sums.add(tally);
    }

    /// The injected faults, and the outcomes of all requests.
    fn outcomes(&mut self, tally: &Tally) {
        for (kind, name) in KINDS {
            let of_kind = tally.injected.iter().filter(|(fault, _)| fault.kind == kind);
            let of_kind: Vec<_> = of_kind.map(|(fault, count)| format!("{count} {}", fault.phase)).collect();
            if !of_kind.is_empty() {
                self.line("", &format!("{name}: {}", of_kind.join(", ")));
            }
        }
        let (answered, cut) = (tally.answered, tally.cut);
        let refused = tally.refused.iter().map(|(status, count)| format!(", {count} refused with {status}"));
        self.line("", &format!("{answered} answered, {cut} cut{}", refused.collect::<String>()));
    }

    pub(crate) fn descriptors(&mut self, outcome: anyhow::Result<Tally>) {
        match outcome {
            Ok(tally) => {
                self.line("files", &format!("{OPEN_FILES} open files at most, logged once, no busy loop"));
                self.outcomes(&tally);
                self.sums.add(tally);
            }
            Err(error) => self.problems.push(format!("with {OPEN_FILES} open files at most: {error:#}")),
        }
    }

    /// The sums of all phases. The levels are from before the first load, after it, and after the last.
    pub(crate) fn sums(&mut self, backend: &FaultyBackend, levels: [Level; 3], log: &str) {
        let [before, after_load, after] = levels;
        let observed = backend.observed();
        let Tally { wrong, lost, unexpected, .. } = self.sums;
        for (count, what) in [
            (wrong, "wrong bytes"),
            (lost, "lost requests"),
            (unexpected, "failures without a cause"),
            (observed.done_twice, "requests done twice"),
            (observed.invalid.len() as u64, "invalid requests at the backend"),
            (after.leaked(before) as u64, "leaked descriptors"),
        ] {
            self.line("", &format!("{what} {count}"));
            if count > 0 {
                self.problems.push(format!("{what}: {count}"));
            }
        }
        if let (Some(before), Some(after)) = (before.threads, after.threads) {
            self.line("", &format!("threads {before} before, {after} after"));
            if after > before {
                self.problems.push(format!("there were {before} threads, and now there are {after}"));
            }
        }
        let [first, last] = [after_load, after].map(|level| mebibytes(level.memory_kib));
        self.line("", &format!("memory {first} after the first load, {last} after the last"));
        if after.memory_kib > after_load.memory_kib.map(|kib| kib + kib / 4 + MORE_MEMORY_KIB) {
            self.problems.push(format!("it held {first} after the first load, and {last} after the last"));
        }
        // Its log is off, so only a panic is printed.
        if !log.is_empty() {
            self.problems.push(format!("the proxy said: {log}"));
        }
        self.problems.extend(observed.invalid.first().map(|first| format!("the first: {first}")));
        self.problems.append(&mut self.sums.problems);
    }

    fn line(&mut self, title: &str, text: &str) {
        self.text += &entry(title, text);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.problems.iter().try_for_each(|problem| f.write_str(&entry("FAIL", problem)))
    }
}

/// A title with text beside it, which may take several lines.
fn entry(title: &str, text: &str) -> String {
    format!("  {title:8}{}", wrap(text, INDENT).trim_start())
}
