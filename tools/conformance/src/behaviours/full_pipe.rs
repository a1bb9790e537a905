//! Messages and the ready line when nothing reads them. Only Linux is known to have pipes of 64 KiB.

use std::io::{PipeReader, Write, pipe};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, KeptPort, PATIENCE};

use crate::behaviours::setup::{GET, HELLO};

pub(crate) const LIST: &[Behaviour] = behaviours![
    of_stages:
    a_message_that_nothing_reads_does_not_keep_it_from_ending,
    a_ready_line_that_nothing_reads_does_not_keep_it_from_serving,
];

const PIPE_BYTES: usize = 64 * 1024;

/// A child process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail only if it has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The write end of a full pipe, and its reader, which must be kept open.
fn full_pipe() -> (PipeReader, Stdio) {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(&[b'x'; PIPE_BYTES]).unwrap();
    (reader, writer.into())
}

fn a_message_that_nothing_reads_does_not_keep_it_from_ending(subject: &Subject) {
    let (_reader, stderr) = full_pipe();
    let mut command = Command::new(subject.binary());
    command.args(["--listen", "nonsense"]).stdout(Stdio::null()).stderr(stderr);
    let mut child = Ended(command.spawn().unwrap());
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.0.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "it does not end");
        sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(2));
}

fn a_ready_line_that_nothing_reads_does_not_keep_it_from_serving(subject: &Subject) {
    let backend = Backend::good(HELLO).unwrap();
    let port = KeptPort::bind().unwrap();
    let (_reader, stdout) = full_pipe();
    let mut command = Command::new(subject.binary());
    command.args(["--listen", &port.address().to_string(), "--backend", &backend.address().to_string()]);
    command.args(subject.free_ports()).stdout(stdout).stderr(Stdio::null());
    let _child = Ended(command.spawn().unwrap());
    let deadline = Instant::now() + PATIENCE;
    let mut client = loop {
        match Client::connect(port.address()) {
            Ok(client) => break client,
            Err(error) => assert!(Instant::now() < deadline, "it does not listen: {error}"),
        }
    };
    assert_eq!(client.exchange(GET).unwrap().text(), "hello");
}
