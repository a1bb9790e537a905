//! What the cases are run against: a stage, or another proxy by its command line.

use std::env;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use course::Ability;
use stage::Failure;

use testkit::{Process, StartError, Workspace};

use crate::Needs;

/// A proxy under test: it can be started before any backend.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What its column is called, and what it calls itself in `Via`.
    pub name: String,
    /// The stage whose behaviours it is held to.
    stage: u32,
    start: Start,
}

#[derive(Clone, Debug)]
enum Start {
    Binary(PathBuf),
    Command(String),
}

impl Subject {
    /// A stage, by its number and its binary.
    pub fn stage(number: u32, binary: impl Into<PathBuf>) -> Subject {
        Subject { name: format!("part{number}"), stage: number, start: Start::Binary(binary.into()) }
    }

    /// Another proxy, by a command line that holds `{listen}` and `{backend}`. It is held to what a stage can do, except
    /// what only the flags, the log or the RPC of a stage can show.
    pub fn command(name: &str, command_line: &str, stage: u32) -> Subject {
        Subject { name: name.to_owned(), stage, start: Start::Command(command_line.to_owned()) }
    }

    /// Whether it is one of the stages, of which every case is expected to pass.
    pub fn is_stage(&self) -> bool {
        matches!(self.start, Start::Binary(_))
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
        match &self.start {
            Start::Binary(path) => path,
            Start::Command(command_line) => panic!("{command_line} is no stage"),
        }
    }

    /// Starts it before a backend.
    ///
    /// # Errors
    /// It does not listen.
    pub fn start(&self, backend: SocketAddr, flags: &[&str]) -> Result<Process, StartError> {
        match &self.start {
            Start::Binary(binary) => {
                let backend = backend.to_string();
                Process::stage(binary, &self.flags(&[&["--backend", &backend], flags].concat()))
            }
            Start::Command(command_line) => Process::foreign(command_line, backend),
        }
    }

    /// The same with a limit of open files, over which only the cap of a stage's clients can be set.
    ///
    /// # Errors
    /// It does not listen.
    pub fn start_with_open_files(&self, limit: usize, backend: SocketAddr) -> Result<Process, StartError> {
        let Start::Binary(binary) = &self.start else {
            return self.start(backend, &[]);
        };
        let backend = backend.to_string();
        let flags = ["--backend", &backend, "--log", "warn", "--max-clients", "1000"];
        Process::stage_with_open_files(binary, limit, &self.flags(&flags))
    }

    /// The flags with which a stage listens on free ports, and these.
    fn flags<'a>(&self, flags: &[&'a str]) -> Vec<&'a str> {
        [&["--listen", "127.0.0.1:0"], self.free_ports(), flags].concat()
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
    let binaries = workspace.build(&names)?;
    let subject = |&number: &u32| {
        let name = format!("part{number}");
        let binary = binaries.get(&name).with_context(|| format!("cargo built no binary of {name}"))?;
        Ok(Subject::stage(number, binary))
    };
    numbers.iter().map(subject).collect()
}

/// The variable that names a small reverse proxy written in Go, called as `PROGRAM LISTEN BACKEND CORES`.
const GO: &str = "LAB_PEER_GO";

/// The other proxies that are installed here, each with a small configuration in the folder for temporary files.
pub(crate) fn peers() -> io::Result<Vec<Subject>> {
    let folder = env::temp_dir().join("lab-peers");
    // What earlier runs have left there.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let mut peers = Vec::new();
    for (name, script) in [("nginx", NGINX), ("haproxy", HAPROXY)] {
        if is_installed(name) {
            let file = folder.join(format!("{name}.sh"));
            fs::write(&file, script)?;
            let command_line = format!("sh {} {{listen}} {{backend}}", file.display());
            peers.push(Subject::command(name, &command_line, 2));
        }
    }
    if let Ok(go) = env::var(GO) {
        peers.push(Subject::command("go", &format!("{go} {{listen}} {{backend}} 1"), 2));
    }
    Ok(peers)
}

fn is_installed(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).any(|folder| folder.join(name).is_file())
}

/// One process in the foreground, so that it ends with its handle. HTTP/1.1 to the backend; all else is the default.
const NGINX: &str = r#"set -e
folder=$(mktemp -d "$(dirname "$0")/nginx.XXXXXX")
cat > "$folder/nginx.conf" <<END
master_process off; daemon off; pid $folder/pid; error_log /dev/null;
events {}
http {
  access_log off;
  client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
  server { listen $1; location / { proxy_pass http://$2; proxy_http_version 1.1; } }
}
END
PATH=$PATH:/usr/sbin exec nginx -e /dev/null -p "$folder" -c "$folder/nginx.conf"
"#;

const HAPROXY: &str = r#"set -e
file=$(mktemp "$(dirname "$0")/haproxy.XXXXXX")
cat > "$file" <<END
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend front
  bind $1
  default_backend back
backend back
  server one $2
END
PATH=$PATH:/usr/sbin exec haproxy -db -q -f "$file"
"#;
