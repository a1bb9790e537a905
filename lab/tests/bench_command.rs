//! `cargo lab bench`: what it refuses, and what it says.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the test.

use std::process::Command;

use testkit::run_to_end;

const LAB: &str = env!("CARGO_BIN_EXE_lab");

#[test]
fn invalid_bench_arguments_end_with_exit_code_2_and_without_colour() {
    let wrong: [&[&str]; 11] = [
        &["99"],
        &["one"],
        &["1", "1"],
        &["1", "--clients", "1,1"],
        &["1", "--clients", "1", "--clients", "4,1"],
        &["1", "--peer", "nginx", "--peer", "haproxy", "--peer", "nginx"],
        &["b1", "--delay", "5"],
        &["b1", "--rounds", "2"],
        &["5", "--variant", "no-such"],
        &["5", "--open", "0"],
        &["5", "--path", "/a b"],
    ];
    for arguments in wrong {
        let finished = run_to_end(LAB, &[&["bench"], arguments].concat()).unwrap();
        assert_eq!(finished.code, Some(2), "{arguments:?}: {}", finished.stderr);
        assert!(finished.stdout.is_empty() && !finished.stderr.contains('\x1b'), "{}", finished.stderr);
        assert!(finished.stderr.starts_with("error: "), "{}", finished.stderr);
    }
}

#[test]
fn a_path_with_an_error_status_is_not_measured() {
    for (path, status) in [("/no/such/page", "404 Not Found"), ("/status/503", "503 Service Unavailable")] {
        let output =
            Command::new(LAB).args(["bench", "2", "--requests", "10", "--path", path]).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &*output.stdout), (Some(2), &b""[..]), "{stderr}");
        let named = format!("the backend answers GET {path} with {status}");
        assert!(stderr.contains(&named) && stderr.contains("Try: --path /hello/you"), "{stderr}");
    }
}
