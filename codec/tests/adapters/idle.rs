//! What a client costs while it is idle over tokio, and that it is closed in time: one sweep serves all clients.

use std::sync::Arc;
use std::time::{Duration, Instant};

use codec::tokio::{ClientConnection, Connections};
use codec::{BodyFraming, Limits, ResponseHead};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::only_tokio::{client, client_with};
use crate::{LONG, SHORT, limits};

/// Serves one request that the proxy answers itself.
async fn answer_one(client: &mut ClientConnection, other: &mut TcpStream) {
    other.write_all(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    assert!(timeout(LONG, client.wait_for_request()).await.unwrap(), "the client was closed");
    let mut request = client.read_request().await.unwrap();
    let outcome = codec::forward::request(&mut request, client.address(), "test");
    client.finish(outcome.map_err(Into::into), None).await;
}

#[tokio::test]
async fn an_idle_client_holds_no_state_and_no_timer_and_loses_no_received_request() {
    let holds_none = |connection: &ClientConnection| {
        let held = format!("{connection:?}");
        held.contains("state: Idle(") && held.contains("Timer { sleep: None }")
    };
    let mut connections = Connections::new();
    let (mut connection, mut other) = client(&mut connections).await;
    for requests in [0, 1, 3] {
        other.write_all("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n".repeat(requests).as_bytes()).await.unwrap();
        for _ in 0..requests {
            assert!(timeout(LONG, connection.wait_for_request()).await.unwrap());
            assert!(!holds_none(&connection), "{connection:?}");
            let mut request = connection.read_request().await.unwrap();
            let outcome = codec::forward::request(&mut request, connection.address(), "test");
            connection.finish(outcome.map_err(Into::into), None).await;
        }
        // Looked at once, and dropped.
        assert!(timeout(Duration::ZERO, connection.wait_for_request()).await.is_err());
        assert!(holds_none(&connection), "{connection:?}");
    }
}

#[tokio::test]
async fn an_idle_client_frees_the_timer_of_an_upload_when_it_fires() {
    let limits = limits(Limits { request_body_timeout: SHORT, ..Limits::DEFAULT });
    let mut connections = Connections::new();
    let (mut connection, mut other) = client_with(&mut connections, limits).await;
    other.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n").await.unwrap();
    assert!(connection.wait_for_request().await);
    let request = connection.read_request().await.unwrap();
    {
        let (mut body, _writer) = connection.split();
        let waits = async { while !body.next_piece().await.unwrap().unwrap().is_last() {} };
        assert!(timeout(Duration::ZERO, waits).await.is_err());
    }
    assert!(format!("{connection:?}").contains("sleep: Some("), "{connection:?}");
    other.write_all(b"b").await.unwrap();
    connection.read_body(&request, 1).await.unwrap();
    let response = ResponseHead::new(204, BodyFraming::Empty);
    connection.split().1.write_response(&response, b"").await.unwrap();
    connection.finish(Ok(()), None).await;
    let deadline = Instant::now() + LONG;
    while format!("{connection:?}").contains("sleep: Some(") {
        assert!(Instant::now() < deadline, "{connection:?}");
        assert!(timeout(SHORT, connection.wait_for_request()).await.is_err());
    }
}

#[tokio::test]
async fn the_idle_timeout_counts_from_the_last_exchange() {
    let limits = limits(Limits { idle_timeout: SHORT, ..Limits::DEFAULT });
    let mut connections = Connections::new();
    let (mut connection, mut other) = client_with(&mut connections, limits).await;
    let first = Instant::now();
    while first.elapsed() < SHORT * 3 {
        answer_one(&mut connection, &mut other).await;
    }
    let last = Instant::now();
    assert!(!timeout(LONG, connection.wait_for_request()).await.unwrap());
    assert!(last.elapsed() >= SHORT - SHORT / 10, "closed after {:?}", last.elapsed());
}

#[tokio::test]
async fn the_idle_timeout_holds_if_the_wait_is_dropped_again_and_again() {
    let limits = limits(Limits { idle_timeout: SHORT, ..Limits::DEFAULT });
    let mut connections = Connections::new();
    let (mut connection, mut other) = client_with(&mut connections, limits).await;
    answer_one(&mut connection, &mut other).await;
    let deadline = Instant::now() + LONG;
    while timeout(Duration::from_millis(1), connection.wait_for_request()).await != Ok(false) {
        assert!(Instant::now() < deadline, "the client was not closed");
    }
}

#[tokio::test]
async fn a_client_that_moves_to_another_task_is_closed_there() {
    let limits = limits(Limits { idle_timeout: SHORT, ..Limits::DEFAULT });
    let mut connections = Connections::new();
    let (mut connection, mut other) = client_with(&mut connections, limits).await;
    let first = tokio::spawn(async move {
        assert!(timeout(Duration::ZERO, connection.wait_for_request()).await.is_err());
        answer_one(&mut connection, &mut other).await;
        (connection, other)
    });
    let (mut connection, _other) = first.await.unwrap();
    let second = tokio::spawn(async move { connection.wait_for_request().await });
    assert!(!timeout(LONG, second).await.unwrap().unwrap());
}

#[tokio::test]
async fn the_future_of_a_client_fits_in_a_task_of_256_bytes() {
    /// What tokio 1.54 leaves of 256 bytes for a future. One byte more, and each task takes 384.
    const MAX_FUTURE_BYTES: usize = 152;

    async fn serve(name: &str, mut client: ClientConnection) {
        while client.wait_for_request().await {
            let exchange = async { client.read_request().await.map(drop) };
            let outcome = Box::pin(exchange).await;
            client.finish(outcome, Some(name)).await;
        }
        client.close().await;
    }

    let mut connections = Connections::new();
    let (client, _other) = client(&mut connections).await;
    let name = Arc::new(String::new());
    let task = async move { serve(&name, client).await };
    let bytes = size_of_val(&task);
    assert!(bytes <= MAX_FUTURE_BYTES, "{bytes} bytes, at most {MAX_FUTURE_BYTES} may be");
}
