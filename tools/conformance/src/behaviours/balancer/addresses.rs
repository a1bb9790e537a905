//! Failures to connect, in a separate network: which are the backend's fault and which are the proxy's.

use std::fs;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::{Behaviour, Subject};
use serde_json::json;
use testkit::RefusedPort;

use super::{CHECKED, UNCHECKED, addresses, exchange, good, start, told};
use crate::behaviours::network::{PORT_RANGE, WITHOUT_IPV6, assert_no_port, in_network};
use crate::behaviours::setup::{GET, start_before};

pub(crate) const LIST: &[Behaviour] = behaviours![
    a_backend_that_refuses_and_has_an_address_of_a_missing_family_goes_down,
    checks_without_a_free_port_do_not_take_backends_down,
];

fn a_backend_that_refuses_and_has_an_address_of_a_missing_family_goes_down(subject: &Subject) {
    let name = "a_backend_that_refuses_and_has_an_address_of_a_missing_family_goes_down";
    in_network(WITHOUT_IPV6, name, || {
        let (port, good) = (RefusedPort::bind().unwrap(), good());
        let list = format!("both.test:{},{}", port.address().unwrap().port(), good.address());
        let proxy = start_before(subject, &list, &UNCHECKED);
        for _ in 0..4 {
            assert_eq!(exchange(&proxy, GET).text(), "hello");
        }
        let told = told(&proxy);
        assert_eq!((&told[0]["State"], &told[0]["Failures"]), (&json!("down"), &json!(3)), "{told:?}");
    });
}

fn checks_without_a_free_port_do_not_take_backends_down(subject: &Subject) {
    // RFC 9209 section 2.3.12: the proxy lacks the port.
    in_network("", "checks_without_a_free_port_do_not_take_backends_down", || {
        let backends = [good(), good()];
        fs::write(PORT_RANGE, "20000 20000").unwrap();
        let _only_ports = backends.each_ref().map(|backend| TcpStream::connect(backend.address()).unwrap());
        // Opened only now: a check could hold one of these ports earlier.
        fs::write(PORT_RANGE, "20001 60000").unwrap();
        let proxy = start(subject, &addresses(&backends), &CHECKED);
        fs::write(PORT_RANGE, "20000 20000").unwrap();
        // A check that cannot be sent has no visible effect, so this waits for the time of 20 checks.
        thread::sleep(Duration::from_millis(400));
        assert_no_port(subject, &exchange(&proxy, GET));
        assert!(!proxy.log().contains(" is down: "), "{}", proxy.log());
    });
}
