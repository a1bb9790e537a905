//! The thread count of a stage: as many as the cores that it may use. Only Linux reports it.

use std::process::Command;

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, Process};

use crate::behaviours::setup::{GET, HELLO};

pub(crate) const LIST: &[Behaviour] = behaviours![
    of_stages:
    one_core_has_one_thread_and_two_cores_have_more,
];

/// Starts the stage on these cores, in the syntax of `taskset`, and returns its thread count.
fn threads_on(subject: &Subject, cores: &str) -> usize {
    let backend = Backend::good(HELLO).unwrap();
    let mut command = Command::new("taskset");
    command.args(["-c", cores]).arg(subject.binary()).args(["--listen", "127.0.0.1:0", "--backend"]);
    // The thread of the log would start with its first line.
    command.arg(backend.address().to_string()).args(subject.free_ports()).args(["--log", "off"]);
    let proxy = Process::start(command, |_| ()).unwrap();
    let mut client = Client::connect(proxy.address()).unwrap();
    assert_eq!(client.exchange(GET).unwrap().text(), "hello");
    proxy.threads().unwrap()
}

fn one_core_has_one_thread_and_two_cores_have_more(subject: &Subject) {
    if Command::new("taskset").arg("--version").output().is_err() {
        println!("skipped: there is no taskset");
        return;
    }
    assert_eq!(threads_on(subject, "0"), 1);
    if std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) {
        assert!(threads_on(subject, "0,1") > 1);
    }
}
