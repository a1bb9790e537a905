//! What the cases are run against: a stage, or another proxy by its command line.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use course::Ability;
use stage::Failure;

use testkit::{Peer, Process, Profile, Program, StartError, Workspace};

use crate::Needs;

/// A proxy under test: it can be started before any backend.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What its column is called, and what it calls itself in `Via`.
    pub name: String,
    /// The stage whose behaviours it is held to.
    stage: u32,
    program: Program,
}

impl Subject {
    /// A stage, by its number and its binary.
    pub fn stage(number: u32, binary: impl Into<PathBuf>) -> Subject {
        Subject { name: format!("part{number}"), stage: number, program: Program::Stage(binary.into()) }
    }

    /// Another proxy, by a command line that holds `{listen}` and `{backend}`. It is held to what a stage can do, except
    /// what only the flags, the log or the RPC of a stage can show.
    pub fn command(name: &str, command_line: &str, stage: u32) -> Subject {
        Subject { name: name.to_owned(), stage, program: Program::Command(command_line.to_owned()) }
    }

    /// Whether it is one of the stages, of which every case is expected to pass.
    pub fn is_stage(&self) -> bool {
        matches!(self.program, Program::Stage(_))
    }

    /// The number of the stage, or of the one that it is held to.
    pub fn number(&self) -> u32 {
        self.stage
    }

    /// Whether a case or a behaviour applies to it.
    pub fn meets(&self, needs: Needs) -> bool {
        needs.is_none_or(|ability| self.can(ability))
    }

    /// Whether it does that.
    pub fn can(&self, ability: Ability) -> bool {
        course::find(self.stage).is_some_and(|stage| stage.can(ability))
    }

    /// The binary of a stage.
    ///
    /// # Panics
    /// For another proxy, which has no flags of a stage.
    pub fn binary(&self) -> &Path {
        match &self.program {
            Program::Stage(path) => path,
            program => panic!("{program:?} is no stage"),
        }
    }

    /// Starts it before a backend.
    ///
    /// # Errors
    /// It does not listen.
    pub fn start(&self, backend: SocketAddr, flags: &[&str]) -> Result<Process, StartError> {
        self.program.start(&[backend], &[self.free_ports(), flags].concat())
    }

    /// The same with a limit of open files, over which only the cap of a stage's clients can be set.
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

    /// The flags that let a stage listen on free ports, where it listens on more than one.
    pub fn free_ports(&self) -> &'static [&'static str] {
        if self.can(Ability::Rpc) { &["--rpc", "127.0.0.1:0"] } else { &[] }
    }
}

/// Builds stages in one go; what cargo says is shown.
///
/// # Errors
/// There is no such stage, or it does not build.
pub fn build(numbers: &[u32]) -> anyhow::Result<Vec<Subject>> {
    let workspace = Workspace::find()?;
    let known = workspace.stages();
    if let Some(number) = numbers.iter().find(|number| !known.contains(number)) {
        let message = format!("there is no part{number}. Try: --stage {}", known.len());
        return Err(Failure::Usage(message).into());
    }
    let names: Vec<String> = numbers.iter().map(|number| format!("part{number}")).collect();
    let binaries = workspace.build(Profile::Own, &names)?;
    let subject = |&number: &u32| {
        let name = format!("part{number}");
        Ok(Subject::stage(number, binaries.path(&name)?))
    };
    numbers.iter().map(subject).collect()
}

/// The variable that names a small reverse proxy written in Go, called as `PROGRAM LISTEN BACKEND CORES`.
const GO: &str = "LAB_PEER_GO";

/// The other proxies that are installed here.
pub(crate) fn peers() -> Vec<Subject> {
    let installed = Peer::ALL.into_iter().filter(|peer| peer.is_installed());
    let mut peers: Vec<Subject> = installed
        .map(|peer| Subject { name: peer.to_string(), stage: 2, program: Program::Peer(peer) })
        .collect();
    if let Ok(go) = env::var(GO) {
        peers.push(Subject::command("go", &format!("{go} {{listen}} {{backend}} 1"), 2));
    }
    peers
}
