//! Values of each number and address flag beyond their bounds, and the messages for them.

use testkit::run_to_end;

#[test]
fn an_invalid_flag_value_ends_with_exit_code_2_and_names_the_valid_values() {
    const BEYOND: [&str; 5] = ["", "x", "0", "18446744073709551615", "18446744073709551616"];
    let mut cases = Vec::new();
    for value in BEYOND.into_iter().chain(["100"]).filter(|value| *value != "0") {
        cases.push((vec!["soak", "--stage", value], "from 0 to 99"));
        cases.push((vec!["conform", "--stage", value], "from 0 to 99"));
    }
    for value in BEYOND.into_iter().chain(["1", "10081", "307445734561825861"]) {
        cases.push((vec!["soak", "--minutes", value], "from 2 to 10080"));
    }
    for value in BEYOND.into_iter().chain(["65536"]) {
        cases.push((vec!["selftest", "--repeat", value], "from 1 to 65535"));
    }
    for command in ["soak", "conform"] {
        cases.push((vec![command, "--stage", "0"], "Try: --stage "));
        cases.push((vec![command, "--stage", "99"], "Try: --stage "));
    }
    for command in ["proxy", "proxy {listen}", ""] {
        cases.push((vec!["conform", "--cmd", command], "Try: --cmd 'proxy {listen} {backend}'"));
    }
    cases.push((vec!["conform", "--only", "no such case"], "Try: cargo maintain conform --only chunk"));
    for (arguments, words) in cases {
        let finished = run_to_end(env!("CARGO_BIN_EXE_maintain"), &arguments).unwrap();
        assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{arguments:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(words), "{arguments:?}: {words:?} is not in: {}", finished.stderr);
    }
}
