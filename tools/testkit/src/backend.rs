//! Scripted backends on a port of their own, that record what reaches them.
//!
//! A script runs for each connection, in a thread of its own. Count with the record; never sleep.

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

    /// The same at a port that is known already.
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
                        // What the proxy sent was not valid. That it broke off is for the test to judge.
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

    /// Answers each request with these bytes, once it has come whole.
    pub fn good(response: impl AsRef<[u8]>) -> io::Result<Backend> {
        Backend::script(answering(response))
    }

    /// The same at a port that is known already.
    pub fn good_at(port: KeptPort, response: impl AsRef<[u8]>) -> io::Result<Backend> {
        Backend::script_at(port, answering(response))
    }

    /// Answers like [`Backend::good`], then closes: for responses that the end of the connection ends, or cuts.
    pub fn closing(response: impl AsRef<[u8]>) -> io::Result<Backend> {
        let response = response.as_ref().to_vec();
        Backend::script(move |connection| match connection.read_request()? {
            Some(_) => connection.answer(&response),
            None => Ok(()),
        })
    }

    /// Answers like [`Backend::good`], closes its own side, and goes on reading.
    pub fn half_closing(response: impl AsRef<[u8]>) -> io::Result<Backend> {
        let response = response.as_ref().to_vec();
        Backend::script(move |connection| {
            connection.read_request()?;
            connection.answer(&response)?;
            connection.half_close()?;
            connection.wait_for_end().map(drop)
        })
    }

    /// Sends each body back in chunks, while it comes.
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

    /// Reads and never answers.
    pub fn silent() -> io::Result<Backend> {
        Backend::script(|connection| {
            connection.read_request()?;
            connection.wait_for_end().map(drop)
        })
    }

    /// Answers with these bytes before it reads the body, and then reads all that comes.
    pub fn early(response: impl AsRef<[u8]>) -> io::Result<Backend> {
        let response = response.as_ref().to_vec();
        Backend::script(move |connection| {
            connection.read_head()?;
            connection.answer(&response)?;
            connection.read_body().map(drop)
        })
    }

    /// Sends these bytes, perhaps none, and resets the connection.
    pub fn resetting(response: impl AsRef<[u8]>) -> io::Result<Backend> {
        let response = response.as_ref().to_vec();
        Backend::script(move |connection| {
            connection.read_request()?;
            connection.answer(&response)?;
            connection.reset()
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Stops listening; another may listen at its port.
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

    /// The requests whose head has come, in order.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.lock().requests.clone()
    }

    /// All bytes that came, over all connections.
    pub fn bytes(&self) -> Vec<u8> {
        self.shared.lock().bytes.clone()
    }

    /// What came and was not valid HTTP, one line each.
    pub fn faults(&self) -> Vec<String> {
        self.shared.lock().faults.clone()
    }

    /// Lets `count` more requests of a slow backend be answered.
    pub fn release(&self, count: usize) {
        self.shared.change(|record| record.released += count);
    }

    /// Waits for the heads of so many requests.
    pub fn wait_for_requests(&self, count: usize) -> io::Result<()> {
        self.shared.wait_until("requests", PATIENCE, |record| record.requests.len() >= count)
    }

    /// The same for so long only: to see that they do not come.
    pub fn wait_for_requests_within(&self, count: usize, patience: Duration) -> io::Result<()> {
        self.shared.wait_until("requests", patience, |record| record.requests.len() >= count)
    }

    /// Waits until this many bytes of the first request's body have come.
    pub fn wait_for_body_bytes(&self, count: u64) -> io::Result<()> {
        self.shared.wait_until("a body", PATIENCE, |record| {
            record.requests.first().is_some_and(|request| request.body_bytes >= count)
        })
    }

    /// Waits until so many connections have ended.
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

/// Listens at a port that can be listened at again.
pub fn listen_anywhere() -> io::Result<(KeptPort, TcpListener)> {
    if KeptPort::CAN_KEEP {
        let port = KeptPort::bind()?;
        let listener = listen(port.address())?;
        return Ok((port, listener));
    }
    let listener = listen(([127, 0, 0, 1], 0).into())?;
    Ok((KeptPort::only_named(listener.local_addr()?), listener))
}

/// Listens at an address. The standard library lets 128 connections wait to be accepted: of a thousand that a proxy
/// makes at once, the system would drop some, on a machine that is busy.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    const BACKLOG: i32 = 4096;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    // Connections of a backend that has stopped may linger on the port. On Windows this would mean something else.
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
        // Wakes the thread that accepts, which then stops listening.
        if TcpStream::connect_timeout(&self.address(), PATIENCE).is_ok()
            && let Some(accepting) = self.accepting.take()
        {
            let _ = accepting.join();
        }
    }
}
