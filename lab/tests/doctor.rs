//! How `cargo lab doctor` handles the variables that name another proxy.

use std::process::Command;

#[test]
fn doctor_accepts_address_ranges_in_no_proxy() {
    for (no_proxy, is_left_out) in [
        ("127.0.0.1", true),
        ("localhost, 127.0.0.1 ,example.test", true),
        ("localhost 127.0.0.1", true),
        ("*", true),
        ("127.0.0.0/8", true),
        ("10.0.0.0/8,127.0.0.0/16", true),
        ("127.0.0.1/32", true),
        ("127.0.0.0/31", true),
        ("0.0.0.0/0", true),
        ("64.0.0.0/2", true),
        ("127.0.0.2/32", false),
        ("127.0.1.0/24", false),
        ("128.0.0.0/1", false),
        ("127.0.0.0/33", false),
        ("127.0.0.0/4294967296", false),
        ("127.0.0.0/", false),
        ("::1/128", false),
        ("localhost", false),
    ] {
        for name in ["no_proxy", "NO_PROXY"] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
            command.arg("doctor");
            for variable in ["all_proxy", "ALL_PROXY", "HTTP_PROXY", "no_proxy", "NO_PROXY"] {
                command.env_remove(variable);
            }
            let output =
                command.env("http_proxy", "proxy.example:3128").env(name, no_proxy).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let leaves_out = text.contains("PASS the variable http_proxy leaves out 127.0.0.1\n");
            assert_eq!(leaves_out, is_left_out, "{name}={no_proxy}: {text}");
        }
    }
}
