//! The proxy of `proxy.rs`, over tokio.

use std::net::TcpListener;
use std::sync::mpsc::Sender;

use codec::tokio::{BackendConnection, ClientConnection, ClientStream, Connections, both_ways};
use codec::{BackendAddress, Error, Limits, Report, forward};

/// Serves one client in a runtime of its own.
pub fn run(
    listener: TcpListener,
    limits: &'static Limits,
    backend: &BackendAddress,
    reports: &Sender<Report>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(serve(listener, limits, backend, reports));
}

async fn serve(
    listener: TcpListener,
    limits: &'static Limits,
    backend: &BackendAddress,
    reports: &Sender<Report>,
) {
    listener.set_nonblocking(true).expect("a socket");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    let (stream, _) = listener.accept().await.expect("a client");
    let guard = Connections::new().guard();
    let mut client = ClientConnection::new(ClientStream { stream, guard }, limits);
    while client.wait_for_request().await {
        let outcome = exchange(&mut client, limits, backend).await;
        // Fails if the test does not use its reports and has dropped the receiver.
        let _ = reports.send(client.finish(outcome, Some("test")).await);
    }
    client.close().await;
}

async fn exchange(
    client: &mut ClientConnection,
    limits: &'static Limits,
    backend: &BackendAddress,
) -> Result<(), Error> {
    let mut request = client.read_request().await?;
    forward::request(&mut request, client.address(), "test")?;
    let mut backend = BackendConnection::connect(backend, limits).await?;
    let (mut request_body, mut to_client) = client.split();
    let (mut to_backend, mut from_backend) = backend.split(&request);
    let head = &request;
    let upload = async move {
        to_backend.write_head(head);
        while let Some(piece) = request_body.next_piece().await? {
            to_backend.write_piece(piece).await?;
        }
        request_body.wait_for_reset().await
    };
    let download = async move {
        let mut response = from_backend.read_response().await?;
        while response.is_interim() {
            forward::response(&mut response, "test");
            to_client.write_interim(&response).await?;
            response = from_backend.read_response().await?;
        }
        forward::response(&mut response, "test");
        to_client.write_head(&response);
        while let Some(piece) = from_backend.next_piece().await? {
            to_client.write_piece(piece).await?;
        }
        Ok(())
    };
    both_ways(upload, download).await?;
    client.tunnel(&mut backend).await
}
