//! `X-Bytes`: the total of a path, exact under concurrency and for every kind of body (from part3 on).

use std::collections::BTreeSet;

use crate::{Behaviour, Subject};
use testkit::Backend;

use crate::behaviours::setup::{GET, HELLO, Setup, at_once};

pub(crate) const LIST: &[Behaviour] = behaviours![
    each_of_400_responses_to_8_clients_has_a_different_total,
    each_path_has_its_own_total_without_its_query,
    a_backends_own_x_bytes_is_replaced,
    a_body_of_unknown_length_is_counted_after_it_was_sent,
    responses_without_a_body_count_nothing,
    the_unsent_part_of_a_cut_body_is_subtracted_from_the_total,
    error_responses_of_the_proxy_have_no_x_bytes,
    paths_after_the_first_10_000_are_counted_as_other,
    paths_over_1024_bytes_are_counted_as_other,
];

/// The value of `X-Bytes`; `None` if the field is absent.
fn x_bytes(response: &testkit::Response) -> Option<u64> {
    let values = response.head.all("x-bytes");
    assert!(values.len() <= 1, "{values:?}");
    values.first().map(|value| value.parse().unwrap())
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: example.test\r\n\r\n")
}

fn each_of_400_responses_to_8_clients_has_a_different_total(subject: &Subject) {
    // After a lost update two responses would report the same total.
    const CLIENTS: u64 = 8;
    const EACH: u64 = 50;
    let setup = Setup::hello(subject);
    let seen = at_once(CLIENTS as usize, || {
        let mut client = setup.client();
        (0..EACH).map(|_| x_bytes(&client.exchange(GET).unwrap()).unwrap()).collect::<Vec<_>>()
    })
    .concat();
    let expected: BTreeSet<u64> = (1..=CLIENTS * EACH).map(|count| count * 5).collect();
    assert_eq!(seen.len(), expected.len());
    assert_eq!(BTreeSet::from_iter(seen), expected);
}

fn each_path_has_its_own_total_without_its_query(subject: &Subject) {
    let setup = Setup::hello(subject);
    let mut client = setup.client();
    for (path, total) in [("/a", 5), ("/b", 5), ("/a?x", 10), ("/a?y", 15), ("/b", 10), ("/A", 5)] {
        assert_eq!(x_bytes(&client.exchange(get(path)).unwrap()), Some(total), "{path}");
    }
}

fn a_backends_own_x_bytes_is_replaced(subject: &Subject) {
    let response = "HTTP/1.1 200 OK\r\nX-Bytes: 99\r\nx-bytes: 98\r\nContent-Length: 5\r\n\r\nhello";
    let setup = Setup::new(subject, Backend::good(response));
    assert_eq!(x_bytes(&setup.exchange(GET)), Some(5));
}

fn a_body_of_unknown_length_is_counted_after_it_was_sent(subject: &Subject) {
    // Guards against the original's bug, which counts -1 for such a body: `X-Bytes: -1`, then `-2`.
    for response in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: t\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nhello",
    ] {
        let setup = Setup::new(subject, Backend::closing(response));
        // On one connection: a client on another connection may be served before the last bytes are counted.
        let mut client = setup.client();
        for total in [0, 5, 10] {
            let response = client.exchange(GET).unwrap();
            assert_eq!((x_bytes(&response), response.text().as_str()), (Some(total), "hello"));
        }
    }
}

fn responses_without_a_body_count_nothing(subject: &Subject) {
    // Guards against the original's bug, which counts bytes that HEAD never sends.
    let setup = Setup::hello(subject);
    let mut client = setup.client();
    assert_eq!(x_bytes(&client.exchange(GET).unwrap()), Some(5));
    let head = client.exchange("HEAD / HTTP/1.1\r\nHost: example.test\r\n\r\n").unwrap();
    assert_eq!((x_bytes(&head), head.field("content-length")), (Some(5), Some("5")));
    assert_eq!(x_bytes(&client.exchange(GET).unwrap()), Some(10));
    for status in ["204 No Content", "304 Not Modified"] {
        let setup =
            Setup::new(subject, Backend::good(format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n")));
        assert_eq!(x_bytes(&setup.exchange(GET)), Some(0), "{status}");
        assert_eq!(x_bytes(&setup.exchange(GET)), Some(0), "{status}");
    }
}

fn the_unsent_part_of_a_cut_body_is_subtracted_from_the_total(subject: &Subject) {
    let setup = Setup::new(
        subject,
        Backend::script(|connection| {
            while let Some(head) = connection.read_request()? {
                if head.start_line.contains("cut=1") {
                    connection.answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n12345678")?;
                    return Ok(());
                }
                connection.answer(HELLO)?;
            }
            Ok(())
        }),
    );
    let cut = setup.exchange(get("/?cut=1"));
    assert_eq!((x_bytes(&cut), cut.is_complete(), cut.body.len()), (Some(100), false, 8));
    // The count is corrected before the connection is closed.
    assert_eq!(x_bytes(&setup.exchange(get("/"))), Some(8 + 5));
}

fn error_responses_of_the_proxy_have_no_x_bytes(subject: &Subject) {
    let setup = Setup::new(subject, Backend::closing("garbage\r\n\r\n"));
    let response = setup.exchange(GET);
    assert_eq!((response.status, x_bytes(&response)), (502, None));
    let refused = setup.exchange("GET / HTTP/1.1\r\n\r\n");
    assert_eq!((refused.status, x_bytes(&refused)), (400, None));
}

fn paths_after_the_first_10_000_are_counted_as_other(subject: &Subject) {
    // A client must not be able to fill the memory with paths.
    let setup = Setup::hello(subject);
    let mut client = setup.client();
    for batch in 0..100 {
        let requests: String = (0..100).map(|number| get(&format!("/{}", batch * 100 + number))).collect();
        client.send(requests).unwrap();
        for _ in 0..100 {
            assert_eq!(x_bytes(&client.read_response("GET").unwrap()), Some(5));
        }
    }
    assert_eq!(x_bytes(&client.exchange(get("/one-more")).unwrap()), Some(5));
    assert_eq!(x_bytes(&client.exchange(get("/another")).unwrap()), Some(10), "both are (other)");
    assert_eq!(x_bytes(&client.exchange(get("/1")).unwrap()), Some(10), "a known path goes on");
}

fn paths_over_1024_bytes_are_counted_as_other(subject: &Subject) {
    let setup = Setup::hello(subject);
    let mut client = setup.client();
    let longest = format!("/{}", "a".repeat(1023));
    for (path, total) in [(longest.clone(), 5), (longest + "a", 5), (format!("/{}", "b".repeat(2000)), 10)] {
        assert_eq!(x_bytes(&client.exchange(get(&path)).unwrap()), Some(total), "{}", path.len());
    }
}
