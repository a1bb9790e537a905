//! How reads and writes wait: they block for 100 ms at most, so that they notice a deadline and the other direction.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::socket::{ReadHalf, WriteHalf};
use crate::patience::Patience;
use crate::{Cause, Decoder, Wait};

/// How long a call blocks before it checks its deadline and its signals. On Windows this is not safe for
/// writes: docs/src/limits.md.
const TICK: Duration = Duration::from_millis(100);

/// Prepares a socket for the functions of this file.
pub(super) fn set_timeouts(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(TICK))?;
    stream.set_write_timeout(Some(TICK))
}

impl ReadHalf<'_> {
    /// Reads once into the decoder. `deadline` is called before each attempt; its error ends the wait.
    pub(super) fn fill(
        &mut self,
        decoder: &mut Decoder,
        wait: Wait,
        mut deadline: impl FnMut() -> Result<Instant, Cause>,
    ) -> Result<(), Cause> {
        if decoder.is_at_end_of_file() {
            return Err(Cause::Closed(wait));
        }
        loop {
            // A read from a peer that sends a byte now and then never waits, so check before every read.
            if Instant::now() >= deadline()? {
                return Err(Cause::TimedOut(wait));
            }
            match self.stream.read(decoder.space(self.limits)) {
                Ok(length) => {
                    decoder.filled(length);
                    return Ok(());
                }
                Err(error) if is_tick(&error) => {}
                Err(error) => return Err(Cause::Io(error)),
            }
        }
    }
}

impl WriteHalf<'_> {
    /// Writes all parts, and waits as long as `patience` allows.
    pub(super) fn write_all(&mut self, parts: [&[u8]; 3], patience: Patience<'_>) -> Result<(), Cause> {
        let mut slices = parts.map(IoSlice::new);
        let mut rest = &mut slices[..];
        // Skips empty parts: a write of no bytes would look like a closed connection.
        IoSlice::advance_slices(&mut rest, 0);
        // Set only if the other side accepts nothing: most writes never wait.
        let mut deadline = None;
        while !rest.is_empty() {
            patience.check()?;
            match self.stream.write_vectored(rest) {
                Ok(0) => return Err(Cause::Io(ErrorKind::WriteZero.into())),
                Ok(length) => {
                    IoSlice::advance_slices(&mut rest, length);
                    patience.progressed();
                    deadline = None;
                }
                Err(error) if is_tick(&error) => {
                    if let Some(timeout) = patience.timeout()
                        && Instant::now() >= *deadline.get_or_insert_with(|| Instant::now() + timeout)
                    {
                        return Err(Cause::TimedOut(Wait::Write));
                    }
                }
                Err(error) => return Err(Cause::Io(error)),
            }
        }
        Ok(())
    }
}

/// Windows reports `TimedOut` where other systems report `WouldBlock`.
fn is_tick(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
