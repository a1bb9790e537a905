//! The list passes on a machine without a hosts file, as some containers are.

#![cfg(target_os = "linux")]

use std::env;
use std::process::Command;

use conformance::{behaves, build};

/// Set in the process that has no hosts file.
const INSIDE: &str = "LAB_WITHOUT_HOSTS";
/// Printed once there is none.
const READY: &str = "there is no hosts file";

#[test]
fn behaviours_need_no_hosts_file() {
    // Built first: cargo may need a network for it.
    let stage = build(&[1]).unwrap().remove(0);
    if env::var_os(INSIDE).is_none() {
        let script = format!("mount --bind /dev/null /etc/hosts && echo {READY} && exec \"$0\" --nocapture");
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
        let output = unshare.arg(env::current_exe().unwrap()).env(INSIDE, "1").output();
        let text = output.as_ref().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        match text.unwrap_or_default() {
            text if text.contains(READY) => assert!(output.unwrap().status.success(), "{text}"),
            text => println!("skipped: no mount namespace: {text}"),
        }
        return;
    }
    for name in [
        "startup::a_backend_may_be_given_as_a_url_or_by_name",
        "flags::an_address_that_cannot_be_listened_on_or_reached_is_refused",
    ] {
        assert_eq!(behaves(&stage, name), Some(true), "{name}");
    }
}
