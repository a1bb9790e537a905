//! Failures to connect, in a network of the test's own: which are the backend's, and which are ours.

use lab::{Process, RefusedPort};
use serde_json::json;

use super::{UNCHECKED, exchange, good, told};
use crate::BINARY;
use crate::suite::network::{WITHOUT_IPV6, in_network};
use crate::suite::setup::{GET, free_ports};

#[test]
fn a_backend_that_refuses_and_has_an_address_of_a_missing_family_goes_down() {
    let name = "a_backend_that_refuses_and_has_an_address_of_a_missing_family_goes_down";
    in_network(WITHOUT_IPV6, name, || {
        let (port, good) = (RefusedPort::bind().unwrap(), good());
        let list = format!("both.test:{},{}", port.address().unwrap().port(), good.address());
        let flags = [&["--listen", "127.0.0.1:0", "--backend", &list], &UNCHECKED[..], free_ports()].concat();
        let proxy = Process::stage(BINARY, &flags).unwrap();
        for _ in 0..4 {
            assert_eq!(exchange(&proxy, GET).text(), "hello");
        }
        let told = told(&proxy);
        assert_eq!((&told[0]["State"], &told[0]["Failures"]), (&json!("down"), &json!(3)), "{told:?}");
    });
}
