//! The short form of `cargo maintain soak`: many clients, and a backend that fails in every phase of an exchange.

use conformance::Subject;
use soak::{Plan, run};

use crate::suite::setup::skips_foreign;
use crate::{BINARY, STAGE};

#[test]
fn under_load_and_faults_each_request_gets_its_own_answer_or_a_cut_and_nothing_is_left_behind() {
    // RFC 9112 section 8: what is cut short never looks whole; section 9.3.2: each answer belongs to its request.
    if skips_foreign("what it may answer while its backend fails") {
        return;
    }
    let report = run(&Subject::stage(STAGE, BINARY), &Plan::short().unwrap()).unwrap();
    println!("{report}");
    assert!(report.problems().is_empty(), "{report}");
}
