//! Messages and the ready line when nothing reads them. Only Linux is known to have pipes of 64 KiB.

use std::io::{PipeReader, Write, pipe};
use std::process::{Command, Stdio};

use crate::{Behaviour, Subject};
use testkit::{Backend, Child, Client, KeptPort, PATIENCE, poll};

use crate::behaviours::setup::{GET, HELLO};

pub(crate) const LIST: &[Behaviour] = behaviours![
    of_stages:
    a_usage_error_ends_the_proxy_even_if_stderr_is_full,
    the_proxy_serves_even_if_stdout_is_full,
];

const PIPE_BYTES: usize = 64 * 1024;

/// The write end of a full pipe, and its reader, which must be kept open.
fn full_pipe() -> (PipeReader, Stdio) {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(&[b'x'; PIPE_BYTES]).unwrap();
    (reader, writer.into())
}

fn a_usage_error_ends_the_proxy_even_if_stderr_is_full(subject: &Subject) {
    let (_reader, stderr) = full_pipe();
    let mut command = Command::new(subject.binary());
    command.args(["--listen", "nonsense"]).stdout(Stdio::null()).stderr(stderr);
    let mut child = Child::spawn(&mut command).unwrap();
    assert!(poll(PATIENCE, || child.try_wait().unwrap().is_some()), "it does not end");
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

fn the_proxy_serves_even_if_stdout_is_full(subject: &Subject) {
    let backend = Backend::good(HELLO).unwrap();
    let port = KeptPort::bind().unwrap();
    let (_reader, stdout) = full_pipe();
    let mut command = Command::new(subject.binary());
    command.args(["--listen", &port.address().to_string(), "--backend", &backend.address().to_string()]);
    command.args(subject.free_ports()).stdout(stdout).stderr(Stdio::null());
    let _child = Child::spawn(&mut command).unwrap();
    assert!(poll(PATIENCE, || Client::connect(port.address()).is_ok()), "it does not listen");
    assert_eq!(Client::connect(port.address()).unwrap().exchange(GET).unwrap().text(), "hello");
}
