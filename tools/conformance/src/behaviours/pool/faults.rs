//! A backend that fails now and then: its failures do not affect later requests.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use crate::{Behaviour, Subject};
use testkit::{Backend, Client};

use crate::behaviours::setup::{GET, HELLO, Setup, at_once};

pub(crate) const LIST: &[Behaviour] = behaviours![
    an_invalid_response_never_affects_the_next_request,
    bursts_to_a_backend_with_a_short_idle_timeout_get_no_error,
    only_requests_during_a_backend_restart_get_502,
    #[cfg(target_os = "linux")]
    descriptors_return_to_their_level_after_10_000_faulty_exchanges,
];

fn an_invalid_response_never_affects_the_next_request(subject: &Subject) {
    // Guards against the original's bug, which puts a broken connection back: no later request is answered.
    for bad in [
        "garbage\r\n\r\n",
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsurplus",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let setup = Setup::new(
            subject,
            Backend::script(move |connection| {
                while let Some(head) = connection.read_request()? {
                    let is_bad = head.start_line.contains("/bad");
                    connection.answer(if is_bad { bad } else { HELLO })?;
                    if is_bad && !bad.contains("HTTP/1.") {
                        return Ok(());
                    }
                    if is_bad && (bad.contains("100") || bad.ends_with("he")) {
                        return Ok(());
                    }
                }
                Ok(())
            }),
        );
        for path in ["/good", "/bad", "/good", "/bad", "/other"] {
            let mut client = setup.client();
            client.send(format!("GET {path} HTTP/1.1\r\nHost: example.test\r\n\r\n")).unwrap();
            let response = client
                .read_response("GET")
                .unwrap_or_else(|error| panic!("{path} of {bad:?}: {error}; {}", setup.proxy.log()));
            if path != "/bad" {
                assert_eq!((response.status, response.text().as_str()), (200, "hello"), "after {bad:?}");
            }
        }
    }
}

fn bursts_to_a_backend_with_a_short_idle_timeout_get_no_error(subject: &Subject) {
    // The backend closes connections that were idle for 100 ms. The bursts arrive at about that interval.
    let backend = Backend::script(|connection| {
        while let Ok(Some(_)) = connection.read_request() {
            connection.answer(HELLO)?;
            connection.set_patience(Duration::from_millis(100))?;
        }
        Ok(())
    })
    .unwrap();
    let proxy = subject.start(backend.address(), &[]).unwrap();
    let (burst, failed) = (Barrier::new(10), AtomicUsize::new(0));
    at_once(10, || {
        let mut client = Client::connect(proxy.address()).unwrap();
        for round in 0..30 {
            burst.wait();
            let response = client.exchange(GET).unwrap();
            failed.fetch_add(usize::from(response.status != 200), Ordering::Relaxed);
            // The test is about the time around the backend's idle timeout, so it must sleep.
            std::thread::sleep(Duration::from_millis(85 + round));
        }
    });
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of 300");
}

fn only_requests_during_a_backend_restart_get_502(subject: &Subject) {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&is_stopped);
    let backend = Backend::script(move |connection| {
        connection.set_patience(Duration::from_millis(20))?;
        while !stop.load(Ordering::Relaxed) {
            if let Ok(Some(_)) = connection.read_request() {
                connection.answer(HELLO)?;
            }
        }
        Ok(())
    })
    .unwrap();
    let address = backend.address();
    let proxy = subject.start(address, &[]).unwrap();
    let mut client = Client::connect(proxy.address()).unwrap();
    for _ in 0..20 {
        assert_eq!(client.exchange(GET).unwrap().status, 200);
    }
    is_stopped.store(true, Ordering::Relaxed);
    backend.wait_for_closed(1).unwrap();
    let port = backend.stop();
    for _ in 0..20 {
        assert_eq!(client.exchange(GET).unwrap().status, 502);
    }
    let backend = Backend::good_at(port, HELLO).unwrap();
    for _ in 0..20 {
        assert_eq!(client.exchange(GET).unwrap().status, 200);
    }
    assert_eq!(backend.accepted(), 1);
}

#[cfg(target_os = "linux")]
fn descriptors_return_to_their_level_after_10_000_faulty_exchanges(subject: &Subject) {
    let setup = Setup::new(
        subject,
        Backend::script(|connection| {
            // Each connection fails differently.
            match connection.peer()?.port() % 4 {
                0 => Ok(()),
                1 => connection.read_request()?.map_or(Ok(()), |_| connection.answer("garbage\r\n\r\n")),
                2 => connection.read_request()?.map_or(Ok(()), |_| {
                    connection.answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")
                }),
                _ => {
                    connection.read_request()?;
                    connection.reset()
                }
            }
        }),
    );
    let descriptors = || setup.proxy.descriptors().unwrap();
    let exchange = |count: usize| {
        at_once(8, || {
            for _ in 0..count / 8 {
                // Any response is accepted; a truncated response ends the connection.
                let mut client = setup.client();
                client.send(GET.replace("Host", "Connection: close\r\nHost")).unwrap();
                let _ = client.read_to_end();
            }
        });
    };
    exchange(80);
    let level = descriptors() + 2;
    exchange(10_000);
    let are_closed = testkit::poll(testkit::PATIENCE * 4, || descriptors() <= level);
    assert!(are_closed, "{} descriptors, {level} before", descriptors());
}
