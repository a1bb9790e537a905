//! Ports that no other program gets: one that refuses connections, one that does not answer, and one that is
//! reserved for a program that will listen there.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// A port on which nothing listens and that no other program can get while this value lives.
pub struct RefusedPort {
    socket: socket2::Socket,
}

impl RefusedPort {
    /// Binds a port and does not listen.
    pub fn bind() -> io::Result<RefusedPort> {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        Ok(RefusedPort { socket })
    }

    /// The address that refuses connections.
    pub fn address(&self) -> io::Result<SocketAddr> {
        address_of(&self.socket)
    }
}

/// A port that does not answer attempts to connect, like a machine that is down.
///
/// It listens and never accepts, and its queue is full. Only Linux is known to ignore further attempts.
pub struct FullPort {
    socket: socket2::Socket,
    queued: Vec<TcpStream>,
}

impl FullPort {
    /// Binds a port and fills its queue.
    pub fn bind() -> io::Result<FullPort> {
        FullPort::fill(RefusedPort::bind()?.socket)
    }

    /// Fills the queue of a port that may have accepted connections until now.
    pub fn fill(socket: impl Into<socket2::Socket>) -> io::Result<FullPort> {
        /// Connecting on the same machine takes no time if it succeeds.
        const IN_VAIN: Duration = Duration::from_millis(200);
        /// More than the queue can hold with the requested length.
        const MOST: usize = 64;

        let socket = socket.into();
        // On Linux, also a new length for a queue that there is.
        socket.listen(0)?;
        let mut port = FullPort { socket, queued: Vec::new() };
        while port.queued.len() < MOST {
            match TcpStream::connect_timeout(&port.address()?, IN_VAIN) {
                Ok(stream) => port.queued.push(stream),
                Err(error) if error.kind() == ErrorKind::TimedOut => return Ok(port),
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("the queue of a listener does not fill"))
    }

    /// The listener. When it accepts, there is room for what tried to connect meanwhile, and tries again.
    pub fn open(self) -> TcpListener {
        self.socket.into()
    }

    /// The address that neither accepts nor refuses connections.
    pub fn address(&self) -> io::Result<SocketAddr> {
        address_of(&self.socket)
    }
}

/// A port that refuses connections and is reserved for a later listener: a program, or a backend that
/// restarts.
///
/// The system never assigns it to a bind to port 0. A program that names it can bind it with SO_REUSEADDR,
/// which servers set. Only Linux gives the option this meaning; elsewhere the port is only looked up.
#[derive(Clone)]
pub struct KeptPort {
    _socket: Option<Arc<socket2::Socket>>,
    address: SocketAddr,
}

impl KeptPort {
    /// Whether this system can keep a port.
    pub const CAN_KEEP: bool = cfg!(target_os = "linux");

    /// A port that is not kept.
    pub fn only_named(address: SocketAddr) -> KeptPort {
        KeptPort { _socket: None, address }
    }

    /// Finds a port and keeps it.
    pub fn bind() -> io::Result<KeptPort> {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        #[cfg(target_os = "linux")]
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        let address = address_of(&socket)?;
        Ok(KeptPort { _socket: KeptPort::CAN_KEEP.then(|| Arc::new(socket)), address })
    }

    /// The address to listen on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// The name `localhost`, for tests that need a name. `None`, with the reason on stdout, if this machine
/// cannot resolve it, as without a hosts file.
pub fn localhost() -> Option<&'static str> {
    const NAME: &str = "localhost";
    match (NAME, 0).to_socket_addrs() {
        Ok(_) => Some(NAME),
        Err(error) => {
            println!("skipped: what needs the name {NAME}, which this machine does not know: {error}");
            None
        }
    }
}

fn address_of(socket: &socket2::Socket) -> io::Result<SocketAddr> {
    let address = socket.local_addr()?.as_socket();
    address.ok_or_else(|| io::Error::from(ErrorKind::AddrNotAvailable))
}
