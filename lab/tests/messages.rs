//! The messages of the attendee's commands for invalid flag values.

use testkit::run_to_end;

/// Each number and address flag beyond its limits, and words of the message.
#[test]
fn an_invalid_flag_value_ends_with_exit_code_2_and_names_the_valid_values() {
    const BEYOND: [&str; 4] = ["", "x", "18446744073709551615", "18446744073709551616"];
    const STAGES: &str = "from 0 to 99";
    const DELAY: &str = "from 0 to 5000";
    let bench = |flag: &str| vec!["bench".to_owned(), "1".to_owned(), flag.to_owned()];
    let mut cases: Vec<(Vec<String>, &str)> = Vec::new();
    for (flag, first_beyond, range) in [
        ("--clients", "513", "from 1 to 512"),
        ("--requests", "10000001", "from 1 to 10000000"),
        ("--rounds", "100", "from 1 to 99"),
        ("--open", "0.09", "from 0.1 to 1000000"),
        ("--delay", "5001", DELAY),
        ("--accept-delay", "5001", DELAY),
        ("--stall", "5001", DELAY),
        ("--stall-every", "0", "from 1 to 10000000"),
    ] {
        let values = BEYOND.into_iter().chain([first_beyond]);
        cases.extend(values.map(|value| (bench(&format!("{flag}={value}")), range)));
    }
    let mut add = |arguments: &[&str], words| {
        cases.push((arguments.iter().map(|argument| (*argument).to_owned()).collect(), words));
    };
    for value in BEYOND.into_iter().chain(["100"]) {
        for command in ["start", "demo"] {
            add(&[command, value], STAGES);
        }
        add(&["start", &format!("{value}.all")], STAGES);
    }
    for value in BEYOND.into_iter().chain(["0", "33"]) {
        add(&["demo", "1", "--clients", value], "from 1 to 32");
    }
    for value in BEYOND.into_iter().chain(["0", "4"]) {
        add(&["hint", "2.1", "--level", value], "from 1 to 3");
    }
    for (command, what) in [("check", "1.9"), ("check", "all"), ("hint", "2")] {
        add(&[command, what], "Try: cargo lab list");
    }
    for number in ["0", "99", "18446744073709551616"] {
        add(&["check", number], "Try: cargo lab list");
        add(&["hint", number], "Try: cargo lab list");
        add(&["bench", number], "Try: cargo lab bench 1 2");
        add(&["diff", "1", number], "Try: cargo lab diff 1 2");
    }
    add(&["start", "1.1"], STAGES);
    add(&["start", "6.all"], "stage 6 has no larger task. Try: cargo lab start 6");
    for number in ["0", "99"] {
        add(&["start", number], "Try: cargo lab list");
        add(&["demo", number], "Try: cargo lab demo ");
    }
    for command in ["proxy", "proxy {listen}", "", "'proxy {listen} {backend}", "\"proxy {listen} {backend}"]
    {
        add(&["check", "1", "--cmd", command], "Try: --cmd 'proxy {listen} {backend}'");
        add(&["demo", "--cmd", command], "Try: --cmd 'proxy {listen} {backend}'");
    }
    for (arguments, words) in cases {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let finished = run_to_end(env!("CARGO_BIN_EXE_lab"), &arguments).unwrap();
        assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{arguments:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(words), "{arguments:?}: {words:?} is not in: {}", finished.stderr);
    }
}
