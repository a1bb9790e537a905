//! The plan of a measurement, made from the flags before anything is built.

use stage::Failure;

use crate::bench::exercise::{self, Exercise};
use crate::bench::figures::{Expectation, Metric};
use crate::bench::flags::{Flags, LoadFlags};
use crate::bench::load::Pacing;
use crate::bench::variant::Variant;
use crate::places::newest_stage;
use testkit::{Peer, Workspace};

/// A proxy and the pacing of its load.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) program: Program,
    pub(super) pacing: Pacing,
    /// The flags of the stage.
    pub(super) flags: &'static [&'static str],
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Program {
    Stage(String),
    Variant(Variant),
    Peer(Peer),
}

/// All runs of one command.
pub(super) struct Plan {
    pub(super) title: String,
    pub(super) subjects: Vec<Subject>,
    /// The numbers of clients.
    pub(super) levels: Vec<u32>,
    pub(super) requests: u64,
    pub(super) warm_up: u64,
    pub(super) rounds: u32,
    pub(super) load: LoadFlags,
    /// The quantity that the ratios compare.
    pub(super) metric: Metric,
    pub(super) expectation: Option<Expectation>,
    /// Whether a 503 is counted as refused. Otherwise it makes the run invalid.
    pub(super) counts_refusals: bool,
    /// Warnings that are shown before the figures.
    pub(super) warnings: Vec<String>,
}

const WARM_UP: u64 = 50;
/// macOS has 16,384 ports for connections and keeps each for 30 s after its end.
const MOST_CONNECTIONS: u64 = 12_000;

const CLIENTS: u32 = 8;
const OPEN_CLIENTS: u32 = 64;

impl Plan {
    pub(super) fn new(workspace: &Workspace, flags: &Flags) -> Result<Plan, Failure> {
        let (first, others) = match flags.subjects.split_first() {
            Some((first, others)) => (first.as_str(), others),
            None => ("", [].as_slice()),
        };
        let has_no_load = flags.load == LoadFlags::of_a_command_line_without_flags();
        let plan = match exercise::find(first) {
            Some(exercise) => {
                let replaced = match others {
                    [] => None,
                    [name] => Some(stage(workspace, name)?),
                    _ => {
                        let problem = format!("at most one stage may follow {first}");
                        return Err(Failure::usage(problem, format!("cargo lab bench {first} work")));
                    }
                };
                if !has_no_load {
                    let problem = format!("{first} sets its own load");
                    return Err(Failure::usage(problem, format!("without flags: cargo lab bench {first}")));
                }
                if flags.rounds < 3 {
                    let problem = format!("{first} needs three rounds at least, or its spread is not known");
                    return Err(Failure::usage(problem, format!("cargo lab bench {first}")));
                }
                Plan::graded(exercise, flags.rounds, replaced)
            }
            // Without load flags, two stages are compared under the load whose ratio is predicted.
            None => match exercise::of_pair(&flags.subjects).filter(|_| has_no_load && flags.rounds >= 3) {
                Some(exercise) => Plan::graded(exercise, flags.rounds, None),
                None => Plan::of_flags(workspace, flags)?,
            },
        };
        Ok(plan.capped())
    }

    fn of_flags(workspace: &Workspace, flags: &Flags) -> Result<Plan, Failure> {
        let load = flags.load.clone();
        let variant =
            load.variant.as_deref().map(|name| Variant::read(workspace.root(), name)).transpose()?;
        let mut names = Vec::new();
        for given in &flags.subjects {
            let name = stage(workspace, given)?;
            names.push(name);
        }
        if let Some(name) = repeated(&names) {
            return Err(Failure::usage(format!("{name} is given twice"), "cargo lab bench 1 2"));
        }
        if let Some(clients) = repeated(&load.clients) {
            return Err(Failure::usage(format!("--clients: {clients} is given twice"), "--clients 1,4,16"));
        }
        if let Some(peer) = repeated(&load.peer) {
            return Err(Failure::usage(
                format!("--peer {peer} is given twice"),
                "--peer nginx --peer haproxy",
            ));
        }
        if names.is_empty() {
            names.push(match &variant {
                Some(variant) => variant.stage.clone(),
                None => format!("part{}", newest_stage(workspace)?),
            });
        }
        let pacing = load.open.map_or(Pacing::Closed, Pacing::Open);
        let subject = |name: String, program| Subject { name, program, pacing, flags: &[] };
        let mut subjects: Vec<Subject> =
            names.into_iter().map(|name| subject(name.clone(), Program::Stage(name))).collect();
        if let Some(variant) = variant {
            let name = format!("{}+{}", variant.stage, variant.name);
            subjects.push(subject(name, Program::Variant(variant)));
        }
        for &peer in &load.peer {
            subjects.push(subject(peer.to_string(), Program::Peer(peer)));
        }
        let is_slow = load.delay > 0 || load.stall.is_some() || load.open.is_some();
        let default_requests = match (is_slow, subjects.iter().any(|subject| subject.connections() > 0)) {
            (true, _) => 400,
            (false, true) => 1000,
            (false, false) => 10_000,
        };
        let levels = match (&load.clients[..], pacing) {
            ([], Pacing::Closed) => vec![CLIENTS],
            ([], Pacing::Open(_)) => vec![OPEN_CLIENTS],
            (levels, _) => levels.to_vec(),
        };
        Ok(Plan {
            title: "bench".to_owned(),
            levels,
            requests: load.requests.unwrap_or(default_requests),
            warm_up: if load.cold { 0 } else { WARM_UP },
            rounds: flags.rounds,
            metric: match pacing {
                Pacing::Closed => Metric::Throughput,
                Pacing::Open(_) => Metric::P99,
            },
            expectation: None,
            counts_refusals: false,
            warnings: Vec::new(),
            subjects,
            load,
        })
    }

    /// The plan of an exercise, with another stage in place of the graded one.
    pub(super) fn graded(exercise: &Exercise, rounds: u32, replaced: Option<String>) -> Plan {
        let [first, second] = &exercise.pair;
        let subjects = exercise.pair.iter().enumerate().map(|(index, side)| {
            // If a stage is compared with itself, both subjects are replaced.
            let is_graded = index == 1 || first.stage == second.stage;
            let stage = replaced.clone().filter(|_| is_graded).unwrap_or_else(|| side.stage.to_owned());
            let name = format!("{stage} {}", side.label).trim_end().to_owned();
            Subject { name, program: Program::Stage(stage), pacing: side.pacing, flags: side.flags }
        });
        let load = LoadFlags {
            delay: exercise.delay,
            accept_delay: exercise.accept_delay,
            stall: exercise.stall.map(|(stall, _)| stall),
            stall_every: exercise.stall.map(|(_, every)| every),
            ..LoadFlags::of_a_command_line_without_flags()
        };
        Plan {
            title: exercise.id.to_owned(),
            subjects: subjects.collect(),
            levels: vec![exercise.clients],
            requests: exercise.requests,
            warm_up: WARM_UP,
            rounds,
            load,
            metric: exercise.metric,
            expectation: Some(exercise.expectation.clone()),
            counts_refusals: exercise.counts_refusals,
            warnings: Vec::new(),
        }
    }

    /// Reduces the requests if they would use up the ports of the machine.
    fn capped(mut self) -> Plan {
        let close = u64::from(self.load.close);
        let a_request: u64 = self.subjects.iter().map(|subject| subject.connections().max(close)).sum();
        let runs = u64::from(self.rounds) * self.levels.len() as u64;
        let most = MOST_CONNECTIONS / (a_request * runs).max(1);
        let most = most.saturating_sub(self.warm_up).max(1);
        if a_request > 0 && self.requests > most {
            self.warnings.push(format!(
                "{} requests a run instead of {}: each needs connections of its own, and more than {} in a \
                 short time can use up the ports of a machine",
                most, self.requests, MOST_CONNECTIONS
            ));
            self.requests = most;
        }
        self
    }
}

impl Subject {
    /// The number of connections that it needs for each request, on both sides together.
    fn connections(&self) -> u64 {
        match &self.program {
            Program::Peer(_) => 0,
            Program::Variant(Variant { stage: name, .. }) | Program::Stage(name) => match name.as_str() {
                "part1" => 2,
                "part2" | "part3" => 1,
                // It may be at any stage.
                "work" => 2,
                _ => 0,
            },
        }
    }
}

impl LoadFlags {
    /// The load flags of an empty command line.
    pub(super) fn of_a_command_line_without_flags() -> LoadFlags {
        LoadFlags { path: "/hello/you".to_owned(), ..LoadFlags::default() }
    }
}

/// The crate that a number or `work` names.
fn stage(workspace: &Workspace, given: &str) -> Result<String, Failure> {
    let name = match given {
        "work" => given.to_owned(),
        _ if given.parse::<u32>().is_ok() => format!("part{given}"),
        _ => {
            let problem = format!("{given} is neither a stage nor an exercise");
            return Err(Failure::usage(problem, "cargo lab bench 1 2"));
        }
    };
    match (workspace.root().join(&name).join("src").is_dir(), given) {
        (true, _) => Ok(name),
        (false, "work") => Err(Failure::usage("there is no work yet", "cargo lab start 1")),
        (false, _) => Err(Failure::usage(format!("there is no {name}"), "cargo lab bench 1 2")),
    }
}

/// The first value that occurs twice.
fn repeated<T: PartialEq>(values: &[T]) -> Option<&T> {
    values.iter().enumerate().find(|(index, value)| values[..*index].contains(value)).map(|(_, value)| value)
}
