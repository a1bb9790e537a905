//! `cargo lab get`: sends one request through the proxy with its own client, so that neither the shell's
//! `curl` nor a variable such as `http_proxy` interferes.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stage::{Failure, printable};
use testkit::text::counted;
use testkit::{Client, Response};

use crate::shown::Shown;
use crate::stdout::written;

#[derive(clap::Args)]
pub struct Get {
    /// The path to fetch, or http://HOST:PORT/PATH
    path: String,

    /// The proxy, also by its URL [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    proxy: Option<String>,
}

/// The server and the path to request.
struct Target {
    authority: String,
    addresses: Vec<SocketAddr>,
    path: String,
}

/// The default address of a stage.
pub const DEFAULT_PROXY: &str = "127.0.0.1:8080";
const EXAMPLE: &str = "cargo lab get /hello/you";
/// What to look at if the proxy broke off.
const LOG: &str = "read the log of the proxy";
/// What to do if it closed without a response, which its log need not show as an error.
const NO_RESPONSE: &str = "read the log of the proxy. If it has no error for this request, the code that sends the \
                           response did not run, or sent nothing: for work/, cargo lab check says where";
/// Longer than a proxy waits for its backend, so that its 504 is received.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn run(get: &Get) -> Result<(), Failure> {
    let Target { authority: proxy, addresses, path } = Target::new(get)?;
    let request = request(&path, &proxy)?;
    let started = Instant::now();
    let mut client = Client::connect_to_any(&addresses, PATIENCE).map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => {
            // The demo listens on the default address only.
            let start = match proxy.as_str() {
                DEFAULT_PROXY => "cargo lab demo".to_owned(),
                _ => format!("cargo run -p part1 -- --listen {proxy}"),
            };
            Failure::new(format!("nothing listens on {proxy}"), start)
        }
        _ => Failure::new(format!("cannot connect to {proxy}: {error}"), "cargo lab demo"),
    })?;
    let untaken = |error| Failure::new(format!("cannot send the request to {proxy}: {error}"), LOG);
    client.send(request).map_err(untaken)?;

    let mut stdout = io::stdout().lock();
    // A pipe or a file gets the body unchanged.
    let mut shown = stdout.is_terminal().then(Shown::default);
    let mut length = 0;
    let mut last_byte = b'\n';
    let mut unwritten = Ok(());
    let response = client.read_streamed("GET", &mut |piece| {
        length += piece.len();
        last_byte = piece.last().copied().unwrap_or(last_byte);
        let text = shown.as_mut().map(|shown| shown.piece(piece));
        let bytes = text.as_ref().map_or(piece, |text| text.as_bytes());
        unwritten = stdout.write_all(bytes).and_then(|()| stdout.flush());
        unwritten.as_ref().map(|&()| ()).map_err(|error| io::Error::from(error.kind()))
    });
    if let Some(shown) = shown {
        unwritten = unwritten.and_then(|()| stdout.write_all(shown.end().as_bytes()));
    }
    if unwritten.is_err() {
        return written(unwritten);
    }
    let invalid = |error: io::Error| match error.kind() {
        ErrorKind::UnexpectedEof => {
            let problem =
                format!("{proxy} took the request, and closed the connection without any byte of a response");
            Failure::new(problem, NO_RESPONSE)
        }
        _ => Failure::new(format!("no valid response from {proxy}: {error}"), LOG),
    };
    let response = response.map_err(invalid)?;
    if last_byte != b'\n' && stdout.is_terminal() {
        eprintln!();
    }
    report(&response, length, started.elapsed());
    if !response.is_complete() {
        return Err(Failure::new(format!("the body was cut short after {}", counted(length, "byte")), LOG));
    }
    if response.status >= 400 {
        let problem = format!("the status is {} {}", response.status, printable(&response.reason));
        return Err(Failure::new(problem, "read the body, or the log of the proxy"));
    }
    Ok(())
}

impl Target {
    fn new(get: &Get) -> Result<Target, Failure> {
        let is_scheme =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let Some((scheme, rest)) = get.path.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
            let proxy = get.proxy.as_deref().unwrap_or(DEFAULT_PROXY);
            return Target::at("--proxy", proxy, DEFAULT_PROXY, &get.path);
        };
        if !scheme.eq_ignore_ascii_case("http") {
            let problem = format!("{scheme}:// is not spoken here, only http://");
            return Err(Failure::usage(problem, EXAMPLE));
        }
        if let Some(proxy) = &get.proxy {
            let problem = "both the URL and --proxy name a server";
            return Err(Failure::usage(problem, format!("{EXAMPLE} --proxy {proxy}")));
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        // RFC 9110 section 7.1: a fragment is not sent.
        let path = path.split('#').next().unwrap_or_default();
        // RFC 9110 section 4.2.1: the default port is 80. A colon within brackets is part of an address.
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        let authority = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        let slash = if path.starts_with('/') { "" } else { "/" };
        Target::at("cargo lab get", &authority, "http://127.0.0.1:8080/", &format!("{slash}{path}"))
    }

    fn at(flag: &str, server: &str, example: &str, path: &str) -> Result<Target, Failure> {
        let server = stage::resolve_address(flag, server, example)?;
        let (authority, addresses) = (server.authority().to_owned(), server.addresses().to_vec());
        Ok(Target { authority, addresses, path: path.to_owned() })
    }
}

/// Prints the summary and the fields after the body, because its length and time are known only then.
fn report(response: &Response, length: usize, elapsed: Duration) {
    let reason = printable(&response.reason);
    let length = counted(length, "byte");
    eprintln!("{} {reason} {length} {} ms", response.status, elapsed.as_millis());
    for (name, value) in &response.head.fields {
        eprintln!("{}: {}", printable(name), printable(value));
    }
}

pub fn request(path: &str, host: &str) -> Result<String, Failure> {
    if path.is_empty() || !path.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
        let problem = format!("{path:?} is not a path. Other characters are written as %XX");
        return Err(Failure::usage(problem, EXAMPLE));
    }
    // Some shells on Windows turn a path with a leading slash into a file name, so the slash is optional.
    let slash = if path.starts_with('/') { "" } else { "/" };
    let version = env!("CARGO_PKG_VERSION");
    Ok(format!(
        "GET {slash}{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: lab/{version}\r\nConnection: close\r\n\r\n"
    ))
}
