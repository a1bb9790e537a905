//! Parses the path of a request into an experiment with valid numbers, or a rejection.

use std::fmt::Display;
use std::ops::RangeInclusive;

use codec::{RequestHead, Version};

use crate::path::decode;
use crate::rejection::{Rejection, check_method, not_found};
use crate::site::Site;

/// An experiment.
#[derive(Debug)]
pub enum Experiment {
    /// None: a page of the book, or a file below `--docroot`.
    Site,
    Favicon,
    Hello {
        name: String,
    },
    Bytes(u64),
    Chunked(u64),
    Echo,
    Headers,
    Status(u16),
    Delay {
        milliseconds: u64,
    },
    Drip {
        count: u64,
        milliseconds: u64,
    },
    Hints,
    Trailers,
    UpgradeRequired,
    Truncate(u64),
    Counters,
    /// `/live.json`.
    Live,
    ResetCounters,
    Bypass(Bypass),
}

/// An experiment that the codec cannot write: it uses the socket directly.
#[derive(Clone, Copy, Debug)]
pub enum Bypass {
    Early(u16),
    CloseDelimited(u64),
    Upgrade,
    Garbage,
    Reset,
}

/// The longest wait: most people, and most proxies, give up earlier, and a connection is held for as long.
const MAX_WAIT_MILLISECONDS: u64 = 60_000;

/// The most events of `/drip`: more than any user watches, so that a forgotten client does not occupy its connection
/// forever.
const MAX_DRIP_COUNT: u64 = 10_000;

/// The most backends that `/live` shows: more do not fit on a screen.
const MAX_SHOWN_BACKENDS: usize = 8;

const DEFAULT_DRIP_COUNT: u64 = 5;
const DEFAULT_DRIP_MILLISECONDS: u64 = 200;

/// RFC 9110 section 15: final responses; 1xx would announce a response that never comes.
const FINAL_STATUSES: RangeInclusive<u64> = 200..=599;

/// Whether a request is for `/_lab` or for a page that shows it. Such requests are neither counted nor delayed.
pub fn is_for_lab(request: &RequestHead, site: &Site) -> bool {
    const PAGES: [&str; 6] = ["/counters", "/counters/live", "/live", "/live.css", "/live.js", "/live.json"];
    let path = request.path();
    path.starts_with("/_lab/") || (PAGES.contains(&path) && !site.has_docroot())
}

/// Whether a request, as the log names it, is one of those that `/live` sends four times a second: their lines would hide
/// all others.
pub fn is_poll(request: &str, site: &Site) -> bool {
    request == "GET /live.json" && !site.has_docroot()
}

pub fn route(request: &RequestHead, site: &Site) -> Result<Experiment, Rejection> {
    let experiment = find(request, site)?;
    // `None` allows any method.
    let allow = match experiment {
        Experiment::Echo | Experiment::Bypass(Bypass::Early(_)) => None,
        // The book first decides whether the page exists.
        Experiment::Site if !site.has_docroot() => None,
        Experiment::ResetCounters => Some("POST"),
        _ => Some("GET, HEAD"),
    };
    if let Some(methods) = allow {
        check_method(request, methods)?;
    }
    Ok(experiment)
}

fn find(request: &RequestHead, site: &Site) -> Result<Experiment, Rejection> {
    let Some(path) = request.path().strip_prefix('/') else {
        return Err(not_found(request));
    };
    let (name, argument) = match path.split_once('/') {
        Some((name, argument)) => (name, Some(argument)),
        None => (path, None),
    };
    let length = || number(&format!("/{name}/N"), argument, 0..=u64::MAX);
    let status = || {
        let status = number(&format!("/{name}/CODE"), argument, FINAL_STATUSES)?;
        u16::try_from(status).map_err(|_| not_found(request))
    };
    Ok(match (name, argument) {
        ("hello", Some(name)) => Experiment::Hello { name: name.to_owned() },
        ("bytes", _) => Experiment::Bytes(length()?),
        ("chunked", _) => Experiment::Chunked(length()?),
        ("close", _) => Experiment::Bypass(Bypass::CloseDelimited(length()?)),
        ("echo", None) => Experiment::Echo,
        ("headers", None) => Experiment::Headers,
        ("status", _) => Experiment::Status(status()?),
        ("delay", _) => {
            let milliseconds = number("/delay/MS", argument, 0..=MAX_WAIT_MILLISECONDS)?;
            Experiment::Delay { milliseconds }
        }
        ("drip", None) => drip(request)?,
        ("early", _) => Experiment::Bypass(Bypass::Early(status()?)),
        ("hints", None) => Experiment::Hints,
        ("trailers", None) => Experiment::Trailers,
        ("upgrade", None) if offers_echo(request) => Experiment::Bypass(Bypass::Upgrade),
        ("upgrade", None) => Experiment::UpgradeRequired,
        ("truncate", _) => Experiment::Truncate(length()?),
        ("garbage", None) => Experiment::Bypass(Bypass::Garbage),
        ("reset", None) => Experiment::Bypass(Bypass::Reset),
        ("_lab", Some("counters")) => Experiment::Counters,
        ("_lab", Some("counters/reset")) => Experiment::ResetCounters,
        ("_lab", Some(_)) => return Err(not_found(request)),
        ("live.json", None) if !site.has_docroot() => Experiment::Live,
        ("live", None) if !site.has_docroot() => {
            check_shown(request)?;
            Experiment::Site
        }
        ("favicon.ico", None) if !site.has_docroot() => Experiment::Favicon,
        // After all experiments, so that they keep their paths.
        _ => Experiment::Site,
    })
}

fn drip(request: &RequestHead) -> Result<Experiment, Rejection> {
    let (mut count, mut milliseconds) = (DEFAULT_DRIP_COUNT, DEFAULT_DRIP_MILLISECONDS);
    for (name, value) in parameters(request) {
        match name.as_str() {
            "count" => count = number("/drip?count=N", Some(value), 0..=MAX_DRIP_COUNT)?,
            "ms" => milliseconds = number("/drip?ms=MS", Some(value), 0..=MAX_WAIT_MILLISECONDS)?,
            _ => {}
        }
    }
    Ok(Experiment::Drip { count, milliseconds })
}

/// The names and values in the query. Names are percent-decoded, as the script of `/live` does it. A name with an
/// invalid escape is ignored.
fn parameters(request: &RequestHead) -> impl Iterator<Item = (String, &str)> {
    let query = request.path_and_query().split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        Some((String::from_utf8(decode(name).ok()?).ok()?, value))
    })
}

/// Checks the backends that `/live?with=ADDRESS,ADDRESS` names: all must be on this machine, because the page sends
/// requests to each.
fn check_shown(request: &RequestHead) -> Result<(), Rejection> {
    let is_local = |address: &str| {
        let port = address.split_once(':').filter(|(host, _)| matches!(*host, "127.0.0.1" | "localhost"));
        port.is_some_and(|(_, port)| number("", Some(port), 1..=u64::from(u16::MAX)).is_ok())
    };
    let is_valid = |list: &str| {
        let mut addresses = list.split(',');
        addresses.clone().count() <= MAX_SHOWN_BACKENDS && addresses.all(is_local)
    };
    if parameters(request).filter(|(name, _)| name == "with").all(|(_, list)| is_valid(list)) {
        return Ok(());
    }
    let text = format!(
        "/live?with= takes at most {MAX_SHOWN_BACKENDS} addresses of this machine, as 127.0.0.1:8081,127.0.0.1:8082"
    );
    Err(Rejection::new(400, &text))
}

/// RFC 9110 section 7.8: an Upgrade counts in HTTP/1.1 only, and only if Connection lists it.
fn offers_echo(request: &RequestHead) -> bool {
    request.version() >= Version::HTTP_1_1
        && request.method() == "GET"
        && !request.has_body()
        && request.fields.list_contains("Connection", "upgrade")
        && request.fields.list_contains("Upgrade", "echo")
}

/// A decimal number of digits only: `str::parse` would accept `+5`.
fn number(usage: &str, text: Option<&str>, range: RangeInclusive<u64>) -> Result<u64, Rejection> {
    let text = text.unwrap_or_default();
    let number = text.parse().ok().filter(|number| {
        let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
        is_decimal && range.contains(number)
    });
    number.ok_or_else(|| bad_request(usage, range.start(), range.end()))
}

fn bad_request(usage: &str, least: impl Display, most: impl Display) -> Rejection {
    Rejection::new(400, &format!("{usage} takes a number from {least} to {most}"))
}
