//! Scripted backends that record what reaches them. Each has its own port.
//!
//! A script runs for each connection, in its own thread. Tests count with the record and never sleep.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::PATIENCE;
use crate::port::KeptPort;
use crate::record::{Received, Shared};
use crate::script::Connection;
use crate::wire::End;

/// A backend; it stops listening when it is dropped.
pub struct Backend {
    port: KeptPort,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Backend {
    /// A backend that runs `script` for each connection.
    pub fn script(
        script: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Backend> {
        let (port, listener) = listen_anywhere()?;
        Ok(Backend::start(port, listener, script))
    }

    /// As [`Backend::script`], at a port that is already known.
    pub fn script_at(
        port: KeptPort,
        script: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Backend> {
        let listener = listen(port.address())?;
        Ok(Backend::start(port, listener, script))
    }

    fn start(
        port: KeptPort,
        listener: TcpListener,
        script: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static,
    ) -> Backend {
        let shared = Arc::new(Shared::default());
        let (common, script) = (Arc::clone(&shared), Arc::new(script));
        let accepting = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if common.lock().stopping {
                    break;
                }
                common.change(|record| record.accepted += 1);
                let (shared, script) = (Arc::clone(&common), Arc::clone(&script));
                thread::spawn(move || {
                    let run = Connection::new(stream, Arc::clone(&shared))
                        .and_then(|mut connection| script(&mut connection));
                    shared.change(|record| {
                        record.closed += 1;
                        // `InvalidData`: the proxy sent invalid bytes. The test judges an early close.
                        if let Err(error) = run
                            && error.kind() == ErrorKind::InvalidData
                        {
                            record.faults.push(error.to_string());
                        }
                    });
                });
            }
        });
        Backend { port, shared, accepting: Some(accepting) }
    }

    /// Answers each complete request with these bytes.
    pub fn good(response: impl AsRef<[u8]>) -> io::Result<Backend> {
        Backend::script(answering(response))
    }

    /// As [`Backend::good`], at a port that is already known.
    pub fn good_at(port: KeptPort, response: impl AsRef<[u8]>) -> io::Result<Backend> {
        Backend::script_at(port, answering(response))
    }

    /// Answers as [`Backend::good`] and closes: for responses that are close-delimited or cut short.
    pub fn closing(response: impl AsRef<[u8]>) -> io::Result<Backend> {
        let response = response.as_ref().to_vec();
        Backend::script(move |connection| match connection.read_request()? {
            Some(_) => connection.answer(&response),
            None => Ok(()),
        })
    }

    /// Answers as [`Backend::good`], half-closes the connection and keeps reading.
    pub fn half_closing(response: impl AsRef<[u8]>) -> io::Result<Backend> {
        let response = response.as_ref().to_vec();
        Backend::script(move |connection| {
            connection.read_request()?;
            connection.answer(&response)?;
            connection.half_close()?;
            connection.wait_for_end().map(drop)
        })
    }

    /// Sends each body back in chunks as it arrives.
    pub fn echo() -> io::Result<Backend> {
        Backend::script(|connection| {
            while connection.read_head()?.is_some() {
                connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                if connection.echo_body()? != End::Framed {
                    return Ok(());
                }
                connection.answer("0\r\n\r\n")?;
            }
            Ok(())
        })
    }

    /// Answers each request once the test has called [`Backend::release`] for it.
    pub fn slow(response: impl AsRef<[u8]>) -> io::Result<Backend> {
        let response = response.as_ref().to_vec();
        Backend::script(move |connection| {
            while connection.read_request()?.is_some() {
                connection.wait_for_release()?;
                connection.answer(&response)?;
            }
            Ok(())
        })
    }

    /// Reads requests and never answers.
    pub fn silent() -> io::Result<Backend> {
        Backend::script(|connection| {
            connection.read_request()?;
            connection.wait_for_end().map(drop)
        })
    }

    /// Sends these bytes before it reads the body, then reads the body.
    pub fn early(response: impl AsRef<[u8]>) -> io::Result<Backend> {
        let response = response.as_ref().to_vec();
        Backend::script(move |connection| {
            connection.read_head()?;
            connection.answer(&response)?;
            connection.read_body().map(drop)
        })
    }

    /// Sends these bytes, which may be empty, and resets the connection.
    pub fn resetting(response: impl AsRef<[u8]>) -> io::Result<Backend> {
        let response = response.as_ref().to_vec();
        Backend::script(move |connection| {
            connection.read_request()?;
            connection.answer(&response)?;
            connection.reset()
        })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Stops listening and returns the port, which another listener may use.
    pub fn stop(self) -> KeptPort {
        self.port.clone()
    }

    /// How many connections were accepted.
    pub fn accepted(&self) -> usize {
        self.shared.lock().accepted
    }

    /// The most requests that were in flight at once.
    pub fn in_flight_max(&self) -> usize {
        self.shared.lock().in_flight_max
    }

    /// The requests whose heads have arrived, in order.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.lock().requests.clone()
    }

    /// All bytes received on all connections.
    pub fn bytes(&self) -> Vec<u8> {
        self.shared.lock().bytes.clone()
    }

    /// Received input that was not valid HTTP, one line each.
    pub fn faults(&self) -> Vec<String> {
        self.shared.lock().faults.clone()
    }

    /// Lets a slow backend answer `count` more requests.
    pub fn release(&self, count: usize) {
        self.shared.change(|record| record.released += count);
    }

    /// Waits for the heads of `count` requests.
    pub fn wait_for_requests(&self, count: usize) -> io::Result<()> {
        self.shared.wait_until("requests", PATIENCE, |record| record.requests.len() >= count)
    }

    /// As [`Backend::wait_for_requests`], for at most `patience`: to check that no request arrives.
    pub fn wait_for_requests_within(&self, count: usize, patience: Duration) -> io::Result<()> {
        self.shared.wait_until("requests", patience, |record| record.requests.len() >= count)
    }

    /// Waits until `count` bytes of the first request's body have arrived.
    pub fn wait_for_body_bytes(&self, count: u64) -> io::Result<()> {
        self.shared.wait_until("a body", PATIENCE, |record| {
            record.requests.first().is_some_and(|request| request.body_bytes >= count)
        })
    }

    /// Waits until `count` connections have ended.
    pub fn wait_for_closed(&self, count: usize) -> io::Result<()> {
        self.shared.wait_until("closed connections", PATIENCE, |record| record.closed >= count)
    }
}

/// The script of a good backend.
fn answering(
    response: impl AsRef<[u8]>,
) -> impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static {
    let response = response.as_ref().to_vec();
    move |connection| {
        while connection.read_request()?.is_some() {
            connection.answer(&response)?;
        }
        Ok(())
    }
}

/// Listens on a free port that can be listened on again.
pub fn listen_anywhere() -> io::Result<(KeptPort, TcpListener)> {
    if KeptPort::CAN_KEEP {
        let port = KeptPort::bind()?;
        let listener = listen(port.address())?;
        return Ok((port, listener));
    }
    let listener = listen(([127, 0, 0, 1], 0).into())?;
    Ok((KeptPort::only_named(listener.local_addr()?), listener))
}

/// Listens on an address. The backlog of the standard library is 128 connections. If a proxy opens a thousand
/// at once on a busy machine, the system would drop some.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    const BACKLOG: i32 = 4096;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    // Connections of a stopped backend may still occupy the port. On Windows the option has another meaning.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.shared.change(|record| {
            record.stopping = true;
            record.released = usize::MAX / 2;
        });
        // Wakes the accepting thread, which then stops listening.
        if TcpStream::connect_timeout(&self.address(), PATIENCE).is_ok()
            && let Some(accepting) = self.accepting.take()
        {
            let _ = accepting.join();
        }
    }
}
