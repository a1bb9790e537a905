//! When a backend that was down is up again, and which failures no longer count.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Behaviour, Subject};
use testkit::{Backend, KeptPort};

use super::{CHECKED, POST, exchange, good, load, start, state, wait_until};
use crate::behaviours::setup::{GET, HELLO};

pub(crate) const LIST: &[Behaviour] = behaviours![
    a_recovered_backend_starts_without_failures,
    a_backend_that_answered_after_a_failure_owes_no_answer_after_a_connect_failure,
    a_backend_that_owes_an_answer_comes_up_when_it_answers,
];

fn a_recovered_backend_starts_without_failures(subject: &Subject) {
    // It answers checks and no other request.
    let backend = Backend::script(|connection| match connection.read_request()? {
        Some(head) if head.start_line.starts_with("OPTIONS ") => connection.answer(HELLO),
        _ => Ok(()),
    })
    .unwrap();
    let good = good();
    // Long enough that no check marks it up between a request's third failure and the next choice.
    let proxy = start(subject, &[backend.address(), good.address()], &["--health-interval", "300ms"]);
    let asked = || {
        let requests = backend.requests();
        requests.iter().filter(|request| request.head.start_line.starts_with("GET ")).count()
    };
    assert_eq!((exchange(&proxy, GET).status, asked()), (200, 3));
    proxy.wait_for_log(" is up again").unwrap();
    while asked() == 3 {
        assert_eq!(exchange(&proxy, GET).status, 200);
    }
    assert_eq!(asked(), 6, "three failures put it out again, and not one");
}

fn a_backend_that_answered_after_a_failure_owes_no_answer_after_a_connect_failure(subject: &Subject) {
    // It never answers `OPTIONS *`, which a check sends only to a backend that failed requests.
    let serve = |connection: &mut testkit::Connection| {
        while let Some(head) = connection.read_request()? {
            match head.start_line.split(' ').next() {
                Some("GET") => connection.answer(HELLO)?,
                _ => return Ok(()),
            }
        }
        Ok(())
    };
    let (port, good) = (KeptPort::bind().unwrap(), good());
    let (moody, address) = (Backend::script_at(port.clone(), serve).unwrap(), port.address());
    let proxy = start(subject, &[address, good.address()], &CHECKED);
    let post = format!("{POST}0123456789");
    assert_eq!(exchange(&proxy, &post).status, 502);
    load(&proxy, 1, 10, |status| assert_eq!(status, 200));
    drop(moody);
    proxy.wait_for_log(&format!("backend {address} is down: check: ")).unwrap();
    let _back = Backend::script_at(port, serve).unwrap();
    proxy.wait_for_log(&format!("backend {address} is up again")).unwrap();
}

fn a_backend_that_owes_an_answer_comes_up_when_it_answers(subject: &Subject) {
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&is_mended);
    let broken = Backend::script(move |connection| {
        while connection.read_request()?.is_some() && mended.load(Ordering::Relaxed) {
            connection.answer(HELLO)?;
        }
        Ok(())
    })
    .unwrap();
    let good = good();
    let proxy = start(subject, &[broken.address(), good.address()], &CHECKED);
    load(&proxy, 1, 10, |status| assert_eq!(status, 200));
    let pings = || {
        let requests = broken.requests();
        requests.iter().filter(|request| request.head.start_line == "OPTIONS * HTTP/1.1").count()
    };
    wait_until("two checks", &proxy, || pings() >= 2);
    assert_eq!(state(&proxy, 0), "down");
    is_mended.store(true, Ordering::Relaxed);
    wait_until("its return", &proxy, || state(&proxy, 0) == "up");
    load(&proxy, 1, 10, |status| assert_eq!(status, 200));
    proxy.wait_for_log(&format!("backend {} is up again", broken.address())).unwrap();
    assert_eq!(proxy.log().matches(" is down: ").count(), 1, "{}", proxy.log());
}
