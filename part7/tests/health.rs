//! The states of a backend: a test for each row of the table in docs/src/part6.md.

#[allow(dead_code)] // The suite tests the rest of it.
#[path = "../src/health.rs"]
mod health;

use codec::BackendAddress;
use health::{Change, Event, Health, Proof, State};

const ALL_FAILURES: [(Event, Proof); 3] = [
    (Event::Unreached, Proof::Connection),
    (Event::Late, Proof::Answer),
    (Event::BadResponse { is_last: false }, Proof::Answer),
];

fn up(failures: u32, failed_checks: u32) -> State {
    State::Up { failures, failed_checks }
}

fn down(owes: Proof) -> State {
    State::Down { owes }
}

#[track_caller]
fn leads(from: State, event: Event, to: State, change: Option<Change>) {
    assert_eq!(from.after(event), (to, change), "{from:?}, {event:?}");
}

#[test]
fn an_answer_resets_the_failures_and_not_the_failed_checks() {
    leads(up(2, 1), Event::Answered, up(0, 1), None);
}

#[test]
fn two_failures_in_a_row_leave_a_backend_up() {
    for (failure, _) in ALL_FAILURES {
        leads(State::NEW, failure, up(1, 0), None);
        leads(up(1, 2), failure, up(2, 2), None);
    }
}

#[test]
fn after_the_third_failure_without_a_connection_a_backend_owes_a_connection() {
    leads(up(2, 0), Event::Unreached, down(Proof::Connection), Some(Change::WentDown));
}

#[test]
fn after_the_third_failure_on_a_connection_a_backend_owes_an_answer() {
    leads(up(2, 0), Event::Late, down(Proof::Answer), Some(Change::WentDown));
    leads(up(2, 0), Event::BadResponse { is_last: false }, down(Proof::Answer), Some(Change::WentDown));
}

#[test]
fn a_bad_response_of_the_last_backend_that_is_up_changes_nothing() {
    for failures in 0..3 {
        leads(up(failures, 1), Event::BadResponse { is_last: true }, up(failures, 1), None);
    }
}

#[test]
fn a_passed_check_resets_the_failed_checks_and_not_the_failures() {
    for proof in [Proof::Connection, Proof::Answer] {
        leads(up(2, 2), Event::CheckPassed(proof), up(2, 0), None);
    }
}

#[test]
fn two_failed_checks_in_a_row_leave_a_backend_up() {
    leads(State::NEW, Event::CheckFailed, up(0, 1), None);
    leads(up(2, 1), Event::CheckFailed, up(2, 2), None);
}

#[test]
fn after_the_third_failed_check_a_backend_owes_a_connection() {
    leads(up(0, 2), Event::CheckFailed, down(Proof::Connection), Some(Change::WentDown));
    leads(up(2, 2), Event::CheckFailed, down(Proof::Connection), Some(Change::WentDown));
}

#[test]
fn an_answer_does_not_bring_a_backend_up() {
    for owes in [Proof::Connection, Proof::Answer] {
        leads(down(owes), Event::Answered, down(owes), None);
    }
}

#[test]
fn the_last_failure_decides_what_a_backend_that_is_down_owes() {
    for owes in [Proof::Connection, Proof::Answer] {
        for (failure, now_owes) in ALL_FAILURES {
            leads(down(owes), failure, down(now_owes), None);
        }
        leads(down(owes), Event::BadResponse { is_last: true }, down(Proof::Answer), None);
    }
}

#[test]
fn a_failed_check_changes_nothing_for_a_backend_that_is_down() {
    for owes in [Proof::Connection, Proof::Answer] {
        leads(down(owes), Event::CheckFailed, down(owes), None);
    }
}

#[test]
fn a_connection_does_not_bring_up_a_backend_that_owes_an_answer() {
    leads(down(Proof::Answer), Event::CheckPassed(Proof::Connection), down(Proof::Answer), None);
}

#[test]
fn a_check_with_the_owed_proof_brings_a_backend_up_without_failures() {
    for (owes, proof) in [
        (Proof::Connection, Proof::Connection),
        (Proof::Connection, Proof::Answer),
        (Proof::Answer, Proof::Answer),
    ] {
        leads(down(owes), Event::CheckPassed(proof), State::NEW, Some(Change::CameBack));
    }
}

#[test]
fn is_up_without_the_lock_agrees_with_the_state() {
    let health = Health::new(&BackendAddress::resolve("127.0.0.1:9").unwrap(), true);
    for (count, is_up) in [(1, true), (2, true), (3, false)] {
        health.check_failed("check".to_owned());
        assert_eq!((health.is_up(), health.record().state.is_up()), (is_up, is_up), "{count} failed checks");
    }
    health.check_passed(health.owes());
    assert_eq!((health.is_up(), health.record().state), (true, State::NEW));
}

#[test]
fn an_answer_after_a_failure_is_counted() {
    let health = Health::new(&BackendAddress::resolve("127.0.0.1:9").unwrap(), true);
    let error = codec::Error::unavailable(std::time::Duration::ZERO);
    health.failed(&error, false);
    health.failed(&error, false);
    assert_eq!(health.record().state, up(2, 0));
    health.succeeded();
    assert_eq!((health.record().state, health.record().failures), (State::NEW, 2));
}

#[test]
fn a_single_backend_never_goes_down() {
    let health = Health::new(&BackendAddress::resolve("127.0.0.1:9").unwrap(), false);
    for _ in 0..9 {
        health.failed(&codec::Error::unavailable(std::time::Duration::ZERO), true);
        health.failed(&codec::Error::unavailable(std::time::Duration::ZERO), false);
        health.check_failed("check".to_owned());
    }
    assert!(health.is_up());
    assert_eq!((health.record().state, health.record().failures), (State::NEW, 18));
}
