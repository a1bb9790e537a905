//! The check of when a backend that was down is used again.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use testkit::{Backend, FullPort, KeptPort, listen_anywhere};

use super::{CHECKED, LOOK_AGAIN, get_all, sent, wait_for_checks};
use crate::observed::{Seen, answer, ensure};
use crate::trial::{CLIENT_PATIENCE, GET, HELLO, Subject};

pub fn takes_back_what_is_well(subject: &Subject<'_>) -> Result<(), Seen> {
    let (port, good) = (KeptPort::bind()?, Backend::good(HELLO)?);
    let running = subject.start_with(&[port.address(), good.address()], &CHECKED)?;
    get_all(&running, 10, "one of two backends is down")?;
    let back = Backend::good_at(port, HELLO)?;
    let deadline = Instant::now() + CLIENT_PATIENCE;
    while sent(&back, "GET") == 0 {
        get_all(&running, 2, "a backend has come back")?;
        ensure(Instant::now() < deadline, || {
            format!(
                "a backend was down, and came back; it got no request within {CLIENT_PATIENCE:?}. It owes a \
                 connection, and a check that makes one proves as much as it owes"
            )
        })?;
    }
    leaves_out_what_owes_more(subject)
}

/// A check connects to a backend that is up, and the backend fails before it accepts. So the check proves less than
/// the backend owes by then.
fn leaves_out_what_owes_more(subject: &Subject<'_>) -> Result<(), Seen> {
    const HELD: usize = 3;
    // Other systems make a connection although the queue of the backend is full.
    if !subject.is_stage() || !cfg!(target_os = "linux") {
        return Ok(());
    }
    let (_port, listener) = listen_anywhere()?;
    listener.set_nonblocking(true)?;
    let good = Backend::slow(HELLO)?;
    let flags = [&CHECKED[..], &["--health-timeout", "1m"]].concat();
    let running = subject.start_with(&[listener.local_addr()?, good.address()], &flags)?;
    let ask = || running.client().and_then(|mut client| Ok(client.send(GET).map(|()| client)?));
    // Both backends keep their requests, so each gets its share.
    let mut clients = (0..2 * HELD).map(|_| ask()).collect::<Result<Vec<_>, _>>()?;
    let mut held = Vec::new();
    while held.len() < HELD {
        let (stream, method) = accept(&listener)?;
        held.extend((!method.is_empty()).then_some(stream));
    }
    let port = FullPort::fill(listener)?;
    // By then the next check of this backend waits, too.
    wait_for_checks(&good, 10)?;
    drop(held);
    good.release(usize::MAX / 2);
    for client in &mut clients {
        let response = client.read_response("GET");
        ensure(response.as_ref().is_ok_and(|response| response.status == 200), || {
            format!("one of two backends broke off its {HELD} requests; a client got {}", answer(&response))
        })?;
    }
    let listener = port.open();
    loop {
        let (_, method) = accept(&listener)?;
        // The next check asks for what is owed.
        if method == "OPTIONS" {
            return Ok(());
        }
        clients.extend([ask()?, ask()?]);
        ensure(method != "GET", || {
            format!(
                "a backend went down, after {HELD} requests on connections, while a check connected to it; it got \
                 requests when that check passed. It owes an answer: is what the check proves compared with that?"
            )
        })?;
    }
}

/// Accepts a connection, and returns the method of its request; empty if it closes without a request.
fn accept(listener: &TcpListener) -> Result<(TcpStream, String), Seen> {
    let deadline = Instant::now() + 2 * CLIENT_PATIENCE;
    loop {
        if let Ok((mut stream, _)) = listener.accept() {
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(CLIENT_PATIENCE))?;
            let mut bytes = [0; 1024];
            let length = stream.read(&mut bytes).unwrap_or(0);
            let method = bytes[..length].split(|&byte| byte == b' ').next().unwrap_or_default();
            return Ok((stream, String::from_utf8_lossy(method).into_owned()));
        }
        ensure(Instant::now() < deadline, || "neither requests nor checks came to a backend".to_owned())?;
        thread::sleep(LOOK_AGAIN);
    }
}
