//! What happens between a client and the backend: steps 3 to 7.

use codec::blocking::{BackendConnection, ClientConnection, both_ways};
use codec::{BackendAddress, Error, Limits, RequestHead, forward};

use crate::Flags;

/// The name of this proxy in `Via`.
pub const NAME: &str = env!("CARGO_PKG_NAME");

/// What all clients share.
pub struct Proxy {
    backend: BackendAddress,
}

impl Proxy {
    pub fn new(flags: &Flags) -> anyhow::Result<Proxy> {
        Ok(Proxy { backend: flags.stage.backend()? })
    }

    /// Serves one client. A failed exchange is answered and logged.
    pub fn serve(&self, mut client: ClientConnection) {
        client.close_after_response();
        if client.wait_for_request() {
            let outcome = self.exchange(&mut client);
            let report = client.finish(outcome, Some(NAME));
            stage::log_report(&report);
        } else {
            stage::log_silent_client(client.address());
        }
        client.close();
    }

    fn exchange(&self, client: &mut ClientConnection) -> Result<(), Error> {
        // 3. Read a request from the client.
        let mut request = client.read_request()?;
        forward::request(&mut request, client.address(), NAME)?;

        // 4. Connect to the backend.
        let mut backend = BackendConnection::connect(&self.backend, &Limits::DEFAULT)?;
        backend.close_after_response();
        self.relay(client, &request, &mut backend)
    }

    fn relay(
        &self,
        client: &mut ClientConnection,
        request: &RequestHead,
        backend: &mut BackendConnection,
    ) -> Result<(), Error> {
        let (mut request_body, mut to_client) = client.split();
        let (mut to_backend, mut from_backend) = backend.split(request);

        // 5. Send the request to the backend, piece by piece ...
        let upload = move || {
            to_backend.write_head(request);
            // TODO 1.1: send each piece to the backend. Now they are read and discarded.
            while request_body.next_piece()?.is_some() {}
            Ok(())
        };

        // 6. ... while the head of the response is read from the backend ...
        let download = move || {
            let mut response = from_backend.read_response()?;
            while response.is_interim() {
                // TODO 1.3: forward it to the client before the next one is read.
                response = from_backend.read_response()?;
            }
            forward::response(&mut response, NAME);
            to_client.write_head(&response);

            // 7. ... and sent on to the client, piece by piece.
            // TODO 1.2: send each piece to the client. Now they are read and discarded.
            while from_backend.next_piece()?.is_some() {}
            Ok(())
        };
        both_ways(request, upload, download)
    }
}
