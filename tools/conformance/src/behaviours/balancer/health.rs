//! When a backend is marked down, and when it is used again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::{Behaviour, Subject};
use serde_json::json;
use testkit::{Backend, Client, End, KeptPort, RefusedPort};

use super::{CHECKED, POST, UNCHECKED, addresses, exchange, good, load, start, state, told, wait_until};
use crate::behaviours::setup::{GET, HELLO, assert_is_error};

pub(crate) const LIST: &[Behaviour] = behaviours![
    with_all_backends_down_503_is_sent_at_once_and_each_change_is_logged_once,
    a_backend_that_never_answers_is_down_after_three_failures,
    failures_interrupted_by_answers_do_not_take_down_a_backend,
    checks_detect_a_dead_backend_before_a_request,
    a_health_path_is_checked_by_its_status,
    a_request_that_waits_for_a_connection_of_a_backend_that_goes_down_is_sent_to_another,
    a_passed_check_resets_the_failed_checks,
    requests_that_fail_on_every_backend_leave_one_up,
    a_tunnel_counts_as_an_answer_when_it_begins_and_not_as_a_failure_when_it_is_reset,
];

fn with_all_backends_down_503_is_sent_at_once_and_each_change_is_logged_once(subject: &Subject) {
    // RFC 9110 section 15.6.4, and section 10.2.3 for Retry-After; RFC 9209 section 2.3.2.
    let ports = [(); 3].map(|()| RefusedPort::bind().unwrap());
    let flags = [&UNCHECKED[..], &["--log", "warn"]].concat();
    let proxy = start(subject, &ports.each_ref().map(|port| port.address().unwrap()), &flags);
    let mut client = Client::connect(proxy.address()).unwrap();
    for _ in 0..6 {
        let response = client.exchange(GET).unwrap();
        assert_is_error(subject, &response, 503, "RFC 9110 section 15.6.4", "destination_unavailable", GET);
        assert_eq!(response.field("retry-after"), Some("86400"), "the interval of the checks");
        assert!(!response.text().contains("127.0.0.1"), "{}", response.text());
    }
    let before = told(&proxy);
    assert!(before.iter().all(|backend| backend["State"] == "down"), "{before:?}");
    load(&proxy, 8, 50, |status| assert_eq!(status, 503));
    assert_eq!(told(&proxy), before, "nobody was asked again");
    let log = proxy.log();
    assert_eq!((log.matches(" is down: ").count(), log.lines().count()), (3, 3), "{log}");
}

fn a_backend_that_never_answers_is_down_after_three_failures(subject: &Subject) {
    let good = good();
    let silent = Backend::script(|connection| {
        connection.set_patience(Duration::from_secs(60))?;
        connection.read_request()?;
        connection.wait_for_end().map(drop)
    })
    .unwrap();
    // It accepts connections, and a check of a backend that is up asks for nothing more.
    let proxy = start(subject, &[silent.address(), good.address()], &CHECKED);
    let patience = Duration::from_secs(60);
    let mut clients: Vec<_> =
        (0..6).map(|_| Client::connect_with(proxy.address(), patience).unwrap()).collect();
    for client in &mut clients {
        client.send(GET).unwrap();
    }
    let mut statuses: Vec<u16> =
        clients.iter_mut().map(|client| client.read_response("GET").unwrap().status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 504, 504, 504], "what was late is not tried elsewhere");
    let told = told(&proxy);
    assert_eq!((&told[0]["State"], &told[0]["Failures"]), (&json!("down"), &json!(3)), "{told:?}");
    // Accepting connections does not bring it back: checks require a response, and it sends none.
    load(&proxy, 4, 50, |status| assert_eq!(status, 200));
    let asked = silent.requests();
    assert_eq!(asked.iter().filter(|request| request.head.start_line.starts_with("GET ")).count(), 3);
}

fn failures_interrupted_by_answers_do_not_take_down_a_backend(subject: &Subject) {
    // Three failures in a row mark a backend down; here a success interrupts them.
    let backend = || {
        Backend::script(|connection| {
            while let Some(head) = connection.read_request()? {
                if head.start_line.starts_with("POST ") {
                    return Ok(());
                }
                connection.answer(HELLO)?;
            }
            Ok(())
        })
        .unwrap()
    };
    let backends = [backend(), backend()];
    let proxy = start(subject, &addresses(&backends), &UNCHECKED);
    for _ in 0..10 {
        for _ in 0..2 {
            assert_eq!(exchange(&proxy, &format!("{POST}0123456789")).status, 502);
        }
        for _ in 0..2 {
            assert_eq!(exchange(&proxy, GET).status, 200);
        }
    }
    assert_eq!(["up", "up"].map(str::to_owned), [0, 1].map(|index| state(&proxy, index)));
}

fn checks_detect_a_dead_backend_before_a_request(subject: &Subject) {
    let (port, good) = (KeptPort::bind().unwrap(), good());
    let address = port.address();
    let proxy = start(subject, &[address, good.address()], &CHECKED);
    proxy.wait_for_log(&format!("backend {address} is down: check: ")).unwrap();
    load(&proxy, 4, 10, |status| assert_eq!(status, 200));
    assert_eq!(
        (told(&proxy)[0]["Requests"].clone(), told(&proxy)[0]["Failures"].clone()),
        (json!(0), json!(0))
    );
    let back = Backend::good_at(port, HELLO).unwrap();
    proxy.wait_for_log(&format!("backend {address} is up again")).unwrap();
    load(&proxy, 1, 10, |status| assert_eq!(status, 200));
    assert_eq!(back.requests().len(), 5, "a check that only connects is no request");
    assert_eq!(proxy.log().matches(&format!("backend {address} is ")).count(), 2, "{}", proxy.log());
}

fn a_health_path_is_checked_by_its_status(subject: &Subject) {
    let is_ill = Arc::new(AtomicBool::new(false));
    let ill = Arc::clone(&is_ill);
    let sick = Backend::script(move |connection| {
        while let Some(head) = connection.read_request()? {
            let is_check = head.start_line == "GET /health?deep HTTP/1.1";
            let is_bad = is_check && ill.load(Ordering::Relaxed);
            connection.answer(if is_bad { HELLO.replace("200 OK", "503 No") } else { HELLO.to_owned() })?;
        }
        Ok(())
    })
    .unwrap();
    let good = good();
    let flags = [&CHECKED[..], &["--health-path", "/health?deep"]].concat();
    let proxy = start(subject, &[sick.address(), good.address()], &flags);
    load(&proxy, 1, 10, |status| assert_eq!(status, 200));
    is_ill.store(true, Ordering::Relaxed);
    proxy
        .wait_for_log(&format!("backend {} is down: check: the backend answered 503", sick.address()))
        .unwrap();
    let asked = || {
        let requests = sick.requests();
        requests.iter().filter(|request| request.head.start_line.starts_with("GET / ")).count()
    };
    let before = asked();
    load(&proxy, 1, 10, |status| assert_eq!(status, 200));
    assert_eq!((before, asked()), (5, 5), "what is down gets nothing, though it would answer");
    is_ill.store(false, Ordering::Relaxed);
    proxy.wait_for_log(&format!("backend {} is up again", sick.address())).unwrap();
    load(&proxy, 1, 10, |status| assert_eq!(status, 200));
    assert_eq!(asked(), 10);
    assert!(sick.faults().is_empty(), "{:?}", sick.faults());
}

fn a_request_that_waits_for_a_connection_of_a_backend_that_goes_down_is_sent_to_another(subject: &Subject) {
    let is_ill = Arc::new(AtomicBool::new(false));
    let ill = Arc::clone(&is_ill);
    let sick = Backend::script(move |connection| {
        let Some(head) = connection.read_request()? else {
            return Ok(());
        };
        match head.start_line.starts_with("GET /health ") {
            true if ill.load(Ordering::Relaxed) => connection.answer(HELLO.replace("200 OK", "503 No")),
            true => connection.answer(HELLO),
            false => connection.wait_for_release(),
        }
    })
    .unwrap();
    let good = good();
    // Its only connection is borrowed until the test releases it, and requests wait for it without limit.
    let flags = ["--pool-size", "1", "--pool-wait", "60m", "--health-path", "/health"];
    let proxy = start(subject, &[sick.address(), good.address()], &[&CHECKED[..], &flags].concat());
    let mut clients: Vec<_> = (0..3).map(|_| Client::connect(proxy.address()).unwrap()).collect();
    clients[0].send(GET).unwrap();
    wait_until("the first request", &proxy, || told(&proxy)[0]["InFlight"] == 1);
    assert_eq!(clients[1].exchange(GET).unwrap().status, 200);
    clients[2].send(GET).unwrap();
    wait_until("one that waits", &proxy, || told(&proxy)[0]["InFlight"] == 2);
    is_ill.store(true, Ordering::Relaxed);
    assert_eq!(clients[2].read_response("GET").unwrap().status, 200);
    assert_eq!(told(&proxy)[0]["Failures"], 0);
}

fn a_passed_check_resets_the_failed_checks(subject: &Subject) {
    let checks = Arc::new(AtomicUsize::new(0));
    let checked = Arc::clone(&checks);
    let moody = Backend::script(move |connection| {
        connection.read_request()?;
        let is_good = checked.fetch_add(1, Ordering::Relaxed) % 3 == 2;
        connection.answer(if is_good { HELLO.to_owned() } else { HELLO.replace("200 OK", "503 No") })
    })
    .unwrap();
    let good = good();
    let flags = [&CHECKED[..], &["--health-path", "/"]].concat();
    let proxy = start(subject, &[moody.address(), good.address()], &flags);
    wait_until("ten checks", &proxy, || checks.load(Ordering::Relaxed) >= 10);
    assert!(!proxy.log().contains(" is down"), "{}", proxy.log());
    assert_eq!(told(&proxy)[0]["LastError"], "check: the backend answered 503");
}

fn requests_that_fail_on_every_backend_leave_one_up(subject: &Subject) {
    let backend = || {
        Backend::script(|connection| {
            while let Some(head) = connection.read_request()? {
                if head.start_line.contains(" /broken ") {
                    return connection.send("garbage\r\n\r\n");
                }
                connection.answer(HELLO)?;
            }
            Ok(())
        })
        .unwrap()
    };
    let backends = [backend(), backend(), backend()];
    let proxy = start(subject, &addresses(&backends), &UNCHECKED);
    for request in [GET, &format!("{POST}0123456789")] {
        for _ in 0..10 {
            let status = exchange(&proxy, &request.replace(" / ", " /broken ")).status;
            assert!([502, 503].contains(&status), "{status}");
        }
        assert_eq!(exchange(&proxy, GET).status, 200);
    }
    let up = (0..3).filter(|&index| state(&proxy, index) == "up").count();
    assert_eq!(up, 1, "{:?}", told(&proxy));
}

fn a_tunnel_counts_as_an_answer_when_it_begins_and_not_as_a_failure_when_it_is_reset(subject: &Subject) {
    // RFC 9110 section 7.8. Three failures in a row mark a backend down.
    const OFFER: &str = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    let backend = || {
        Backend::script(|connection| match connection.read_request()? {
            Some(head) if head.start_line.starts_with("GET ") => {
                connection.answer(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
                )?;
                connection.wait_for_release()?;
                connection.reset()
            }
            _ => Ok(()),
        })
        .unwrap()
    };
    let backends = [backend(), backend()];
    let proxy = start(subject, &addresses(&backends), &UNCHECKED);
    let fail_twice_each =
        || (0..4).for_each(|_| assert_eq!(exchange(&proxy, &format!("{POST}0123456789")).status, 502));
    fail_twice_each();
    let mut clients = [(); 2].map(|()| Client::connect(proxy.address()).unwrap());
    clients.iter_mut().for_each(|client| assert_eq!(client.exchange(OFFER).unwrap().status, 101));
    fail_twice_each();
    backends.iter().for_each(|backend| backend.release(1));
    clients.iter_mut().for_each(|client| assert_eq!(client.read_to_end().unwrap().1, End::Reset));
    let told = told(&proxy);
    let counted = |backend: &serde_json::Value| (backend["State"].clone(), backend["Failures"].clone());
    assert!(told.iter().all(|backend| counted(backend) == (json!("up"), json!(4))), "{told:?}");
    let is_blamed = |line: &str| line.contains("GET / 101 ") && line.contains("(backend: ");
    wait_until("two lines", &proxy, || proxy.log().lines().filter(|line| is_blamed(line)).count() == 2);
}
