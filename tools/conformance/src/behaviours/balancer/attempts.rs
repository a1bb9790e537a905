//! What is retried after a failure, where and how often, and what is never retried.

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, RefusedPort};

use super::{POST, UNCHECKED, addresses, closing, exchange, good, requests, start, state};
use crate::behaviours::setup::{GET, assert_is_error};

pub(crate) const LIST: &[Behaviour] = behaviours![
    a_post_whose_backend_resets_during_its_body_gets_502_and_is_sent_once,
    a_request_that_is_not_idempotent_or_has_a_body_is_sent_once,
    any_request_is_retried_after_a_failed_connect,
    retries_send_the_same_head_three_times_to_one_backend_and_to_three_at_most,
    no_request_waits_for_a_failed_connection,
    a_request_is_retried_if_no_response_head_was_forwarded,
];

fn a_post_whose_backend_resets_during_its_body_gets_502_and_is_sent_once(subject: &Subject) {
    // RFC 9110 section 9.2.2
    let dies = || {
        Backend::script(|connection| {
            connection.read_head()?;
            connection.read_bytes(5)?;
            connection.reset()
        })
        .unwrap()
    };
    let backends = [dies(), dies(), dies()];
    let proxy = start(subject, &addresses(&backends), &UNCHECKED);
    let mut client = Client::connect(proxy.address()).unwrap();
    client.send(format!("{POST}hello")).unwrap();
    assert_eq!(client.read_response("POST").unwrap().status, 502);
    assert_eq!(requests(&backends).iter().sum::<usize>(), 1);
}

fn a_request_that_is_not_idempotent_or_has_a_body_is_sent_once(subject: &Subject) {
    // RFC 9110 section 9.2.2: the backend may have acted on a request that is complete or has no body.
    let whole = format!("{POST}0123456789");
    let put = whole.replace("POST", "PUT");
    for request in [&whole, &put, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"] {
        let backends = [closing(), closing(), closing()];
        let proxy = start(subject, &addresses(&backends), &UNCHECKED);
        assert_eq!(exchange(&proxy, request).status, 502, "{request}");
        assert_eq!(requests(&backends).iter().sum::<usize>(), 1, "{request}");
    }
}

fn any_request_is_retried_after_a_failed_connect(subject: &Subject) {
    // No byte of the request was sent.
    let ports = [(); 2].map(|()| RefusedPort::bind().unwrap());
    let good = good();
    let [first, second] = ports.each_ref().map(|port| port.address().unwrap());
    let proxy = start(subject, &[first, second, good.address()], &UNCHECKED);
    for _ in 0..3 {
        assert_eq!(exchange(&proxy, &format!("{POST}0123456789")).text(), "hello");
    }
    assert_eq!(good.requests().len(), 3);
    assert!(good.requests().iter().all(|request| request.body == b"0123456789"));
}

fn retries_send_the_same_head_three_times_to_one_backend_and_to_three_at_most(subject: &Subject) {
    let backends = [closing(), closing(), closing(), closing()];
    let proxy = start(subject, &addresses(&backends), &UNCHECKED);
    let response = exchange(&proxy, GET);
    assert_is_error(subject, &response, 503, "RFC 9110 section 15.6.4", "destination_unavailable", GET);
    // Three failures mark the first backend down. A request pauses three times, then tries backends once.
    let mut sent = requests(&backends);
    sent.sort_unstable();
    assert_eq!(sent, [0, 1, 2, 3]);
    let states = [0, 1, 2, 3].map(|index| state(&proxy, index));
    assert_eq!(states.iter().filter(|state| *state == "down").count(), 1, "{states:?}");
    // Guards against a balancer that adds its fields with each attempt.
    let heads: Vec<_> = backends.iter().flat_map(Backend::requests).map(|request| request.head.raw).collect();
    assert!(heads.iter().all(|head| *head == heads[0]), "{heads:?}");
    assert_eq!(String::from_utf8_lossy(&heads[0]).matches("X-Forwarded-For").count(), 1);
}

fn no_request_waits_for_a_failed_connection(subject: &Subject) {
    // It is the only connection in the first backend's pool, and it is borrowed during the second attempt.
    let backends = [closing(), good()];
    let proxy = start(subject, &addresses(&backends), &["--pool-size", "1", "--pool-wait", "60m"]);
    assert_eq!(exchange(&proxy, GET).text(), "hello");
    assert_eq!(requests(&backends), [3, 1]);
}

fn a_request_is_retried_if_no_response_head_was_forwarded(subject: &Subject) {
    for (begun, is_repeated) in [
        ("HTTP/1.1 2", true),
        ("garbage\r\n\r\n", true),
        ("HTTP/1.1 103 Early Hints\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", false),
    ] {
        let bad = Backend::script(move |connection| {
            connection.read_request()?;
            connection.send(begun)
        });
        let backends = [bad.unwrap(), good()];
        let proxy = start(subject, &addresses(&backends), &UNCHECKED);
        let mut client = Client::connect(proxy.address()).unwrap();
        client.send(GET.replace("Host", "Connection: close\r\nHost")).unwrap();
        let (bytes, _) = client.read_to_end().unwrap();
        assert_eq!(bytes.ends_with(b"hello"), is_repeated, "{begun:?}: {}", bytes.escape_ascii());
        assert_eq!(requests(&backends), if is_repeated { [3, 1] } else { [1, 0] }, "{begun:?}");
    }
}
