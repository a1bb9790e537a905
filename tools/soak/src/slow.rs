//! Clients that slowly send the bytes of an endless head (slowloris).

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a client waits between two bytes.
const BETWEEN_BYTES: Duration = Duration::from_secs(1);
const MOST_THREADS: usize = 16;
const HEAD: &[u8] = b"GET /soak HTTP/1.1\r\nHost: soak.test\r\nX-Slow: ";

/// The results of the slow clients.
#[derive(Debug, Default)]
pub(crate) struct Slow {
    /// How often a client was answered 408 and cut.
    pub(crate) timed_out: u64,
    /// All other results.
    pub(crate) otherwise: Vec<String>,
}

/// Runs `clients` clients until the phase is over. A client that is cut connects again.
pub(crate) fn run(proxy: SocketAddr, clients: usize, is_over: &AtomicBool) -> Slow {
    let mut slow = Slow::default();
    thread::scope(|scope| {
        let count = clients.min(MOST_THREADS);
        let shares = (0..count).map(|index| clients * (index + 1) / count - clients * index / count);
        let threads: Vec<_> =
            shares.map(|share| scope.spawn(move || dribble(proxy, share, is_over))).collect();
        for part in threads.into_iter().filter_map(|thread| thread.join().ok()) {
            slow.timed_out += part.timed_out;
            slow.otherwise.extend(part.otherwise);
        }
    });
    slow
}

fn dribble(proxy: SocketAddr, clients: usize, is_over: &AtomicBool) -> Slow {
    let mut slow = Slow::default();
    let mut streams: Vec<(usize, Option<TcpStream>)> = (0..clients).map(|_| (0, None)).collect();
    while !is_over.load(Ordering::Relaxed) {
        let started = Instant::now();
        for (sent, stream) in &mut streams {
            let outcome = match stream {
                Some(stream) => next_byte(stream, *sent),
                None => connect(proxy).map(|new| *stream = Some(new)).map(|()| None),
            };
            *sent += 1;
            match outcome {
                Ok(None) => {}
                Ok(Some(answer)) => {
                    (*sent, *stream) = (0, None);
                    match answer.starts_with(b"HTTP/1.1 408 ") {
                        true => slow.timed_out += 1,
                        false => slow.otherwise.push(format!("\"{}\"", answer.escape_ascii())),
                    }
                }
                Err(error) => {
                    (*sent, *stream) = (0, None);
                    slow.otherwise.push(error.to_string());
                }
            }
        }
        while started.elapsed() < BETWEEN_BYTES && !is_over.load(Ordering::Relaxed) {
            thread::sleep(BETWEEN_BYTES / 20);
        }
    }
    slow
}

fn connect(proxy: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&proxy, testkit::PATIENCE)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Sends the next byte, unless an answer has arrived.
fn next_byte(stream: &mut TcpStream, sent: usize) -> io::Result<Option<Vec<u8>>> {
    let mut answer = [0; 1024];
    match stream.read(&mut answer) {
        Ok(length) => return Ok(Some(answer[..length].to_vec())),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(error) => return Err(error),
    }
    let byte = HEAD.get(sent).copied().unwrap_or(b'a');
    match stream.write(&[byte]) {
        // The next read returns the answer.
        Err(error) if testkit::fault::is_reset(&error) => Ok(None),
        written => written.map(|_| None),
    }
}
