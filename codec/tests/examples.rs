//! The examples assert what they show. Each is run here, so that it stays true.

#[path = "../examples/byte_by_byte.rs"]
mod byte_by_byte;
#[path = "../examples/exchange.rs"]
mod exchange;
#[path = "../examples/forward.rs"]
mod forward;
#[path = "../examples/refusal.rs"]
mod refusal;

#[test]
fn a_request_is_decoded_forwarded_and_encoded_without_a_socket() {
    forward::main().expect("a valid request");
}

#[test]
fn a_message_is_decoded_byte_by_byte() {
    byte_by_byte::main().expect("a valid response");
}

#[test]
fn a_request_and_a_response_pass_between_a_client_and_a_server() {
    exchange::main().expect("a complete exchange");
}

#[test]
fn a_request_with_two_lengths_is_refused_and_answered() {
    refusal::main().expect("a body of the announced length");
}
