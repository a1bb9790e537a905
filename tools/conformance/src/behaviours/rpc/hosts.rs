//! Which hosts the RPC answers to: no name that a web page could choose (DNS rebinding).

use crate::{Behaviour, Subject};
use testkit::{Backend, Client};

use super::{CALL, Rpc};
use crate::behaviours::setup::HELLO;

pub(crate) const LIST: &[Behaviour] = behaviours![
    the_rpc_answers_to_ip_addresses_and_to_localhost_only,
    the_rpc_answers_to_the_names_that_a_flag_adds,
];

/// The status of the response to a call with this request line and this `Host`.
fn status_for(rpc: &Rpc, request_line: &str, host: Option<&str>) -> u16 {
    let host = host.map(|host| format!("Host: {host}\r\n")).unwrap_or_default();
    let fields = format!("{host}Content-Type: application/json\r\nContent-Length: {}", CALL.len());
    let call = format!("{request_line}\r\n{fields}\r\n\r\n{CALL}");
    let response = Client::connect(rpc.address).unwrap().exchange(call).unwrap();
    assert!(response.status != 421 || response.text().contains("--rpc-host NAME"), "{}", response.text());
    response.status
}

const POST: &str = "POST /rpc HTTP/1.1";

fn the_rpc_answers_to_ip_addresses_and_to_localhost_only(subject: &Subject) {
    // RFC 9110 sections 7.4 and 15.5.20. A web page whose name resolves to 127.0.0.1 sends that name.
    let rpc = Rpc::hello(subject);
    for host in ["127.0.0.1", "127.0.0.1:8079", "10.1.2.3", "[::1]", "[::1]:8079", "[2001:DB8::1]"] {
        assert_eq!(status_for(&rpc, POST, Some(host)), 200, "{host}");
    }
    for host in ["localhost", "localhost:8079", "LocalHost:1", "localhost:"] {
        assert_eq!(status_for(&rpc, POST, Some(host)), 200, "{host}");
    }
    for host in [
        "attacker.test",
        "attacker.test:8079",
        "localhost.attacker.test",
        "127.0.0.1.attacker.test",
        "localhos",
        "l%6fcalhost",
    ] {
        assert_eq!(status_for(&rpc, POST, Some(host)), 421, "{host}");
        assert_eq!(status_for(&rpc, "GET / HTTP/1.1", Some(host)), 421, "{host}");
    }
    // RFC 9112 section 3.2.2: the host of an absolute-form target takes precedence over `Host`.
    assert_eq!(status_for(&rpc, "POST http://attacker.test/rpc HTTP/1.1", Some("localhost")), 421);
    assert_eq!(status_for(&rpc, "POST http://localhost:8079/rpc HTTP/1.1", Some("attacker.test")), 200);
    // HTTP/1.0 needs no host, but a browser always sends one.
    assert_eq!(status_for(&rpc, "POST /rpc HTTP/1.0", None), 200);
    assert_eq!(status_for(&rpc, "POST /rpc HTTP/1.0", Some("attacker.test")), 421);
}

fn the_rpc_answers_to_the_names_that_a_flag_adds(subject: &Subject) {
    let flags = ["--rpc-host", "stats.example,stats", "--rpc-host", "Other_name"];
    let rpc = Rpc::start(subject, Backend::good(HELLO).unwrap(), &flags);
    for host in ["stats.example", "STATS.Example:8079", "stats:80", "other_name", "localhost", "127.0.0.1"] {
        assert_eq!(status_for(&rpc, POST, Some(host)), 200, "{host}");
    }
    for host in ["attacker.test", "x.stats.example", "stats.example.test", "example"] {
        assert_eq!(status_for(&rpc, POST, Some(host)), 421, "{host}");
    }
    for value in ["", "stats:8079", "http://stats", "[::1]", "a b", "stats,"] {
        let finished = testkit::run_to_end(subject.binary(), &["--rpc-host", value]).unwrap();
        assert_eq!(finished.code, Some(2), "{value}: {}", finished.stderr);
        assert!(finished.stderr.contains("without a port"), "{value}: {}", finished.stderr);
    }
}
