//! The backend of a soak. It serves each request as asked, correctly or with a fault, and can be killed,
//! restarted and stalled as a whole. Each connection has its own thread.

use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::thread::{self, Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::fault::{Fault, Kind, Phase};
use crate::message::{AnswerFraming, Ask, body, framed, mixed, number_of};
use testkit::KeptPort;
use testkit::PATIENCE;
use testkit::wire::{End, Framing, Wire};
use testkit::{listen, listen_anywhere};

/// Longer than any timeout of a proxy.
const BACKEND_PATIENCE: Duration = Duration::from_secs(90);
/// The stack size of a connection's thread; there may be thousands of threads.
const STACK_BYTES: usize = 512 * 1024;
/// The longest pause before the backend continues.
const LONGEST_PAUSE_MILLISECONDS: u64 = 100;
/// The status of the answer to a request that was altered on the way.
pub(crate) const WRONG_REQUEST: u16 = 599;

/// A backend that can be killed and restarted at the same address.
pub(crate) struct FaultyBackend {
    port: KeptPort,
    shared: Arc<Shared>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    /// Counts kills and restarts; odd while the backend is down.
    generation: AtomicU64,
    /// Locked for writing while the whole backend stalls.
    gate: RwLock<()>,
    /// All open connections, to be cut, by the generation that accepted them and their number.
    open: Mutex<HashMap<(u64, usize), Arc<TcpStream>>>,
    observed: Mutex<Observed>,
}

/// What the backend has seen.
#[derive(Default)]
pub(crate) struct Observed {
    /// The numbers of all POSTs.
    posted: HashSet<u64>,
    /// The number of repeated POSTs.
    pub(crate) done_twice: u64,
    /// Received input that is invalid or not a request of ours.
    pub(crate) invalid: Vec<String>,
    /// For each endless answer, the time from the last accepted byte until the connection was cut.
    pub(crate) endless: Vec<Duration>,
}

impl FaultyBackend {
    pub(crate) fn start() -> io::Result<FaultyBackend> {
        let (port, listener) = listen_anywhere()?;
        let backend = FaultyBackend { port, shared: Arc::default(), accepting: Mutex::default() };
        backend.accept(listener);
        Ok(backend)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The number of kills and restarts; odd while it is down.
    pub(crate) fn generation(&self) -> u64 {
        self.shared.generation()
    }

    /// How many connections are open.
    pub(crate) fn connections(&self) -> usize {
        lock(&self.shared.open).len()
    }

    pub(crate) fn observed(&self) -> MutexGuard<'_, Observed> {
        lock(&self.shared.observed)
    }

    /// Stalls the backend until the guard is dropped: nothing is answered and nothing is read.
    pub(crate) fn stall(&self) -> RwLockWriteGuard<'_, ()> {
        self.shared.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops it as the end of its process would: nothing listens, and all connections are cut.
    pub(crate) fn kill(&self) {
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        // Wakes the accepting thread, which then stops listening.
        let _ = TcpStream::connect_timeout(&self.address(), PATIENCE);
        if let Some(accepting) = lock(&self.accepting).take() {
            let _ = accepting.join();
        }
        for stream in lock(&self.shared.open).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Listens again at the same address.
    pub(crate) fn restart(&self) -> io::Result<()> {
        let listener = listen(self.address())?;
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        self.accept(listener);
        Ok(())
    }

    /// Accepts in one thread and starts the connection threads in another. If thousands of connections arrive
    /// at once, the kernel keeps only as many as its queue holds.
    fn accept(&self, listener: TcpListener) {
        let (accepted, connections) = channel();
        let (shared, generation) = (Arc::clone(&self.shared), self.generation());
        let accepting = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if shared.generation() != generation || accepted.send(stream).is_err() {
                    break;
                }
            }
        });
        *lock(&self.accepting) = Some(accepting);
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            for (number, stream) in connections.into_iter().enumerate() {
                // A connection that cannot be served is closed, which the proxy sees.
                if let Ok(wire) = Wire::new(stream, BACKEND_PATIENCE) {
                    shared.spawn((generation, number), wire);
                }
            }
        });
    }
}

impl Drop for FaultyBackend {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Shared {
    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    fn spawn(self: &Arc<Shared>, connection: (u64, usize), wire: Wire) {
        lock(&self.open).insert(connection, Arc::clone(&wire.stream));
        if self.generation() != connection.0 {
            // The backend was killed before this connection was listed.
            let _ = wire.stream.shutdown(Shutdown::Both);
        }
        let shared = Arc::clone(self);
        let serve = move || {
            if let Err(error) = shared.serve(wire)
                && error.kind() == ErrorKind::InvalidData
            {
                lock(&shared.observed).invalid.push(error.to_string());
            }
            lock(&shared.open).remove(&connection);
        };
        if Builder::new().stack_size(STACK_BYTES).spawn(serve).is_err() {
            lock(&self.open).remove(&connection);
        }
    }

    fn serve(&self, mut wire: Wire) -> io::Result<()> {
        while let Some(head) = wire.read_head()? {
            self.stand_still();
            let Some(ask) = Ask::read(&head) else {
                return Err(io::Error::new(ErrorKind::InvalidData, format!("no request of ours: {head:?}")));
            };
            if let Some(fault) = ask.fault
                && fault.phase == Phase::InRequest
                && !goes_on_after(fault, ask.number, &mut wire)?
            {
                return Ok(());
            }
            let mut came = Vec::new();
            let framing = head.framing()?.unwrap_or(Framing::Empty);
            let (end, _) = wire.read_body(framing, &mut |piece| {
                came.extend_from_slice(piece);
                Ok(())
            })?;
            if end != End::Framed {
                return Ok(());
            }
            self.stand_still();
            if ask.answer == AnswerFraming::Endless {
                self.answer_endlessly(&mut wire);
                return Ok(());
            }
            if !ask.is_get() {
                self.record_post(ask.number);
                if number_of(&came) != Some(ask.number) {
                    wire.send(
                        format!("HTTP/1.1 {WRONG_REQUEST} Wrong\r\nContent-Length: 0\r\n\r\n").as_bytes(),
                    )?;
                    continue;
                }
            }
            if !answer(&ask, &mut wire)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn stand_still(&self) {
        drop(self.gate.read());
    }

    fn record_post(&self, number: u64) {
        let mut observed = lock(&self.observed);
        let is_new = observed.posted.insert(number);
        observed.done_twice += u64::from(!is_new);
    }

    /// Sends until a write fails, and records how long that write took.
    fn answer_endlessly(&self, wire: &mut Wire) {
        const CHUNK_BYTES: usize = 0x1_0000;
        let chunk = [b"10000\r\n", [b'a'; CHUNK_BYTES].as_slice(), b"\r\n"].concat();
        let mut sent = wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let mut last = Instant::now();
        while sent.is_ok() {
            last = Instant::now();
            sent = wire.send(&chunk);
        }
        lock(&self.observed).endless.push(last.elapsed());
    }
}

/// Sends the answer that was asked for; false if the connection has ended.
fn answer(ask: &Ask, wire: &mut Wire) -> io::Result<bool> {
    let number = ask.number;
    let mut bytes = format!("HTTP/1.1 200 OK\r\nX-Number: {number}\r\n").into_bytes();
    let in_head = bytes.len();
    framed(&mut bytes, ask.answer, &body(number, ask.answer_bytes));
    let head = 4 + bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_default();
    let Some(fault) = ask.fault else {
        wire.send(&bytes)?;
        return Ok(ask.answer != AnswerFraming::CloseDelimited);
    };
    let sent = match fault.phase {
        Phase::BeforeHead => 0,
        Phase::InHead => in_head,
        Phase::AfterHead => head,
        Phase::InChunk => head + (bytes.len() - head) / 2,
        Phase::InRequest | Phase::AtEnd => bytes.len(),
    };
    wire.send(&bytes[..sent])?;
    let goes_on = fault.phase == Phase::InRequest || goes_on_after(fault, number, wire)?;
    if goes_on {
        wire.send(&bytes[sent..])?;
    }
    Ok(goes_on)
}

/// Injects the fault at this point; false if the connection has ended.
fn goes_on_after(fault: Fault, number: u64, wire: &mut Wire) -> io::Result<bool> {
    match fault.kind {
        Kind::Close => {}
        Kind::Reset => wire.reset()?,
        Kind::Pause => {
            thread::sleep(Duration::from_millis(mixed(number) % LONGEST_PAUSE_MILLISECONDS));
            return Ok(true);
        }
        Kind::Stall => drop(wire.read_to_end()?),
    }
    Ok(false)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
