//! `cargo lab bench`: its arithmetic, and its load generator with known servers.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use lab::bench::{
    Expectation, Expected, Grade, Latencies, Load, Outcome, Pacing, Ratio, Series, Variant, run_load,
    variant_names,
};

const BODY: &str = "hello\n";

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A server that answers each request by `answer`, which gets the number of the request, from 1.
fn server(answer: impl Fn(u64) -> String + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (answer, requests) = (Arc::new(answer), Arc::new(AtomicU64::new(0)));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
            thread::spawn(move || serve(stream, &*answer, &requests));
        }
    });
    address
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(u64) -> String, requests: &AtomicU64) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(line)) = lines.next() {
        // A head ends with an empty line.
        if line.is_empty() {
            let response = answer(requests.fetch_add(1, Ordering::Relaxed) + 1);
            if stream.write_all(response.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn response(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} Some\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn load(address: SocketAddr, requests: u64, pacing: Pacing) -> Load {
    Load {
        address,
        request: b"GET / HTTP/1.1\r\nHost: test\r\n\r\n".to_vec(),
        expected: Expected { status: 200, body: BODY.as_bytes().to_vec(), or_refusal: false },
        clients: 1,
        requests,
        warm_up: 0,
        pacing,
        close: false,
    }
}

fn run(load: &Load) -> Outcome {
    run_load(load, &mut || (), &mut |_| ()).unwrap()
}

#[test]
fn percentiles_equal_those_of_the_recorded_latencies() {
    let mut latencies = Latencies::default();
    for milliseconds in 1..=1000 {
        latencies.record(Duration::from_millis(milliseconds));
    }
    assert_eq!(latencies.count(), 1000);
    for (quantile, expected) in [(0.5, 500.0), (0.9, 900.0), (0.99, 990.0), (0.999, 999.0)] {
        let value = latencies.quantile(quantile);
        assert!((value - expected).abs() / expected < 0.002, "{quantile}: {value}");
    }
    assert!((latencies.max() - 1000.0).abs() < 2.0, "{}", latencies.max());
}

#[test]
fn merged_histograms_count_all_values() {
    let mut all = Latencies::default();
    for milliseconds in [1, 3] {
        let mut one = Latencies::default();
        one.record(Duration::from_millis(milliseconds));
        all.add(&one);
    }
    assert_eq!(all.count(), 2);
    assert!((all.max() - 3.0).abs() < 0.01 && (all.quantile(0.5) - 1.0).abs() < 0.01, "{all:?}");
}

#[test]
fn median_and_spread_of_a_series() {
    assert_eq!(Series::new([3.0, 1.0, 2.0]).median(), 2.0);
    assert_eq!(Series::new([4.0, 1.0, 2.0, 3.0]).median(), 2.5);
    assert_eq!(Series::new([9.0, 10.0, 11.0]).spread(), Some(0.2));
    assert_eq!(Series::new([9.0]).spread(), None);
}

#[test]
fn a_noisy_ratio_is_refused_and_says_what_to_do() {
    let first = Series::new([100.0, 100.0, 100.0]);
    let noisy = Ratio::new(&first, &Series::new([160.0, 200.0, 220.0]), None);
    assert_eq!(noisy.grade, Grade::Noisy);
    let text = noisy.describe(None);
    assert!(text.starts_with("refused") && text.contains("close the browser, run again"), "{text}");
    // Also if the median is in the expected range.
    let expected = Expectation { predicted: "2", least: 1.0, most: 3.0 };
    let noisy = Ratio::new(&first, &Series::new([160.0, 200.0, 220.0]), Some(&expected));
    assert_eq!(noisy.grade, Grade::Noisy);

    let steady = Series::new([190.0, 200.0, 210.0]);
    assert_eq!(Ratio::new(&first, &steady, None).grade, Grade::Measured);
    assert_eq!(Ratio::new(&first, &steady, Some(&expected)).grade, Grade::Pass);
    let other = Expectation { predicted: "5", least: 4.0, most: 6.0 };
    assert_eq!(Ratio::new(&first, &steady, Some(&other)).grade, Grade::Fail);
}

#[test]
fn a_noisy_ratio_passes_if_every_round_keeps_the_lower_bound() {
    let (first, bound) =
        (Series::new([1.0, 1.0]), Expectation { predicted: "over 50", least: 20.0, most: f64::INFINITY });
    let kept = Ratio::new(&first, &Series::new([200.0, 1500.0]), Some(&bound));
    assert_eq!(kept.grade, Grade::Pass);
    assert!(kept.describe(Some(&bound)).starts_with("PASS at least 200 (rounds 200 1500)"), "{kept:?}");
    assert_eq!(Ratio::new(&first, &Series::new([19.0, 1500.0]), Some(&bound)).grade, Grade::Noisy);
    assert_eq!(Ratio::new(&first, &Series::new([19.0, 19.0]), Some(&bound)).grade, Grade::Fail);
}

#[test]
fn one_round_has_no_spread() {
    let ratio = Ratio::new(&Series::new([1.0]), &Series::new([2.0]), None);
    assert_eq!(ratio.grade, Grade::OneRound);
    assert!(ratio.describe(None).contains("not known"));
}

#[test]
fn a_stall_shows_in_an_open_loop_and_not_in_a_closed_one() {
    const STALL: Duration = Duration::from_millis(300);
    let stalls_once = || {
        server(|number| {
            if number == 50 {
                thread::sleep(STALL);
            }
            response(200, BODY)
        })
    };
    let closed = run(&load(stalls_once(), 200, Pacing::Closed)).latencies;
    let open = run(&load(stalls_once(), 200, Pacing::Open(200.0))).latencies;
    // In the closed loop only one request is late: no requests are sent during the stall.
    assert!(closed.max() >= 300.0, "{closed:?}");
    assert!(closed.quantile(0.98) < 150.0, "{closed:?}");
    // In the open loop 60 more requests become due during the stall, and the first is as late as the stall is long.
    assert!(open.quantile(0.98) > 200.0, "{open:?}");
    assert!(open.quantile(0.8) > 50.0, "{open:?}");
}

#[test]
fn an_open_loop_keeps_its_rate() {
    let outcome = run(&load(server(|_| response(200, BODY)), 41, Pacing::Open(100.0)));
    // The first is due at once, the last after 400 ms.
    assert!(outcome.elapsed >= Duration::from_millis(400), "{:?}", outcome.elapsed);
    assert_eq!((outcome.latencies.count(), outcome.connections), (41, 1));
}

#[test]
fn each_request_is_sent_once_and_each_client_has_one_connection() {
    let served = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&served);
    let address = server(move |_| {
        counting.fetch_add(1, Ordering::Relaxed);
        response(200, BODY)
    });
    let mut started_after = 0;
    let load = Load { clients: 4, warm_up: 50, ..load(address, 200, Pacing::Closed) };
    let outcome =
        run_load(&load, &mut || started_after = served.load(Ordering::Relaxed), &mut |_| ()).unwrap();
    assert_eq!((started_after, served.load(Ordering::Relaxed)), (50, 250));
    assert_eq!(outcome.latencies.count(), 200);
    assert!(outcome.errors.is_empty() && outcome.connections <= 4, "{outcome:?}");

    let outcome = run(&Load { close: true, ..load });
    assert_eq!(outcome.connections, 200);
}

#[test]
fn every_response_is_verified() {
    let wrong = [
        ("status 502 instead of 200", response(502, BODY)),
        ("5 bytes of body instead of 6", response(200, "hell\n")),
        ("not the one that the backend sends", response(200, "jello\n")),
        ("unexpected bytes", response(200, BODY) + "more"),
        ("the status line is not valid", "hello\r\n\r\n".to_owned()),
    ];
    for (error, answer) in wrong {
        let address = server(move |number| if number == 7 { answer.clone() } else { response(200, BODY) });
        let outcome = run(&load(address, 20, Pacing::Closed));
        assert_eq!(outcome.errors.values().sum::<u64>(), 1, "{:?}", outcome.errors);
        assert!(outcome.errors.keys().next().unwrap().contains(error), "{:?}", outcome.errors);
        assert_eq!(outcome.latencies.count(), 19);
    }
}

#[test]
fn refusals_are_counted_apart_if_the_load_expects_them() {
    let refuses_every_second = |number| match number % 2 {
        0 => response(503, "come back later\n"),
        _ => response(200, BODY),
    };
    let expecting = |load: Load| Load { expected: Expected { or_refusal: true, ..load.expected }, ..load };
    let outcome = run(&expecting(load(server(refuses_every_second), 20, Pacing::Closed)));
    assert_eq!((outcome.latencies.count(), outcome.refused.count()), (10, 10), "{outcome:?}");
    assert!(outcome.errors.is_empty() && outcome.connections == 1, "{outcome:?}");
    // Any other status is still an error, and without the expectation a 503 is one too.
    let outcome = run(&expecting(load(server(|_| response(502, BODY)), 1, Pacing::Closed)));
    assert!(outcome.errors.contains_key("status 502 instead of 200"), "{outcome:?}");
    let outcome = run(&load(server(refuses_every_second), 2, Pacing::Closed));
    assert!(outcome.errors.contains_key("status 503 instead of 200"), "{outcome:?}");
    assert_eq!((outcome.latencies.count(), outcome.refused.count()), (1, 0), "{outcome:?}");
}

#[test]
fn refusal_that_closes_the_connection_is_followed_by_a_new_one() {
    let closing = "HTTP/1.1 503 Some\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";
    let mut load = load(server(|_| closing.to_owned()), 3, Pacing::Closed);
    load.expected.or_refusal = true;
    let outcome = run(&load);
    assert_eq!((outcome.refused.count(), outcome.connections), (3, 3), "{outcome:?}");
}

#[test]
fn errors_during_warm_up_are_counted_and_many_end_the_run() {
    let address = server(|_| response(500, BODY));
    let outcome = run(&Load { warm_up: 5, ..load(address, 10, Pacing::Closed) });
    assert_eq!(outcome.errors.values().sum::<u64>(), 15);
    let outcome = run(&load(address, 100_000, Pacing::Closed));
    assert_eq!(outcome.errors.values().sum::<u64>(), 20);
}

#[test]
fn chunked_and_close_delimited_bodies_are_verified_too() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n4;x=y\r\nllo\n\r\n0\r\nA: b\r\n\r\n";
    let outcome = run(&load(server(|_| chunked.to_owned()), 20, Pacing::Closed));
    assert!(outcome.errors.is_empty() && outcome.connections == 1, "{outcome:?}");
    let cut = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n\r\n";
    let outcome = run(&load(server(|_| cut.to_owned()), 1, Pacing::Closed));
    assert!(outcome.errors.contains_key("the body ended 4 bytes too soon"), "{outcome:?}");
}

#[test]
fn every_variant_fits_its_stage() {
    let names = variant_names(&workspace().join("lab").join("variants"));
    assert!(names.len() >= 2, "{names:?}");
    for name in names {
        let variant = Variant::read(&workspace(), &name).unwrap();
        let changed = variant.apply(&workspace()).unwrap();
        assert!(!changed.is_empty());
        for (path, text) in changed {
            assert!(path.starts_with(&format!("{}/src/", variant.stage)), "{path}");
            assert_ne!(std::fs::read_to_string(workspace().join(&path)).unwrap(), text, "{path}");
        }
    }
}
