//! Third-party proxies for comparison. Each runs with its own small configuration, written for the run.
//!
//! Each is a single process, like the stages, so its CPU time and memory are all that it uses.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{KeptPort, Process, StartError};

/// A proxy that may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Nginx,
    Haproxy,
    /// HAProxy with `option splice-auto`: long bodies stay in the kernel.
    HaproxySplice,
}

/// How it is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settings {
    /// HTTP/1.1 to the backend; everything else is the default.
    Default,
    /// For measurements: backend connections are kept alive, and nothing is logged.
    Fast,
}

/// Where distributions install servers, besides `PATH`.
const SYSTEM_PROGRAMS: &str = "/usr/sbin";

impl Peer {
    /// All known peers.
    pub const ALL: [Peer; 3] = [Peer::Nginx, Peer::Haproxy, Peer::HaproxySplice];

    /// Whether its program is installed.
    pub fn is_installed(self) -> bool {
        self.program().is_some()
    }

    fn program(self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain([PathBuf::from(SYSTEM_PROGRAMS)]);
        let name = if self == Peer::Nginx { "nginx" } else { "haproxy" };
        folders.map(|folder| folder.join(name)).find(|program| program.is_file())
    }

    /// Starts it in front of `backend`, with its files in a temporary folder.
    ///
    /// # Errors
    /// It is not installed or does not listen.
    pub fn start(self, backend: SocketAddr, settings: Settings) -> Result<Process, StartError> {
        let program = self.program().ok_or_else(|| io::Error::other("it is not installed"))?;
        let folder = Folder::new(self)?;
        let port = KeptPort::bind()?;
        let listen = port.address();
        let file = folder.0.join("peer.conf");
        let configuration = match self {
            Peer::Nginx => nginx(settings, listen, backend),
            Peer::Haproxy => haproxy(settings, listen, backend, ""),
            Peer::HaproxySplice => haproxy(settings, listen, backend, "option splice-auto"),
        };
        fs::write(&file, configuration)?;
        let mut command = Command::new(program);
        match self {
            Peer::Nginx => command.arg("-p").arg(&folder.0).args(["-e", "error.log", "-c"]).arg(&file),
            Peer::Haproxy | Peer::HaproxySplice => command.args(["-db", "-q", "-f"]).arg(&file),
        };
        let process = Process::listening(command, listen)?;
        Ok(process.with_folder(folder))
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Peer::Nginx => "nginx",
            Peer::Haproxy => "haproxy",
            Peer::HaproxySplice => "haproxy-splice",
        })
    }
}

/// The temporary folder of a process, removed when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Creates a folder with a name that is unique among processes.
    fn new(peer: Peer) -> io::Result<Folder> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("lab-{peer}-{}-{number}", process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Files that remain are in the folder for temporary files.
        let _ = fs::remove_dir_all(Path::new(&self.0));
    }
}

fn nginx(settings: Settings, listen: SocketAddr, backend: SocketAddr) -> String {
    let (upstream, pass, kept) = match settings {
        Settings::Default => (String::new(), backend.to_string(), ""),
        Settings::Fast => (
            format!(
                "keepalive_requests 10000000;
    upstream backend {{ server {backend}; keepalive 64; keepalive_requests 10000000; }}"
            ),
            "backend".to_owned(),
            "proxy_set_header Connection \"\"; proxy_set_header Host $host;",
        ),
    };
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {upstream}
    server {{
        listen {listen};
        location / {{
            proxy_pass http://{pass};
            proxy_http_version 1.1;
            {kept}
        }}
    }}
}}
"
    )
}

fn haproxy(settings: Settings, listen: SocketAddr, backend: SocketAddr, option: &str) -> String {
    let (limit, client, reuse) = match settings {
        Settings::Default => ("", "20s", ""),
        Settings::Fast => ("global\n    maxconn 4096", "60s", "http-reuse always"),
    };
    format!(
        "{limit}
defaults
    mode http
    timeout connect 5s
    timeout client {client}
    timeout server {client}
    {reuse}
    {option}
frontend front
    bind {listen}
    default_backend back
backend back
    server webserver {backend}
"
    )
}
