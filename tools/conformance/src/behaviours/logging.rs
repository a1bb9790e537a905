//! The log, the messages and the ready line when nothing reads them: neither requests nor the exit wait.

use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, Process};

use crate::behaviours::setup::HELLO;

pub(crate) const LIST: &[Behaviour] = behaviours![
    of_stages:
    requests_are_answered_while_stderr_is_not_read_and_dropped_lines_are_counted,
    #[cfg(unix)]
    a_stop_signal_ends_the_proxy_while_stderr_is_not_read,
];

/// More than a pipe and a reader's buffer hold, and less than the queue holds.
const FEW: usize = 60;
/// More than the queue holds in addition.
const MANY: usize = 300;
/// Each line of the log is slightly longer.
const PATH_BYTES: usize = 6000;

/// A proxy whose stderr is read only while the test does not hold `stalled`.
struct Stalled {
    proxy: Process,
    _backend: Backend,
}

impl Stalled {
    fn start(subject: &Subject, reading: &Arc<Mutex<()>>) -> Stalled {
        let backend = Backend::good(HELLO).unwrap();
        let mut command = Command::new(subject.binary());
        command.args(["--listen", "127.0.0.1:0", "--backend", &backend.address().to_string()]);
        command.args(subject.free_ports()).env_remove("RUST_LOG");
        let reading = Arc::clone(reading);
        let relay = move |line: &str| {
            // The ready line is written to stdout.
            if !line.contains(" listening on ") {
                // A test that has failed no longer holds the lock.
                drop(reading.lock());
            }
        };
        Stalled { proxy: Process::start(command, relay).unwrap(), _backend: backend }
    }

    /// Sends `requests` requests and checks that each is answered.
    fn is_answered(&self, requests: usize) {
        for _ in 0..requests {
            let path = "x".repeat(PATH_BYTES);
            let request = format!("GET /{path} HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n");
            let response = Client::connect(self.proxy.address()).unwrap().exchange(request).unwrap();
            assert_eq!(response.text(), "hello");
        }
    }

    /// Lets the log be read, waits for the notice of dropped lines, then for the exit.
    fn read_to_end(&mut self, stalled: MutexGuard<'_, ()>) -> String {
        drop(stalled);
        self.proxy.wait_for_log(" dropped from the log: ").unwrap();
        self.proxy.terminate().unwrap();
        self.proxy.wait_for_exit().unwrap();
        self.proxy.last_line();
        self.proxy.log()
    }
}

fn requests_are_answered_while_stderr_is_not_read_and_dropped_lines_are_counted(subject: &Subject) {
    let reading = Arc::new(Mutex::new(()));
    let stalled = reading.lock().unwrap();
    let mut proxy = Stalled::start(subject, &reading);
    proxy.is_answered(MANY);
    let log = proxy.read_to_end(stalled);
    let logged = log.lines().filter(|line| line.contains("GET /x")).count();
    let complete = |line: &&str| line.contains("GET /x") && line.len() > PATH_BYTES && line.ends_with("ms");
    assert_eq!(log.lines().filter(complete).count(), logged, "lines are cut");
    let notices = log.lines().filter_map(|line| line.split_once(" dropped from the log: "));
    let dropped: usize =
        notices.map(|(count, _)| count.rsplit(' ').nth(2).unwrap().parse::<usize>().unwrap()).sum();
    assert!(dropped > 0 && logged > FEW, "{logged} logged, {dropped} dropped");
    assert_eq!(logged + dropped, MANY);
}

#[cfg(unix)]
fn a_stop_signal_ends_the_proxy_while_stderr_is_not_read(subject: &Subject) {
    let asks: [fn(&mut Process) -> std::io::Result<()>; 2] = [Process::terminate, Process::interrupt];
    for ask in asks {
        let reading = Arc::new(Mutex::new(()));
        let _stalled = reading.lock().unwrap();
        let mut proxy = Stalled::start(subject, &reading);
        proxy.is_answered(FEW);
        ask(&mut proxy.proxy).unwrap();
        assert_eq!(proxy.proxy.wait_for_exit().unwrap().code(), Some(0));
    }
}
