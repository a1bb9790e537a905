//! Several backends (from part6 on): each gets its share, a failing backend is left out, and a request that
//! must not be repeated is never resent.

#[cfg(target_os = "linux")]
pub mod addresses;
pub mod attempts;
pub mod choice;
pub mod health;
pub mod recovery;

use std::net::SocketAddr;

use crate::Subject;
use serde_json::Value;
use testkit::{Backend, Client, PATIENCE, Process, poll};

use crate::behaviours::setup::{GET, HELLO, at_once, rpc_result, start_before};

const POST: &str = "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 10\r\n\r\n";
/// No check runs during a test, so requests alone cause all effects.
const UNCHECKED: [&str; 2] = ["--health-interval", "1440m"];
/// Checks run continuously.
const CHECKED: [&str; 2] = ["--health-interval", "20ms"];

/// Starts the stage in front of these backends.
fn start(subject: &Subject, backends: &[SocketAddr], flags: &[&str]) -> Process {
    let list = backends.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",");
    start_before(subject, &list, flags)
}

fn good() -> Backend {
    Backend::good(HELLO).unwrap()
}

/// A backend that reads each request and closes the connection without a response.
fn closing() -> Backend {
    Backend::script(|connection| connection.read_request().map(drop)).unwrap()
}

fn addresses(backends: &[Backend]) -> Vec<SocketAddr> {
    backends.iter().map(Backend::address).collect()
}

fn requests(backends: &[Backend]) -> Vec<usize> {
    backends.iter().map(|backend| backend.requests().len()).collect()
}

fn exchange(proxy: &Process, request: &str) -> testkit::Response {
    let response = Client::connect(proxy.address()).unwrap().exchange(request);
    response.unwrap_or_else(|error| panic!("{request}: {error}; {}", proxy.log()))
}

/// What the stage reports about its backends over RPC.
fn told(proxy: &Process) -> Vec<Value> {
    let result = rpc_result(proxy, "RpcServer.GetBackends");
    result["Backends"].as_array().unwrap_or_else(|| panic!("{result}")).clone()
}

fn state(proxy: &Process, index: usize) -> String {
    told(proxy)[index]["State"].as_str().unwrap().to_owned()
}

/// Polls until a condition holds that has no notification.
#[track_caller]
fn wait_until(what: &str, proxy: &Process, is_so: impl Fn() -> bool) {
    let holds = poll(PATIENCE, is_so);
    assert!(holds, "waited in vain for {what}: {:?}; {}", told(proxy), proxy.log());
}

/// Runs `clients` concurrent clients that send `each` requests, and passes each status to `see`.
fn load(proxy: &Process, clients: usize, each: usize, see: impl Fn(u16) + Sync) {
    at_once(clients, || {
        let mut client = Client::connect(proxy.address()).unwrap();
        for _ in 0..each {
            see(client.exchange(GET).unwrap().status);
        }
    });
}
