//! Every bound of the codec, each with its reason.
//!
//! Every number that decides what is rejected, or how long something may take, is defined in this file only.

use std::time::Duration;

const KIB: usize = 1024;

/// All limits and timeouts of a connection: one value, handed to the constructors of the adapters.
///
/// Sizes are in bytes. [`Limits::DEFAULT`] is what the binaries use; tests make their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The longest method. Registered methods have at most 17 letters, so a longer one is not legitimate.
    pub max_method_bytes: usize,
    /// The longest request target, answered 414. RFC 9112 section 3 asks for at least 8000.
    pub max_target_bytes: usize,
    /// The longest head (start line, fields and the empty line) and the longest trailer section. A longer
    /// request head is answered 431. nginx has the same 32 KiB. The limit also bounds the read buffer while a
    /// head arrives.
    pub max_head_bytes: usize,
    /// The most field lines in a head or a trailer section, answered 431. hyper and HAProxy have the same 100.
    pub max_fields: usize,
    /// The most options in all `Connection` fields of one message. Each is compared with each field name,
    /// so an unbounded list would cost quadratic time.
    pub max_connection_options: usize,
    /// The longest request body, answered 413. `None` means no bound, because a body is streamed and never collected.
    pub max_body_bytes: Option<u64>,
    /// The longest extension of one chunk. The extensions of a whole body have no bound: signed uploads have
    /// one in every chunk, and an extension is never stored.
    pub max_chunk_extension_bytes: usize,
    /// The most interim (1xx) responses before a final one; a backend that sends more is broken. They are
    /// forwarded and not stored, so their number costs no memory. At one 102 every 20 s, a job may take two
    /// days.
    pub max_interim_responses: u32,
    /// Whether a line of a head may end with LF alone.
    pub bare_line_feed: BareLineFeed,
    /// The largest read buffer that a long body may grow to. A larger buffer is not faster.
    pub max_buffer_bytes: usize,
    /// The fewest received bytes of a body that Linux moves from one socket to the other, without a copy in this
    /// program; only over tokio. Moving fewer costs more than copying them. `None` copies all bodies.
    pub min_spliced_bytes: Option<usize>,

    /// How long a connection may be idle before a request. It is then closed without a response. Longer than
    /// the 60 s for which common load balancers reuse a connection: the side that sends requests must close
    /// an idle connection first, or the other side closes it while a request is in flight. nginx has the same
    /// 75 s.
    pub idle_timeout: Duration,
    /// How long a request head may take from its first byte to its last, answered 408. The bound is a total,
    /// because a client that sends a byte a second would never exceed a bound between two bytes.
    pub head_timeout: Duration,
    /// How long the client may pause within a request body, answered 408; if the response is complete, the connection
    /// is closed. There is no total: docs/src/limits.md.
    pub request_body_timeout: Duration,
    /// How long connecting to the backend may take, answered 504.
    pub connect_timeout: Duration,
    /// How long the backend may take to answer, counted from the last piece of the request that left; answered 504.
    pub response_head_timeout: Duration,
    /// How long the backend may pause within a response body; then both connections are cut.
    pub response_body_timeout: Duration,
    /// How long the client may accept no byte of the response, and the backend no byte of a request whose
    /// response is complete; then both connections are cut.
    pub write_timeout: Duration,
    /// How long the rest of a request is read and discarded after the answer, so that a reset does not
    /// destroy the answer before the client has read it.
    pub linger_timeout: Duration,
    /// How long a peer of a tunnel may be unresponsive, and how long it may accept no byte; then both
    /// connections are reset. An idle peer answers the keep-alive probes of TCP, so its tunnel stays open.
    /// Longer than [`Limits::write_timeout`], because a user may stop a terminal in a tunnel for a while.
    pub tunnel_timeout: Duration,
}

/// Whether a line of a head may end with LF alone (RFC 9112 section 2.2 lets a recipient accept it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BareLineFeed {
    /// Rejected: two parsers that disagree on where a line ends disagree on where a message ends.
    Refuse,
    /// Accepted in the head of a message, never in chunked framing.
    Accept,
}

impl Limits {
    /// The limits of every binary here that does not set others.
    pub const DEFAULT: Limits = Limits {
        max_method_bytes: 64,
        max_target_bytes: 8000,
        max_head_bytes: 32 * KIB,
        max_fields: 100,
        max_connection_options: 32,
        max_body_bytes: None,
        max_chunk_extension_bytes: 256,
        max_interim_responses: 10_000,
        bare_line_feed: BareLineFeed::Refuse,
        max_buffer_bytes: 256 * KIB,
        min_spliced_bytes: Some(16 * KIB),
        idle_timeout: Duration::from_secs(75),
        head_timeout: Duration::from_secs(10),
        request_body_timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(2),
        response_head_timeout: Duration::from_secs(30),
        response_body_timeout: Duration::from_secs(30),
        write_timeout: Duration::from_secs(30),
        linger_timeout: Duration::from_secs(2),
        tunnel_timeout: Duration::from_secs(120),
    };

    /// The default for a serial proxy. It serves one client while all others wait, so a client that sends
    /// nothing is disconnected after 2 s.
    pub const SERIAL: Limits = Limits { idle_timeout: Duration::from_secs(2), ..Limits::DEFAULT };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}
