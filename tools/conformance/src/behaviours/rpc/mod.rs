//! The stats RPC (from part5 on): JSON-RPC 2.0 over HTTP, a snapshot, and no delay for other clients.

pub mod clients;
pub mod hosts;
pub mod large;

use std::net::SocketAddr;

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, Process, Response};

use crate::behaviours::setup::{GET, HELLO};

pub(crate) const LIST: &[Behaviour] = behaviours![
    the_stats_equal_the_bytes_that_clients_received,
    four_forms_of_empty_params_are_accepted,
    invalid_calls_get_the_error_codes_of_json_rpc,
    an_id_is_returned_byte_for_byte,
    a_batch_gets_one_response_without_its_notifications,
    a_request_that_is_not_a_call_gets_an_http_error_status,
    a_call_over_64_kib_is_413,
];

const CALL: &str = r#"{"jsonrpc":"2.0","method":"RpcServer.GetStats","id":1}"#;

/// A proxy with an RPC, and its backend.
struct Rpc {
    proxy: Process,
    address: SocketAddr,
    backend: Backend,
}

impl Rpc {
    fn start(subject: &Subject, backend: Backend, flags: &[&str]) -> Rpc {
        let proxy = subject.start(backend.address(), flags).unwrap();
        Rpc::of(proxy, backend)
    }

    fn of(proxy: Process, backend: Backend) -> Rpc {
        // For people, the ready line names the URL.
        assert!(proxy.ready_line().ends_with("/rpc"), "{}", proxy.ready_line());
        let address = proxy.rpc_address().unwrap();
        Rpc { proxy, address, backend }
    }

    fn hello(subject: &Subject) -> Rpc {
        Rpc::start(subject, Backend::good(HELLO).unwrap(), &[])
    }

    /// Sends a call on a new connection and does not read the response.
    fn send(&self, fields: &str, call: &str) -> Client {
        let length = call.len();
        let head =
            format!("POST /rpc HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: {length}\r\n\r\n");
        let mut client = Client::connect(self.address).unwrap();
        client.send(head + call).unwrap();
        client
    }

    /// Posts a call with these field lines.
    fn post(&self, fields: &str, call: &str) -> Response {
        self.send(fields, call).read_response("POST").unwrap()
    }

    fn call(&self, call: &str) -> String {
        let response = self.post("Content-Type: application/json\r\n", call);
        assert_eq!(
            (response.status, response.field("content-type")),
            (200, Some("application/json")),
            "{call}"
        );
        response.text()
    }
}

fn the_stats_equal_the_bytes_that_clients_received(subject: &Subject) {
    let rpc = Rpc::hello(subject);
    assert_eq!(rpc.call(CALL), r#"{"id":1,"jsonrpc":"2.0","result":{"RequestBytes":{}}}"#);
    let mut client = Client::connect(rpc.proxy.address()).unwrap();
    for path in ["/b", "/a?x", "/b"] {
        client.exchange(GET.replace("GET /", &format!("GET {path}"))).unwrap();
    }
    assert_eq!(rpc.call(CALL), r#"{"id":1,"jsonrpc":"2.0","result":{"RequestBytes":{"/a":5,"/b":10}}}"#);
    assert_eq!(rpc.backend.requests().len(), 3, "the RPC is not passed on");
}

fn four_forms_of_empty_params_are_accepted(subject: &Subject) {
    let rpc = Rpc::hello(subject);
    for params in ["", r#","params":{}"#, r#","params":[]"#, r#","params":[{}]"#] {
        let call = format!(r#"{{"jsonrpc":"2.0","method":"RpcServer.GetStats","id":"x"{params}}}"#);
        assert_eq!(rpc.call(&call), r#"{"id":"x","jsonrpc":"2.0","result":{"RequestBytes":{}}}"#);
    }
}

fn invalid_calls_get_the_error_codes_of_json_rpc(subject: &Subject) {
    // JSON-RPC 2.0 section 5.1
    let rpc = Rpc::hello(subject);
    for (call, code, id) in [
        ("", -32700, "null"),
        ("{", -32700, "null"),
        ("\u{0}", -32700, "null"),
        ("1", -32600, "null"),
        ("[]", -32600, "null"),
        ("{}", -32600, "null"),
        (r#"{"jsonrpc":"1.0","method":"RpcServer.GetStats","id":1}"#, -32600, "1"),
        (r#"{"jsonrpc":"2.0","method":1,"id":2}"#, -32600, "2"),
        (r#"{"jsonrpc":"2.0","method":"RpcServer.GetStats","id":{}}"#, -32600, "null"),
        (r#"{"jsonrpc":"2.0","method":"RpcServer.GetStats","id":[1]}"#, -32600, "null"),
        (r#"{"jsonrpc":"2.0","method":"RpcServer.GetStats","id":true}"#, -32600, "null"),
        (r#"{"jsonrpc":"2.0","method":"RpcServer.GetStats","id":false}"#, -32600, "null"),
        (r#"{"jsonrpc":"2.0","method":"RpcServer.Other","id":3}"#, -32601, "3"),
        (r#"{"jsonrpc":"2.0","method":"RpcServer.GetStats","params":[1],"id":4}"#, -32602, "4"),
        (r#"{"jsonrpc":"2.0","method":"RpcServer.GetStats","params":{"a":1},"id":5}"#, -32602, "5"),
        (r#"{"jsonrpc":"2.0","method":"RpcServer.GetStats","params":null,"id":6}"#, -32602, "6"),
    ] {
        let answer = rpc.call(call);
        assert!(answer.contains(&format!("\"code\":{code}")), "{call}: {answer}");
        assert!(answer.contains(&format!("\"id\":{id}")), "{call}: {answer}");
    }
}

fn an_id_is_returned_byte_for_byte(subject: &Subject) {
    // JSON-RPC 2.0 section 5: a response has the id of its call. A number need not fit into an integer type.
    let rpc = Rpc::hello(subject);
    for id in [
        "18446744073709551616",
        "-170141183460469231731687303715884105729",
        "0.1000",
        "1.0",
        "-0",
        "1E2",
        "1e400",
        r#""a\/b\u00e9\ud83d\ude00""#,
        "\"\u{e9}\"",
        "null",
    ] {
        let call = CALL.replace("1}", &format!(" {id} }}"));
        let answer = format!(r#"{{"id":{id},"jsonrpc":"2.0","result":{{"RequestBytes":{{}}}}}}"#);
        assert_eq!(rpc.call(&call), answer);
        assert_eq!(rpc.call(&format!("[{call}]")), format!("[{answer}]"));
        for wrong in [
            call.replace("GetStats", "Other"),
            call.replace("2.0", "1.0"),
            call.replace(",\"id", ",\"params\":1,\"id"),
        ] {
            let answer = rpc.call(&wrong);
            assert!(answer.contains(&format!(r#""id":{id},"#)), "{wrong}: {answer}");
        }
    }
}

fn a_batch_gets_one_response_without_its_notifications(subject: &Subject) {
    // JSON-RPC 2.0 section 6 and 4.1
    let rpc = Rpc::hello(subject);
    let notification = r#"{"jsonrpc":"2.0","method":"RpcServer.GetStats"}"#;
    let unknown = r#"{"jsonrpc":"2.0","method":"nothing","id":2}"#;
    let answer = rpc.call(&format!("[{CALL},{notification},{unknown},7]"));
    assert!(answer.starts_with('[') && answer.ends_with(']'), "{answer}");
    assert_eq!(answer.matches("\"jsonrpc\"").count(), 3, "{answer}");
    for call in [notification.to_owned(), format!("[{notification},{notification}]")] {
        let response = rpc.post("Content-Type: application/json\r\n", &call);
        assert_eq!((response.status, response.body.len()), (204, 0), "{call}");
    }
    let too_many = format!("[{}]", [CALL; 17].join(","));
    assert!(rpc.call(&too_many).contains("-32600"));
}

fn a_request_that_is_not_a_call_gets_an_http_error_status(subject: &Subject) {
    let rpc = Rpc::hello(subject);
    let mut client = Client::connect(rpc.address).unwrap();
    // RFC 9110 section 15.5.6
    let response = client.exchange("GET /rpc HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!((response.status, response.field("allow")), (405, Some("POST")));
    let response = client.exchange("GET /no-such-page HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(response.status, 404);
    for (fields, status) in [
        // RFC 9110 section 15.5.16
        ("", 415),
        ("Content-Type: text/plain\r\n", 415),
        ("Content-Type: application/x-www-form-urlencoded\r\n", 415),
        ("Content-Type: application/json; charset=utf-8\r\n", 200),
        // RFC 9110 section 15.5.7
        ("Content-Type: application/json\r\nAccept: text/html\r\n", 406),
        ("Content-Type: application/json\r\nAccept: text/html, */*;q=0.1\r\n", 200),
        ("Content-Type: application/json\r\nAccept: application/*\r\n", 200),
        ("Content-Type: application/json\r\nAccept: application/json\r\n", 200),
    ] {
        assert_eq!(rpc.post(fields, CALL).status, status, "{fields}");
    }
}

fn a_call_over_64_kib_is_413(subject: &Subject) {
    // RFC 9110 section 15.5.14
    let rpc = Rpc::hello(subject);
    let fields = "Content-Type: application/json\r\n";
    assert_eq!(rpc.post(fields, &" ".repeat(64 * 1024 + 1)).status, 413);
    let largest = CALL.to_owned() + &" ".repeat(64 * 1024 - CALL.len());
    assert_eq!(rpc.post(fields, &largest).status, 200);
}
