//! The use of backend connections before there is a pool: each carries one request and is closed.

use crate::{Behaviour, Subject};
use testkit::{Backend, Client};

use crate::behaviours::setup::{GET, HELLO, Setup, Step, dials_for_each_request, keeps_alive};

pub(crate) const LIST: &[Behaviour] = behaviours![
    each_request_has_its_own_connection_which_says_close_and_is_closed,
    a_backend_connection_is_closed_after_a_failed_exchange,
];

const POST: &str = "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 4\r\n\r\nbody";
const HEAD: &str = "HEAD / HTTP/1.1\r\nHost: example.test\r\n\r\n";

fn each_request_has_its_own_connection_which_says_close_and_is_closed(subject: &Subject) {
    // RFC 9112 section 9.6: the proxy sends `close`, so that the backend does not wait for another request.
    if !dials_for_each_request(subject) {
        println!("skipped: connections to the backend are used again");
        return;
    }
    // Each backend waits for a next request until the close, whatever its `Connection` field says.
    let answers = [HELLO, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"];
    for answer in answers {
        let setup = Setup::new(subject, Backend::good(answer));
        let mut client = setup.client();
        for (count, request) in [GET, POST, HEAD, GET, POST].iter().enumerate() {
            if !keeps_alive(subject) {
                client = setup.client();
            }
            assert_eq!(client.exchange(request).unwrap().status, 200);
            // The client connection is still open.
            setup.backend.wait_for_closed(count + 1).unwrap();
            assert_eq!(setup.backend.accepted(), count + 1);
        }
        let requests = setup.backend.requests();
        assert_eq!(requests.len(), 5);
        for request in requests {
            assert_eq!(request.head.all("connection"), ["close"], "{}", request.head.start_line);
        }
    }
}

fn a_backend_connection_is_closed_after_a_failed_exchange(subject: &Subject) {
    // RFC 9112 section 9.6: a connection cannot be used after an invalid or truncated response.
    let fails: [Step; 3] = [
        |connection| connection.send("nonsense\r\n\r\n"),
        |connection| connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
        |connection| connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"),
    ];
    for fail in fails {
        let setup = Setup::new(
            subject,
            Backend::script(move |connection| {
                connection.read_request()?;
                fail(connection)?;
                connection.wait_for_end().map(drop)
            }),
        );
        let mut client: Client = setup.client();
        client.send(GET).unwrap();
        // With any outcome, the backend connection ends while the client connection is open.
        let _ = client.read_response("GET");
        setup.backend.wait_for_closed(1).unwrap();
    }
}
