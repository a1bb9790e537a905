//! Reads and writes with a deadline, and checks whether the other direction has ended.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::{Cause, Decoder, Limits, Wait};

/// How long a call blocks before it checks its deadline and its signals. On Windows this is not safe for
/// writes: docs/src/limits.md.
const TICK: Duration = Duration::from_millis(100);

/// Prepares a socket for the functions of this file.
pub(super) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(TICK))?;
    stream.set_write_timeout(Some(TICK))?;
    // Each message is written as a whole, so waiting for more bytes to send with it only costs time.
    stream.set_nodelay(true)
}

/// Reads once into the decoder, for as long as `check` succeeds.
pub(super) fn fill(
    stream: &TcpStream,
    decoder: &mut Decoder,
    limits: &Limits,
    wait: Wait,
    check: impl FnMut() -> Result<(), Cause>,
) -> Result<(), Cause> {
    if decoder.is_at_end_of_file() {
        return Err(Cause::Closed(wait));
    }
    let length = read(stream, decoder.space(limits), check)?;
    decoder.filled(length);
    Ok(())
}

/// Reads once, for as long as `check` succeeds, which is called before each attempt. `Ok(0)` is the end of the stream.
///
/// A read from a peer that sends a byte now and then never times out, so check the deadline before every read.
fn read(
    mut stream: &TcpStream,
    space: &mut [u8],
    mut check: impl FnMut() -> Result<(), Cause>,
) -> Result<usize, Cause> {
    loop {
        check()?;
        match stream.read(space) {
            Ok(length) => return Ok(length),
            Err(error) if is_tick(&error) => {}
            Err(error) => return Err(Cause::Io(error)),
        }
    }
}

/// Writes all parts, for as long as `check` succeeds, which is called before each attempt with the time of
/// the last progress.
pub(super) fn write_all(
    mut stream: &TcpStream,
    parts: [&[u8]; 3],
    mut check: impl FnMut(Instant) -> Result<(), Cause>,
) -> Result<(), Cause> {
    let mut slices = parts.map(IoSlice::new);
    let mut rest = &mut slices[..];
    // Skips empty parts: a write of no bytes would look like a closed connection.
    IoSlice::advance_slices(&mut rest, 0);
    let mut last_progress = Instant::now();
    while !rest.is_empty() {
        check(last_progress)?;
        match stream.write_vectored(rest) {
            Ok(0) => return Err(Cause::Io(io::Error::from(ErrorKind::WriteZero))),
            Ok(length) => {
                IoSlice::advance_slices(&mut rest, length);
                last_progress = Instant::now();
            }
            Err(error) if is_tick(&error) => {}
            Err(error) => return Err(Cause::Io(error)),
        }
    }
    Ok(())
}

/// Windows reports `TimedOut` where other systems report `WouldBlock`.
fn is_tick(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Returns an error if `deadline` has passed.
pub(super) fn check_deadline(deadline: Instant, wait: Wait) -> Result<(), Cause> {
    if Instant::now() < deadline { Ok(()) } else { Err(Cause::TimedOut(wait)) }
}

/// Sets whether closing the connection resets it.
///
/// A body that ends with the connection looks complete however the connection ends. While such a body is
/// being sent, closing the connection must therefore reset it (RFC 9112 section 8). This costs a system call,
/// so it is done only for such a body.
pub(super) fn reset_on_close(stream: &TcpStream, reset: bool) {
    // If this fails, the client sees an ordinary end.
    let _ = SockRef::from(stream).set_linger(reset.then_some(Duration::ZERO));
}

/// Closes the write side: the peer reads an end of file.
pub(super) fn end(stream: &TcpStream) {
    // Fails only if the connection is already gone.
    let _ = stream.shutdown(Shutdown::Write);
}
