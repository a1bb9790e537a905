//! `cargo lab doctor`: checks that this machine has what the workshop needs, one line each, with the remedy.

use std::env;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};

use crate::places::Places;
use stage::Failure;
use testkit::say;

/// A result; `mend` is the remedy of a failure.
struct Finding {
    what: String,
    mend: Option<String>,
}

/// The ports of the stats RPC, the proxy and the demo backends, with the flag that selects another port.
const PORTS: [(u16, &str); 5] = [
    (8079, "--rpc 127.0.0.1:8089"),
    (8080, "--listen 127.0.0.1:8090"),
    (8081, "--listen 127.0.0.1:8091"),
    (8082, "--listen 127.0.0.1:8092"),
    (8083, "--listen 127.0.0.1:8093"),
];
/// The exit code if the machine lacks something.
const FAILED: i32 = 3;
/// Two descriptors for each of a few hundred clients.
const MIN_OPEN_FILES: u64 = 1024;
/// The disk space of all builds of the workshop, debug and release.
const MIN_DISK_KIB: u64 = 3 * 1024 * 1024;

pub fn run() -> Result<(), Failure> {
    let places = Places::find()?;
    let mut findings = vec![compiler()];
    findings.extend(PORTS.map(|(port, flag)| free_port(port, flag)));
    findings.push(proxy_variables());
    findings.push(open_files());
    findings.push(disk(&places));
    findings.push(offline(&places));
    for Finding { what, mend } in &findings {
        match mend {
            None => say!("PASS {what}"),
            Some(mend) => say!("FAIL {what}\n     {mend}"),
        }
    }
    let failed = findings.iter().filter(|finding| finding.mend.is_some()).count();
    if failed > 0 {
        say!("{failed} of {} failed", findings.len());
        say!("next: do what is written below each FAIL, then run cargo lab doctor again");
        // Everything is printed, and the last line says what to do next.
        std::process::exit(FAILED);
    }
    say!("ready. next: cargo lab demo 1");
    Ok(())
}

fn pass(what: impl Into<String>) -> Finding {
    Finding { what: what.into(), mend: None }
}

fn fail(what: impl Into<String>, mend: impl Into<String>) -> Finding {
    Finding { what: what.into(), mend: Some(mend.into()) }
}

/// The stdout of a program; `None` if it fails or does not exist.
fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn compiler() -> Finding {
    let needed = env!("CARGO_PKG_RUST_VERSION");
    let number = |text: &str| -> Option<(u32, u32)> {
        let mut parts = text.split(['.', '-']).map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    };
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = output_of(Command::new(rustc).arg("--version")).unwrap_or_default();
    let version = said.split(' ').nth(1).unwrap_or("of an unknown version");
    let what = format!("rustc {version} (need {needed})");
    match (number(version), number(needed)) {
        (Some(has), Some(needs)) if has >= needs => pass(what),
        _ => fail(what, "rustup update stable"),
    }
}

fn free_port(port: u16, flag: &str) -> Finding {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => pass(format!("port {port} is free")),
        Err(error) => fail(
            format!("port {port} is not free ({error})"),
            format!("stop the program that uses it, or use {flag}"),
        ),
    }
}

/// Variables that send a local request to a remote proxy.
fn proxy_variables() -> Finding {
    let value = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let set =
        ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].into_iter().find(|name| value(name).is_some());
    let exceptions = ["no_proxy", "NO_PROXY"].into_iter().filter_map(value).collect::<Vec<_>>().join(",");
    let is_excepted = exceptions.split([',', ' ']).any(leaves_out_loopback);
    match set {
        Some(name) if !is_excepted => fail(
            format!("the variable {name} sends requests to another proxy"),
            "export no_proxy=127.0.0.1,localhost    (PowerShell: $env:no_proxy = ...)",
        ),
        Some(name) => pass(format!("the variable {name} leaves out 127.0.0.1")),
        None => pass("no variable sends requests to another proxy"),
    }
}

/// Whether an entry of `no_proxy` covers 127.0.0.1: all hosts, the address, or a range such as `127.0.0.0/8`.
fn leaves_out_loopback(entry: &str) -> bool {
    let (address, bits) = entry.split_once('/').unwrap_or((entry, "32"));
    let range = address.parse::<Ipv4Addr>().ok().zip(bits.parse::<u32>().ok());
    let is_in_range = |(address, bits): (Ipv4Addr, u32)| {
        let differing = address.to_bits() ^ Ipv4Addr::LOCALHOST.to_bits();
        // A shift by 32 bits is not valid for u32.
        bits <= 32 && u64::from(differing) >> (32 - bits) == 0
    };
    entry == "*" || range.is_some_and(is_in_range)
}

fn open_files() -> Finding {
    match stage::raise_open_files_limit() {
        Ok(limit) if limit >= MIN_OPEN_FILES => {
            pass(format!("{limit} files may be open (need {MIN_OPEN_FILES})"))
        }
        Ok(limit) => fail(format!("only {limit} files may be open"), "ulimit -n 4096"),
        Err(error) => fail(format!("the limit of open files is unknown ({error})"), "ulimit -n 4096"),
    }
}

fn disk(places: &Places) -> Finding {
    // Only Unix always has a program for it, and the standard library does not report it.
    let target = places.workspace.target().ok().filter(|target| target.is_dir());
    let target = target.unwrap_or_else(|| places.root().to_owned());
    let text = output_of(Command::new("df").arg("-Pk").arg(target));
    let free = text.as_deref().and_then(|text| text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok());
    let gib = |kib: u64| kib as f64 / 1024.0 / 1024.0;
    match free {
        Some(free) if free < MIN_DISK_KIB => fail(
            format!("only {:.1} GiB of disk are free (need {:.0})", gib(free), gib(MIN_DISK_KIB)),
            "cargo clean, which leaves your work alone, or make room on the disk",
        ),
        Some(free) => pass(format!("{:.1} GiB of disk are free (need {:.0})", gib(free), gib(MIN_DISK_KIB))),
        None => pass("the free disk space is unknown on this system: 3 GiB are needed"),
    }
}

/// Whether all dependencies are on this machine.
fn offline(places: &Places) -> Finding {
    let mut command = places.workspace.cargo("tree");
    match output_of(command.args(["--workspace", "--offline", "--prefix", "none"])) {
        Some(_) => pass("all dependencies are present: the workspace builds offline"),
        None => fail(
            "dependencies are missing: the workspace does not build offline",
            "cargo fetch    (with a network)",
        ),
    }
}
