//! Ports that nobody else gets: one that refuses connections, one that never says whether it will, and one for whoever
//! is about to listen there.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// A port at which nothing listens, and that nobody else can get while this lives.
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

    /// Where connections are refused.
    pub fn address(&self) -> io::Result<SocketAddr> {
        address_of(&self.socket)
    }
}

/// A port that answers no more attempts to connect, as a machine that is down.
///
/// It listens and never accepts, and its queue is full. Only Linux is known to ignore what comes then.
pub struct FullPort {
    socket: socket2::Socket,
    queued: Vec<TcpStream>,
}

impl FullPort {
    /// Binds a port, and fills its queue.
    pub fn bind() -> io::Result<FullPort> {
        /// Connecting on the same machine takes no time if it is going to succeed.
        const IN_VAIN: Duration = Duration::from_millis(200);
        /// More than any queue of the length that is asked for.
        const MOST: usize = 64;

        let RefusedPort { socket } = RefusedPort::bind()?;
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

    /// Where connections are neither accepted nor refused.
    pub fn address(&self) -> io::Result<SocketAddr> {
        address_of(&self.socket)
    }
}

/// A port that refuses connections, and is kept for whoever is told to listen there: a program, or a backend that
/// comes back.
///
/// The system gives it to nobody who asks for any port, but lets those have it who name it, if they set SO_REUSEADDR,
/// as servers do. Elsewhere than on Linux this would mean something else, so there the port is only looked up.
#[derive(Clone)]
pub struct KeptPort {
    _socket: Option<Arc<socket2::Socket>>,
    address: SocketAddr,
}

impl KeptPort {
    /// Whether this system lets a port be kept.
    pub const CAN_KEEP: bool = cfg!(target_os = "linux");

    /// A port that is not kept.
    pub fn only_named(address: SocketAddr) -> KeptPort {
        KeptPort { _socket: None, address }
    }

    /// Finds a port, and keeps it.
    pub fn bind() -> io::Result<KeptPort> {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        #[cfg(target_os = "linux")]
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        let address = address_of(&socket)?;
        Ok(KeptPort { _socket: KeptPort::CAN_KEEP.then(|| Arc::new(socket)), address })
    }

    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// The name `localhost`, for a test that needs a name. `None`, and the reason on stdout, where this machine does not know
/// it, as without a hosts file.
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
