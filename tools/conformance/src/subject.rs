//! The proxy that the cases run against: a stage, or another proxy given by its command line.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use course::Ability;
use stage::{Failure, OrTry};

use testkit::{Peer, Process, Profile, Program, StartError, Workspace};

use crate::Needs;

/// A proxy under test. It can be started before any backend.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The name of its column, and its name in `Via`.
    pub name: String,
    /// The stage whose behaviours are required of it.
    stage: u32,
    program: Program,
}

impl Subject {
    /// A stage, by its number and binary.
    pub fn stage(number: u32, binary: impl Into<PathBuf>) -> Subject {
        Subject { name: format!("part{number}"), stage: number, program: Program::Stage(binary.into()) }
    }

    /// Another proxy, from a command line that contains `{listen}` and `{backend}`. The behaviours of a stage
    /// are required of it, except those that only a stage's flags, log or RPC can show.
    pub fn command(name: &str, command_line: &str, stage: u32) -> Subject {
        Subject { name: name.to_owned(), stage, program: Program::Command(command_line.to_owned()) }
    }

    /// Whether it is a stage, which is expected to pass every case.
    pub fn is_stage(&self) -> bool {
        matches!(self.program, Program::Stage(_))
    }

    /// The number of the stage, or of the stage whose behaviours are required.
    pub fn number(&self) -> u32 {
        self.stage
    }

    /// Whether a case or a behaviour applies to it.
    pub fn meets(&self, needs: Needs) -> bool {
        needs.is_none_or(|ability| self.can(ability))
    }

    /// Whether it has this ability.
    pub fn can(&self, ability: Ability) -> bool {
        course::Stage::find(self.stage).is_some_and(|stage| stage.can(ability))
    }

    /// The binary of a stage.
    ///
    /// # Panics
    /// The subject is another proxy, which does not have the flags of a stage.
    pub fn binary(&self) -> &Path {
        match &self.program {
            Program::Stage(path) => path,
            program => panic!("{program:?} is not a stage"),
        }
    }

    /// Starts it in front of a backend.
    ///
    /// # Errors
    /// It does not listen.
    pub fn start(&self, backend: SocketAddr, flags: &[&str]) -> Result<Process, StartError> {
        self.program.start(&[backend], &[self.free_ports(), flags].concat())
    }

    /// As [`Subject::start`], for a stage with a limit of open files and a client limit above it. Another
    /// proxy starts without these limits.
    ///
    /// # Errors
    /// It does not listen.
    pub fn start_with_open_files(&self, limit: usize, backend: SocketAddr) -> Result<Process, StartError> {
        let Program::Stage(binary) = &self.program else {
            return self.start(backend, &[]);
        };
        let backend = backend.to_string();
        let flags = ["--listen", "127.0.0.1:0", "--backend", &backend];
        let flags = [&flags[..], self.free_ports(), &["--log", "warn", "--max-clients", "1000"]].concat();
        Process::stage_with_open_files(binary, limit, &flags)
    }

    /// The flags that make a stage listen on free ports, besides `--listen`.
    pub fn free_ports(&self) -> &'static [&'static str] {
        if self.can(Ability::Rpc) { &["--rpc", "127.0.0.1:0"] } else { &[] }
    }
}

/// Builds stages together, or all without numbers, and shows the output of cargo.
///
/// # Errors
/// There is no such stage, or it does not build.
pub fn build(numbers: &[u32]) -> Result<Vec<Subject>, Failure> {
    let workspace = Workspace::find().or_try("cd to the workshop's folder")?;
    let known = workspace.stages();
    let numbers = if numbers.is_empty() { &known } else { numbers };
    if let Some(number) = numbers.iter().find(|number| !known.contains(number)) {
        let next = format!("--stage {}", known.len());
        return Err(Failure::usage(format!("there is no part{number}"), next));
    }
    let names: Vec<String> = numbers.iter().map(|number| format!("part{number}")).collect();
    let binaries = workspace.build(Profile::Own, &names).or_try("do what cargo says above")?;
    let subject = |&number: &u32| {
        let name = format!("part{number}");
        let binary = binaries.path(&name).or_try(format!("cargo build -p {name}"))?;
        Ok(Subject::stage(number, binary))
    };
    numbers.iter().map(subject).collect()
}

/// The variable with the path of a small reverse proxy in Go, called as `PROGRAM LISTEN BACKEND CORES`.
const GO: &str = "LAB_PEER_GO";

/// The other proxies that are installed.
pub(crate) fn peers() -> Vec<Subject> {
    // How HAProxy moves a body does not change what it answers.
    let installed = [Peer::Nginx, Peer::Haproxy].into_iter().filter(|peer| peer.is_installed());
    let mut peers: Vec<Subject> = installed
        .map(|peer| Subject { name: peer.to_string(), stage: 2, program: Program::Peer(peer) })
        .collect();
    if let Ok(go) = env::var(GO) {
        peers.push(Subject::command("go", &format!("{go} {{listen}} {{backend}} 1"), 2));
    }
    peers
}
