//! What a demo shows: a stage, the attendee's crate, or a foreign proxy.

use std::net::TcpListener;

use course::Ability;
use stage::Failure;
use testkit::{COMMAND_LINE, Process, check_command_line};

use super::{BACKENDS_LISTEN, Demo, Stage, WORK};
use crate::get::DEFAULT_PROXY;
use crate::places::{DOCTOR, Places, newest_stage};
use crate::progress::Progress;

/// Where a stage with a stats RPC listens for its clients.
const RPC_LISTEN: &str = "127.0.0.1:8079";

/// What is shown.
pub enum Subject {
    /// A package of the workspace, and the stage that it is or was filled with.
    Package { name: String, stage: u32 },
    /// The command line of another proxy.
    Command(String),
}

impl Subject {
    /// The requested subject, or the newest stage.
    pub fn choose(places: &Places, demo: &Demo) -> Result<Subject, Failure> {
        if let Some(line) = &demo.cmd {
            check_command_line(line).map_err(|problem| Failure::usage(problem, COMMAND_LINE))?;
            return Ok(Subject::Command(line.clone()));
        }
        let highest = newest_stage(&places.workspace)?;
        let of_stage = |stage| Subject::Package { name: format!("part{stage}"), stage };
        match demo.stage {
            None => Ok(of_stage(highest)),
            Some(Stage::Work) => {
                // A new checkout has the first stage.
                let stage = Progress::load(places).stage.unwrap_or(1);
                Ok(Subject::Package { name: WORK.to_owned(), stage })
            }
            Some(Stage::Number(number)) if places.workspace.stages().contains(&number) => {
                Ok(of_stage(number))
            }
            Some(Stage::Number(number)) => {
                let problem = format!("there is no part{number}, the highest is part{highest}");
                Err(Failure::usage(problem, format!("cargo lab demo {highest}")))
            }
        }
    }

    /// Its package in the workspace; a command has none.
    pub fn package(&self) -> Option<&str> {
        match self {
            Subject::Package { name, .. } => Some(name),
            Subject::Command(_) => None,
        }
    }

    /// Whether it may be unfinished: it is not a stage of the workshop.
    pub fn may_be_unfinished(&self) -> bool {
        self.package().is_none_or(|name| name == WORK)
    }

    /// What to do if it does not answer as it should.
    pub fn advice(&self) -> String {
        match self {
            Subject::Package { name, stage } if name == WORK => format!("cargo lab check {stage}"),
            Subject::Package { .. } => DOCTOR.to_owned(),
            Subject::Command(_) => "the log of the command".to_owned(),
        }
    }

    /// Whether it has an ability. Of a command, none is known.
    pub fn can(&self, ability: Ability) -> bool {
        match self {
            Subject::Package { stage, .. } => {
                course::Stage::find(*stage).is_some_and(|stage| stage.can(ability))
            }
            Subject::Command(_) => false,
        }
    }

    /// The addresses of its backends.
    pub fn backends(&self) -> &'static [&'static str] {
        if self.can(Ability::SeveralBackends) { &BACKENDS_LISTEN } else { &BACKENDS_LISTEN[..1] }
    }

    /// The URL of its live page, which is on the port of the RPC.
    pub fn page(&self, process: &Process) -> Option<String> {
        let rpc = process.rpc_address().filter(|_| self.can(Ability::Queue))?;
        Some(format!("http://{rpc}/"))
    }

    /// Checks that the default ports are free, except those that the flags of the stage change. Otherwise a program would
    /// suggest a flag of its own, which a demo does not have.
    pub fn need_ports(&self, flags: &[String]) -> Result<(), Failure> {
        let keeps = |flag: &str| !flags.iter().any(|given| given.split('=').next() == Some(flag));
        let proxy = self.package().map(|_| DEFAULT_PROXY).filter(|_| keeps("--listen"));
        let rpc = Some(RPC_LISTEN).filter(|_| self.can(Ability::Rpc) && keeps("--rpc"));
        for address in self.backends().iter().copied().chain(proxy).chain(rpc) {
            if let Err(error) = TcpListener::bind(address) {
                let problem = format!("the demo cannot listen on {address}: {error}");
                let next = "stop the program that listens there. The ports of a demo are fixed";
                return Err(Failure::environment(problem, next));
            }
        }
        Ok(())
    }
}
