//! Proxies of others, for comparison: each with a small configuration of its own, written for the run.
//!
//! One process each, as the stages are, so that its CPU time and memory are all that it uses.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use stage::Failure;

use testkit::KeptPort;
use testkit::Process;

/// A proxy that may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    Nginx,
    Haproxy,
}

impl Peer {
    pub(super) fn name(self) -> &'static str {
        match self {
            Peer::Nginx => "nginx",
            Peer::Haproxy => "haproxy",
        }
    }

    /// Starts it in front of `backend`, with its files below `folder`.
    pub(super) fn start(self, folder: &Path, backend: SocketAddr) -> anyhow::Result<Process> {
        let name = self.name();
        let folder = folder.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let port = KeptPort::bind().context("there is no free port")?;
        let listen = port.address();
        let file = folder.join("bench.conf");
        let configuration = match self {
            Peer::Nginx => nginx(listen, backend),
            Peer::Haproxy => haproxy(listen, backend),
        };
        fs::write(&file, configuration).with_context(|| format!("cannot write {}", file.display()))?;
        let mut command = Command::new(name);
        match self {
            Peer::Nginx => command.arg("-p").arg(&folder).args(["-e", "error.log", "-c"]).arg(&file),
            Peer::Haproxy => command.args(["-db", "-q", "-f"]).arg(&file),
        };
        Process::listening(command, listen).map_err(|error| {
            let message = format!("{name} could not start, is it installed? {error}");
            Failure::Environment(message).into()
        })
    }
}

fn nginx(listen: SocketAddr, backend: SocketAddr) -> String {
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
    keepalive_requests 10000000;
    upstream backend {{
        server {backend};
        keepalive 64;
        keepalive_requests 10000000;
    }}
    server {{
        listen {listen};
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Host $host;
        }}
    }}
}}
"
    )
}

fn haproxy(listen: SocketAddr, backend: SocketAddr) -> String {
    format!(
        "global
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    http-reuse always
frontend front
    bind {listen}
    default_backend back
backend back
    server webserver {backend}
"
    )
}
