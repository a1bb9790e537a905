//! What happens between a client and the backend: steps 3 to 7.

use codec::tokio::{BackendConnection, ClientConnection, both_ways};
use codec::{Error, RequestHead, forward};

use crate::Flags;
use crate::attempts::Attempts;
use crate::balancer::Balancer;
use crate::latency::Latencies;
use crate::queue::Queue;
use crate::stats::Stats;

/// The name of this proxy in `Via`.
pub const NAME: &str = env!("CARGO_PKG_NAME");

/// What all clients share.
pub struct Proxy {
    pub balancer: Balancer,
    pub stats: Stats,
    pub queue: Queue,
    pub latencies: Latencies,
}

impl Proxy {
    pub fn new(flags: &Flags) -> anyhow::Result<Proxy> {
        let (queue, latencies) = (Queue::new(&flags.queue), Latencies::new());
        Ok(Proxy { balancer: Balancer::new(flags)?, stats: Stats::default(), queue, latencies })
    }

    /// Serves one client. A failed exchange is answered and logged.
    pub async fn serve(&self, mut client: ClientConnection) {
        while client.wait_for_request().await {
            // Boxed: an idle client takes about 1.1 KiB of memory, and without the box about 1.9 KiB.
            let outcome = Box::pin(self.exchange(&mut client)).await;
            let report = client.finish(outcome, Some(NAME)).await;
            stage::log_report(&report);
            self.latencies.record(report);
        }
        client.close().await;
    }

    async fn exchange(&self, client: &mut ClientConnection) -> Result<(), Error> {
        // 3. Read a request from the client.
        let mut request = client.read_request().await?;
        forward::request(&mut request, client.address(), NAME)?;

        // 4. Choose a backend, and borrow a connection to it. After a failure try once more, then another backend.
        let place = self.queue.enter(client).await?;
        let mut attempts = Attempts::new(&self.balancer, &request);
        let mut backend = attempts.get().await?;
        let mut outcome = self.relay(client, &request, &mut backend).await;
        while let Some(retry) = attempts.retry_after(&backend, &outcome) {
            backend = attempts.replace(backend, retry).await?;
            outcome = self.relay(client, &request, &mut backend).await;
        }
        drop(place); // A tunnel may last for hours.
        if outcome.is_ok() {
            outcome = client.tunnel(&mut backend).await;
        }
        backend.put_back();
        outcome
    }

    async fn relay(
        &self,
        client: &mut ClientConnection,
        request: &RequestHead,
        backend: &mut BackendConnection,
    ) -> Result<(), Error> {
        let (mut request_body, mut to_client) = client.split();
        let (mut to_backend, mut from_backend) = backend.split(request);

        // 5. Send the request to the backend, piece by piece ...
        let upload = async move {
            to_backend.write_head(request);
            while let Some(piece) = request_body.next_piece().await? {
                to_backend.write_piece(piece).await?;
            }
            request_body.wait_for_reset().await
        };

        // 6. ... while the head of the response is read from the backend ...
        let download = async move {
            let mut response = from_backend.read_response().await?;
            while response.is_interim() {
                forward::response(&mut response, NAME);
                to_client.write_interim(&response).await?;
                response = from_backend.read_response().await?;
            }
            forward::response(&mut response, NAME);
            let mut count = self.stats.count(request, &mut response);
            to_client.write_head(&response);

            // 7. ... and sent on to the client, piece by piece.
            while let Some(piece) = from_backend.next_piece().await? {
                count.add(to_client.write_piece(piece).await?);
            }
            Ok(())
        };
        both_ways(upload, download).await?;
        // After a 101 both sides speak another protocol.
        self.balancer.count_tunnel(backend);
        Ok(())
    }
}
