//! A minimal proxy over either adapter: many requests on a connection, and a new backend connection for each.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use codec::blocking::{BackendConnection, ClientConnection, both_ways};
use codec::{BackendAddress, Error, Limits, Report, forward};

use crate::{limits, over_tokio};

/// The adapter that the proxy uses.
#[derive(Clone, Copy, Debug)]
pub enum Adapter {
    Blocking,
    Tokio,
    /// Over tokio, and bodies of any length may stay in the kernel.
    Splicing,
    /// Over tokio, and all bodies are copied.
    Copying,
}

impl Adapter {
    pub fn limits(self, given: &'static Limits) -> &'static Limits {
        match self {
            Adapter::Blocking | Adapter::Tokio => given,
            Adapter::Splicing => limits(Limits { min_spliced_bytes: Some(1), ..given.clone() }),
            Adapter::Copying => limits(Limits { min_spliced_bytes: None, ..given.clone() }),
        }
    }
}

/// A proxy that runs until its only client has left.
pub struct Proxy {
    pub address: SocketAddr,
    /// The report of each request.
    pub reports: Receiver<Report>,
}

impl Proxy {
    pub fn start(adapter: Adapter, limits: &'static Limits, backend: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let backend = BackendAddress::resolve(&backend.to_string()).expect("an address");
        let (sender, reports) = channel();
        let limits = adapter.limits(limits);
        match adapter {
            Adapter::Blocking => thread::spawn(move || blocking(&listener, limits, &backend, &sender)),
            _ => thread::spawn(move || over_tokio::run(listener, limits, &backend, &sender)),
        };
        Proxy { address, reports }
    }
}

fn blocking(
    listener: &TcpListener,
    limits: &'static Limits,
    backend: &BackendAddress,
    reports: &Sender<Report>,
) {
    let (stream, _) = listener.accept().expect("a client");
    let mut client = ClientConnection::new(stream, limits);
    while client.wait_for_request() {
        let outcome = blocking_exchange(&mut client, limits, backend);
        // Fails if the test does not use its reports and has dropped the receiver.
        let _ = reports.send(client.finish(outcome, Some("test")));
    }
    client.close();
}

fn blocking_exchange(
    client: &mut ClientConnection,
    limits: &'static Limits,
    backend: &BackendAddress,
) -> Result<(), Error> {
    let mut request = client.read_request()?;
    forward::request(&mut request, client.address(), "test")?;
    let mut backend = BackendConnection::connect(backend, limits)?;
    let (mut request_body, mut to_client) = client.split();
    let (mut to_backend, mut from_backend) = backend.split(&request);
    let head = &request;
    let upload = move || {
        to_backend.write_head(head);
        while let Some(piece) = request_body.next_piece()? {
            to_backend.write_piece(piece)?;
        }
        Ok(())
    };
    let download = move || {
        let mut response = from_backend.read_response()?;
        while response.is_interim() {
            forward::response(&mut response, "test");
            to_client.write_interim(&response)?;
            response = from_backend.read_response()?;
        }
        forward::response(&mut response, "test");
        to_client.write_head(&response);
        while let Some(piece) = from_backend.next_piece()? {
            to_client.write_piece(piece)?;
        }
        Ok(())
    };
    both_ways(&request, upload, download)
}
