//! A proxy under test, independent of how it is started.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{Peer, Process, Settings, StartError};

/// A proxy under test. It can be started before any backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A binary with the flags of a stage.
    Stage(PathBuf),
    /// Any proxy, from a command line that contains `{listen}` and `{backend}`.
    Command(String),
    /// An installed proxy, with its default settings.
    Peer(Peer),
}

impl Program {
    /// Starts it in front of these backends. A peer uses only the first. Only a stage uses `flags`.
    ///
    /// # Errors
    /// It does not listen.
    pub fn start(&self, backends: &[SocketAddr], flags: &[&str]) -> Result<Process, StartError> {
        let list = backends.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",");
        match self {
            Program::Stage(binary) => {
                Process::stage(binary, &[&["--listen", "127.0.0.1:0", "--backend", &list], flags].concat())
            }
            Program::Command(command_line) => Process::foreign(command_line, &list),
            Program::Peer(peer) => peer.start(backends[0], Settings::Default),
        }
    }
}
