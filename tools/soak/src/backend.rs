//! The backend of a soak: it does what each request asks for, well or badly, and can be killed, restarted, and stalled
//! as a whole. A thread for each connection.

use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::thread::{self, Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::fault::{Fault, Kind, Phase};
use crate::message::{Answer, Ask, body, framed, mixed, number_of};
use testkit::KeptPort;
use testkit::PATIENCE;
use testkit::wire::{End, Framing, Wire};
use testkit::{listen, listen_anywhere};

/// Longer than any timeout of a proxy.
const BACKEND_PATIENCE: Duration = Duration::from_secs(90);
/// What a thread for a connection needs; there may be thousands.
const STACK_BYTES: usize = 512 * 1024;
/// The longest pause of a backend that goes on.
const LONGEST_PAUSE_MILLISECONDS: u64 = 100;
/// The status of an answer to a request that did not come as it was sent.
pub(crate) const WRONG_REQUEST: u16 = 599;

/// A backend that can be killed and restarted at the same address.
pub(crate) struct Backend {
    port: KeptPort,
    shared: Arc<Shared>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    /// Counts kills and restarts: odd while it is down.
    generation: AtomicU64,
    /// Held for writing while the backend stands still.
    gate: RwLock<()>,
    /// All connections, to be cut: the generation in which each was accepted, and its number.
    open: Mutex<HashMap<(u64, usize), Arc<TcpStream>>>,
    record: Mutex<Record>,
}

/// What the backend has seen.
#[derive(Default)]
pub(crate) struct Record {
    /// The numbers of all POSTs.
    posted: HashSet<u64>,
    /// POSTs that came again.
    pub(crate) done_twice: u64,
    /// What came and was no request of ours, or not valid.
    pub(crate) invalid: Vec<String>,
    /// How long it took until an endless answer was cut, from the last byte that was taken on.
    pub(crate) endless: Vec<Duration>,
}

impl Backend {
    pub(crate) fn start() -> io::Result<Backend> {
        let (port, listener) = listen_anywhere()?;
        let backend = Backend { port, shared: Arc::default(), accepting: Mutex::default() };
        backend.accept(listener);
        Ok(backend)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// How often it was killed or restarted; odd while it is down.
    pub(crate) fn generation(&self) -> u64 {
        self.shared.generation()
    }

    /// How many connections are open.
    pub(crate) fn connections(&self) -> usize {
        lock(&self.shared.open).len()
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.shared.record)
    }

    /// Makes it stand still until the guard is dropped: nothing is answered, and nothing read.
    pub(crate) fn stall(&self) -> RwLockWriteGuard<'_, ()> {
        self.shared.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it as the end of its process would: nobody listens, and all connections are cut.
    pub(crate) fn kill(&self) {
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        // Wakes the thread that accepts, which then stops listening.
        let _ = TcpStream::connect_timeout(&self.address(), PATIENCE);
        if let Some(accepting) = lock(&self.accepting).take() {
            let _ = accepting.join();
        }
        for stream in lock(&self.shared.open).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Listens again, where it did before.
    pub(crate) fn restart(&self) -> io::Result<()> {
        let listener = listen(self.address())?;
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        self.accept(listener);
        Ok(())
    }

    /// Accepts in one thread and starts a thread for each connection in another: of thousands of connections that come
    /// at once the kernel keeps no more than its queue holds.
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
                // A connection that cannot be served is closed, and the proxy sees it.
                if let Ok(wire) = Wire::new(stream, BACKEND_PATIENCE) {
                    shared.spawn((generation, number), wire);
                }
            }
        });
    }
}

impl Drop for Backend {
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
            // It was killed before this one was on the list.
            let _ = wire.stream.shutdown(Shutdown::Both);
        }
        let shared = Arc::clone(self);
        let serve = move || {
            if let Err(error) = shared.serve(wire)
                && error.kind() == ErrorKind::InvalidData
            {
                lock(&shared.record).invalid.push(error.to_string());
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
            if ask.answer == Answer::Endless {
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
        let mut record = lock(&self.record);
        let is_new = record.posted.insert(number);
        record.done_twice += u64::from(!is_new);
    }

    /// Sends until nobody takes it any more, and notes how long that took.
    fn answer_endlessly(&self, wire: &mut Wire) {
        const CHUNK_BYTES: usize = 0x1_0000;
        let chunk = [b"10000\r\n", [b'a'; CHUNK_BYTES].as_slice(), b"\r\n"].concat();
        let mut sent = wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let mut last = Instant::now();
        while sent.is_ok() {
            last = Instant::now();
            sent = wire.send(&chunk);
        }
        lock(&self.record).endless.push(last.elapsed());
    }
}

/// Sends the answer as it was asked for; false if the connection is over.
fn answer(ask: &Ask, wire: &mut Wire) -> io::Result<bool> {
    let number = ask.number;
    let mut bytes = format!("HTTP/1.1 200 OK\r\nX-Number: {number}\r\n").into_bytes();
    let in_head = bytes.len();
    framed(&mut bytes, ask.answer, &body(number, ask.answer_bytes));
    let head = 4 + bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_default();
    let Some(fault) = ask.fault else {
        wire.send(&bytes)?;
        return Ok(ask.answer != Answer::CloseDelimited);
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

/// Does what is wrong, here and now; false if the connection is over.
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
