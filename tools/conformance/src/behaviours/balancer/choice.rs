//! Which backend gets a request: shares, and what flags and RPC report about the backends.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Behaviour, Subject};
use serde_json::json;
use testkit::{Backend, Client, Process, RefusedPort, run_to_end};

use super::{CHECKED, UNCHECKED, addresses, exchange, good, load, requests, start, state, told, wait_until};
use crate::behaviours::setup::{GET, HELLO, start_before};

pub(crate) const LIST: &[Behaviour] = behaviours![
    each_backend_gets_its_share_of_3000_requests,
    the_share_of_a_backend_that_is_down_goes_to_all_others,
    a_backend_killed_under_64_clients_costs_no_get,
    a_single_backend_is_never_skipped,
    the_rpc_reports_each_backend,
    backends_are_given_with_commas_or_a_repeated_flag,
    invalid_flags_end_with_exit_code_2,
];

fn each_backend_gets_its_share_of_3000_requests(subject: &Subject) {
    let backends = [good(), good(), good()];
    let proxy = start(subject, &addresses(&backends), &[]);
    load(&proxy, 8, 375, |status| assert_eq!(status, 200));
    let shares = requests(&backends);
    assert_eq!(shares.iter().sum::<usize>(), 3000);
    // A tolerance of 2 % of a share.
    assert!(shares.iter().all(|share| share.abs_diff(1000) <= 20), "{shares:?}");
}

fn the_share_of_a_backend_that_is_down_goes_to_all_others(subject: &Subject) {
    // The share goes to all other backends, and not only to the next one in the list.
    let backends = [good(), good(), good()];
    let port = RefusedPort::bind().unwrap();
    let all = [&[port.address().unwrap()][..], &addresses(&backends)].concat();
    let proxy = start(subject, &all, &UNCHECKED);
    load(&proxy, 1, 10, |status| assert_eq!(status, 200));
    assert_eq!(state(&proxy, 0), "down");
    let before = requests(&backends);
    load(&proxy, 8, 75, |status| assert_eq!(status, 200));
    let shares: Vec<usize> = requests(&backends).iter().zip(before).map(|(now, then)| now - then).collect();
    assert!(shares.iter().all(|share| share.abs_diff(200) <= 4), "{shares:?}");
}

fn a_backend_killed_under_64_clients_costs_no_get(subject: &Subject) {
    // The backends are processes, so that they can be killed: the stage itself in front of one good backend.
    let origin = good();
    let start_backend = |listen: &str| {
        let backend = origin.address().to_string();
        let flags = ["--listen", listen, "--backend", &backend, "--log", "off"];
        Process::stage(subject.binary(), &[&flags, subject.free_ports()].concat()).unwrap()
    };
    let mut backends: Vec<_> = (0..3).map(|_| Some(start_backend("127.0.0.1:0"))).collect();
    let all: Vec<SocketAddr> = backends.iter().flatten().map(Process::address).collect();
    let proxy = start(subject, &all, &["--health-interval", "100ms"]);
    let is_over = AtomicBool::new(false);
    let requests = |index: usize| told(&proxy)[index]["Requests"].as_u64().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let mut client = Client::connect(proxy.address()).unwrap();
                while !is_over.load(Ordering::Relaxed) {
                    let response = client.exchange(GET).unwrap();
                    assert_eq!(response.status, 200, "{}; {}", response.text(), proxy.log());
                }
            });
        }
        // The clients end with the test, even if it fails.
        struct Ends<'a>(&'a AtomicBool);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _ends = Ends(&is_over);
        wait_until("a share for each", &proxy, || (0..3).all(|index| requests(index) > 100));
        backends[1] = None; // SIGKILL
        wait_until("it to be left out", &proxy, || state(&proxy, 1) == "down");
        wait_until("its last request", &proxy, || told(&proxy)[1]["InFlight"] == 0);
        let (at_its_end, others) = (requests(1), requests(0) + requests(2));
        wait_until("the others to go on", &proxy, || requests(0) + requests(2) > others + 500);
        assert_eq!(requests(1), at_its_end, "what is down gets nothing");
        backends[1] = Some(start_backend(&all[1].to_string()));
        wait_until("traffic to it again", &proxy, || requests(1) > at_its_end + 100);
    });
    let changes = |what: &str| proxy.log().matches(&format!("backend {} is {what}", all[1])).count();
    assert_eq!((changes("down"), changes("up again")), (1, 1), "{}", proxy.log());
}

fn a_single_backend_is_never_skipped(subject: &Subject) {
    let port = RefusedPort::bind().unwrap();
    let proxy = subject.start(port.address().unwrap(), &CHECKED).unwrap();
    for _ in 0..20 {
        assert_eq!(exchange(&proxy, GET).status, 502);
    }
    let told = told(&proxy);
    assert_eq!((&told[0]["State"], &told[0]["Failures"]), (&json!("up"), &json!(20)), "{told:?}");
    assert!(!proxy.log().contains(" is down"), "{}", proxy.log());
}

fn the_rpc_reports_each_backend(subject: &Subject) {
    let slow = Backend::slow(HELLO).unwrap();
    let port = RefusedPort::bind().unwrap();
    let proxy = start(subject, &[slow.address(), port.address().unwrap()], &UNCHECKED);
    let mut client = Client::connect(proxy.address()).unwrap();
    client.send(GET).unwrap();
    slow.wait_for_requests(1).unwrap();
    let fresh = |address: SocketAddr| json!({ "Address": address.to_string(), "State": "up", "InFlight": 0, "Requests": 0, "Failures": 0, "LastError": null });
    let mut first = fresh(slow.address());
    (first["InFlight"], first["Requests"]) = (json!(1), json!(1));
    assert_eq!(told(&proxy), [first.clone(), fresh(port.address().unwrap())]);
    slow.release(2);
    client.read_response("GET").unwrap();
    assert_eq!(client.exchange(GET).unwrap().status, 200);
    (first["InFlight"], first["Requests"]) = (json!(0), json!(2));
    let told = told(&proxy);
    assert_eq!(told[0], first);
    assert_eq!(
        (&told[1]["State"], &told[1]["Requests"], &told[1]["Failures"]),
        (&json!("down"), &json!(1), &json!(3))
    );
    assert!(told[1]["LastError"].as_str().unwrap().contains("refused"), "{told:?}");
}

fn backends_are_given_with_commas_or_a_repeated_flag(subject: &Subject) {
    let backends = [good(), good(), good()];
    let [first, second, third] = [0, 1, 2].map(|index: usize| backends[index].address().to_string());
    let proxy = start_before(subject, &format!("{first},{second}"), &["--backend", &third]);
    load(&proxy, 1, 3, |status| assert_eq!(status, 200));
    assert_eq!(requests(&backends), [1, 1, 1]);
}

fn invalid_flags_end_with_exit_code_2(subject: &Subject) {
    let many = vec!["127.0.0.1:81"; 65].join(",");
    for (flags, word) in [
        (["--backend", "127.0.0.1:81,nonsense"], "--backend nonsense"),
        (["--backend", "127.0.0.1:81,"], "--backend"),
        (["--backend", many.as_str()], "65 backends"),
        (["--health-interval", "9ms"], "10ms"),
        (["--health-timeout", "soon"], "--health-timeout"),
        (["--health-timeout", "0ms"], "10ms"),
        (["--health-path", "health"], "Try: --health-path /"),
        (["--health-path", "http://127.0.0.1/"], "Try: --health-path /"),
        (["--health-path", "/a b"], "Try: --health-path /"),
    ] {
        let two = ["--listen", "127.0.0.1:0", "--backend", "127.0.0.1:81,127.0.0.1:82"];
        let first: &[&str] = if flags[0] == "--backend" { &two[..2] } else { &two };
        let finished = run_to_end(subject.binary(), &[first, &flags, subject.free_ports()].concat()).unwrap();
        assert_eq!(finished.code, Some(2), "{flags:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(word), "{flags:?}: {}", finished.stderr);
    }
}
