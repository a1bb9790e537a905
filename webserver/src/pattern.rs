//! The bytes of `/bytes`, `/chunked`, `/close` and `/truncate`: a client can compute each from its offset alone.
//!
//! The byte at `offset` is a line feed if `offset % 251` is 250, else the letter `(offset % 251) % 26` of a to z.
//! 251 is a prime, so a body that lost, doubled or swapped a block of a usual size does not fit.

const PERIOD: usize = 251;

/// The bytes of one write: large enough that the cost of system calls is negligible, and a multiple of the period, so
/// that every write starts at the same position of the pattern.
const WRITE_BYTES: usize = 256 * PERIOD;

static PATTERN: [u8; WRITE_BYTES] = pattern();

const fn pattern() -> [u8; WRITE_BYTES] {
    let mut bytes = [b'\n'; WRITE_BYTES];
    let mut offset = 0;
    while offset < WRITE_BYTES {
        if offset % PERIOD != PERIOD - 1 {
            bytes[offset] = b'a' + (offset % PERIOD % 26) as u8;
        }
        offset += 1;
    }
    bytes
}

/// The next bytes of a body of which `missing` bytes were not written yet. Write all of them before the next call.
pub fn next_bytes(missing: u64) -> &'static [u8] {
    let length = usize::try_from(missing).map_or(WRITE_BYTES, |missing| missing.min(WRITE_BYTES));
    &PATTERN[..length]
}
