//! The short form of `cargo maintain soak`: many clients, and a backend that fails in every phase of an exchange.

use conformance::build;
use soak::{Plan, run};
use testkit::Workspace;

#[test]
fn each_request_under_load_gets_its_own_or_a_cut_response_and_nothing_leaks() {
    // RFC 9112 section 8: no cut response looks complete; section 9.3.2: each request gets its own.
    let concurrent: Vec<u32> =
        Workspace::find().unwrap().stages().into_iter().filter(|&stage| stage > 1).collect();
    for subject in build(&concurrent).unwrap() {
        let report = run(&subject, &Plan::short().unwrap()).unwrap();
        println!("{report}");
        assert!(report.problems().is_empty(), "{report}");
    }
}
