//! What the cases are run against: a stage, or another proxy by its command line.

use std::env::{self, consts::EXE_SUFFIX};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use stage::Failure;

use testkit::{Process, StartError};

use crate::{Case, Needs};

/// A proxy that can be started before any backend.
pub struct Subject {
    /// What its column is called.
    pub name: String,
    start: Start,
}

enum Start {
    Stage { number: u32, binary: PathBuf },
    Command(String),
}

impl Subject {
    /// A stage, by its number and its binary.
    pub fn stage(number: u32, binary: impl Into<PathBuf>) -> Subject {
        Subject { name: format!("part{number}"), start: Start::Stage { number, binary: binary.into() } }
    }

    /// Another proxy, by a command line that holds `{listen}` and `{backend}`.
    pub fn command(name: &str, command_line: &str) -> Subject {
        Subject { name: name.to_owned(), start: Start::Command(command_line.to_owned()) }
    }

    /// Whether it is one of the stages, of which every case is expected to pass.
    pub fn is_stage(&self) -> bool {
        matches!(self.start, Start::Stage { .. })
    }

    /// Whether it can do what a case needs. part1 serves one request a connection.
    pub fn can(&self, case: &Case) -> bool {
        !matches!(self.start, Start::Stage { number: 1, .. }) || case.needs == Needs::Nothing
    }

    pub fn start(&self, backend: SocketAddr) -> Result<Process, StartError> {
        match &self.start {
            Start::Stage { number, binary } => {
                let backend = backend.to_string();
                Process::stage(binary, &stage_flags(*number, &["--backend", &backend, "--log", "off"]))
            }
            Start::Command(command_line) => Process::foreign(command_line, backend),
        }
    }

    /// The same with a limit of open files, over which only the cap of a stage's clients can be set.
    pub fn start_with_open_files(&self, limit: usize, backend: SocketAddr) -> Result<Process, StartError> {
        let Start::Stage { number, binary } = &self.start else {
            return self.start(backend);
        };
        let backend = backend.to_string();
        let flags = ["--backend", &backend, "--log", "warn", "--max-clients", "1000"];
        Process::stage_with_open_files(binary, limit, &stage_flags(*number, &flags))
    }
}

/// The flags with which a stage listens on free ports, and these.
fn stage_flags<'a>(number: u32, flags: &[&'a str]) -> Vec<&'a str> {
    let rpc: &[&str] = if number >= 5 { &["--rpc", "127.0.0.1:0"] } else { &[] };
    [&["--listen", "127.0.0.1:0"], rpc, flags].concat()
}

/// Builds stages in one go; what cargo says is shown.
pub fn build(numbers: &[u32]) -> anyhow::Result<Vec<Subject>> {
    let known = stages();
    if let Some(number) = numbers.iter().find(|number| !known.contains(number)) {
        let message = format!("there is no part{number}. Try: --stage {}", known.len());
        return Err(Failure::Usage(message).into());
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.arg("build").arg("--manifest-path").arg(workspace().join("Cargo.toml"));
    for number in numbers {
        command.args(["-p", &format!("part{number}")]);
    }
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    if !command.status().context("cannot start cargo")?.success() {
        bail!("cargo could not build: what it says stands above");
    }
    let subject = |&number: &u32| Ok(Subject::stage(number, binary(&format!("part{number}"))?));
    numbers.iter().map(subject).collect()
}

/// The folder of the workspace.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The numbers of all stages that there are.
pub fn stages() -> Vec<u32> {
    (1..).take_while(|number| workspace().join(format!("part{number}/Cargo.toml")).is_file()).collect()
}

/// Where cargo has put a binary: it puts those of a workspace side by side.
fn binary(name: &str) -> io::Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(format!("{name}{EXE_SUFFIX}")))
}

/// The variable that names a small reverse proxy written in Go, called as `PROGRAM LISTEN BACKEND CORES`.
const GO: &str = "LAB_PEER_GO";

/// The other proxies that are installed here, each with a small configuration in `target/lab/peers`.
pub(crate) fn peers() -> io::Result<Vec<Subject>> {
    let folder = workspace().join("target/lab/peers");
    // What earlier runs have left there.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let mut peers = Vec::new();
    for (name, script) in [("nginx", NGINX), ("haproxy", HAPROXY)] {
        if is_installed(name) {
            let file = folder.join(format!("{name}.sh"));
            fs::write(&file, script)?;
            let command_line = format!("sh {} {{listen}} {{backend}}", file.display());
            peers.push(Subject::command(name, &command_line));
        }
    }
    if let Ok(go) = env::var(GO) {
        peers.push(Subject::command("go", &format!("{go} {{listen}} {{backend}} 1")));
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
