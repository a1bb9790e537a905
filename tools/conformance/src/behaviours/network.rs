//! Tests in a separate network: what happens if the machine lacks an address family or a free port. They need
//! the network namespaces of Linux, and report that they are skipped where a user may not create one.

use std::fs;
use std::net::TcpStream;

use crate::{Behaviour, Subject};
use testkit::{Client, RefusedPort, Response, run_to_end};

use crate::behaviours::setup::{GET, Setup, assert_is_error, start_before};

pub(crate) const LIST: &[Behaviour] = behaviours![
    of_stages:
    a_refusal_is_reported_before_an_unsupported_address_family,
    a_proxy_without_a_free_port_answers_503,
];

/// Set in the process that runs a test in the separate network.
const INSIDE: &str = "LAB_NETWORK";
/// Printed when the network is ready.
const READY: &str = "the network is ready";

/// A name with an address of each family, on a machine without IPv6.
pub const WITHOUT_IPV6: &str = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
    hosts=$(mktemp); printf '127.0.0.1 both.test\\n::1 both.test\\n' > $hosts
    mount --bind $hosts /etc/hosts; rm $hosts";
/// The port range of outgoing connections. Each port can be used once for each destination.
pub const PORT_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// Runs `test` in a network that the commands `prepare` set up. Starts this program again in that network,
/// for the test `name` only.
pub fn in_network(prepare: &str, name: &str, test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let script = format!(
        "set -e; ip link set lo up; {prepare}\necho {READY}; {INSIDE}=1 exec \"$0\" --nocapture {name}"
    );
    let program = std::env::current_exe().unwrap();
    let unshare = ["--user", "--map-root-user", "--net", "--mount", "sh", "-c", &script];
    let arguments = [&unshare[..], &[program.to_str().unwrap()]].concat();
    match run_to_end("unshare", &arguments) {
        Ok(finished) if finished.stdout.contains(READY) => {
            let (stdout, stderr) = (&finished.stdout, &finished.stderr);
            assert!(finished.code == Some(0) && stdout.contains("; 0 failed;"), "{stdout}{stderr}");
            assert!(stdout.contains(" 1 passed;"), "{name} names no test, or several: {stdout}");
        }
        Ok(finished) => println!("skipped: no network namespace: {}", finished.stderr),
        Err(error) => println!("skipped: no network namespace: {error}"),
    }
}

fn a_refusal_is_reported_before_an_unsupported_address_family(subject: &Subject) {
    // RFC 9110 section 15.6.3: 503 would mean that the proxy has no free port. RFC 9209 section 2.3.8.
    let name = "a_refusal_is_reported_before_an_unsupported_address_family";
    in_network(WITHOUT_IPV6, name, || {
        let port = RefusedPort::bind().unwrap();
        let number = port.address().unwrap().port();
        for (backend, error) in [
            (format!("both.test:{number}"), "connection_refused"),
            // RFC 9209 section 2.3.2: a backend with an address of only this family cannot be reached.
            (format!("[::1]:{number}"), "destination_unavailable"),
        ] {
            let proxy = start_before(subject, &backend, &[]);
            let response = Client::connect(proxy.address()).unwrap().exchange(GET).unwrap();
            assert_is_error(subject, &response, 502, "RFC 9110 section 15.6.3", error, &backend);
        }
    });
}

fn a_proxy_without_a_free_port_answers_503(subject: &Subject) {
    // RFC 9110 section 15.6.4; RFC 9209 section 2.3.12: the backend is not at fault.
    in_network("", "a_proxy_without_a_free_port_answers_503", || {
        let setup = Setup::hello(subject);
        fs::write(PORT_RANGE, "20000 20000").unwrap();
        let _only_port = TcpStream::connect(setup.backend.address()).unwrap();
        assert_no_port(subject, &setup.exchange(GET));
    });
}

/// RFC 9110 section 15.6.4: 503 means that the proxy has no free port for a backend connection.
pub fn assert_no_port(subject: &Subject, response: &Response) {
    let section = "RFC 9110 section 15.6.4";
    assert_is_error(subject, response, 503, section, "connection_limit_reached", "no port");
}
