//! How many threads a stage has: as many as the cores that it may use can run. Linux tells.

#![cfg(target_os = "linux")]

use std::process::Command;

use testkit::{Backend, Client, Process};

use crate::BINARY;
use crate::suite::setup::{GET, HELLO, free_ports, skips_foreign};

/// Starts the stage on these cores, as `taskset` takes them, and tells how many threads serve its clients.
fn threads_on(cores: &str) -> usize {
    let backend = Backend::good(HELLO).unwrap();
    let mut command = Command::new("taskset");
    command.args(["-c", cores, BINARY, "--listen", "127.0.0.1:0", "--backend"]);
    command.arg(backend.address().to_string()).args(free_ports());
    let proxy = Process::start(command, |_| ()).unwrap();
    let mut client = Client::connect(proxy.address()).unwrap();
    assert_eq!(client.exchange(GET).unwrap().text(), "hello");
    proxy.threads().unwrap()
}

#[test]
fn on_one_core_one_thread_serves_all_and_on_two_there_are_more() {
    if skips_foreign("how many threads it has") {
        return;
    }
    if Command::new("taskset").arg("--version").output().is_err() {
        println!("skipped: there is no taskset");
        return;
    }
    // One more writes the log.
    assert_eq!(threads_on("0"), 2);
    if std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) {
        assert!(threads_on("0,1") > 2);
    }
}
