//! How it starts, how it says that it cannot, and how it stops.

use std::net::TcpListener;

use testkit::{Process, run_to_end};

use crate::suite::setup::{GET, HELLO, Setup, free_ports, skips_foreign};
use crate::{BINARY, NAME, STAGE};

/// Runs it with these arguments, and expects that it ends with this code and names all of `words` on stderr.
fn fails(arguments: &[&str], code: i32, words: &[&str]) {
    let finished = run_to_end(BINARY, arguments).unwrap();
    assert_eq!(finished.code, Some(code), "{arguments:?}: {}", finished.stderr);
    assert_eq!(finished.stdout, "", "{arguments:?}");
    for word in words {
        assert!(finished.stderr.contains(word), "{arguments:?}: {word:?} is not in: {}", finished.stderr);
    }
}

#[test]
fn a_port_in_use_is_named_with_the_flag_that_helps() {
    if skips_foreign("how it starts and stops") {
        return;
    }
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    fails(&["--listen", &address], 3, &[&address, "in use", "--listen "]);
}

#[test]
fn bad_usage_ends_with_exit_code_2() {
    if skips_foreign("how it starts and stops") {
        return;
    }
    fails(&["--lisen", "127.0.0.1:0"], 2, &["--lisen"]);
    fails(&["surplus"], 2, &["surplus"]);
    for listen in ["", "nonsense", "127.0.0.1", "127.0.0.1:99999", "http://127.0.0.1:8080"] {
        fails(&["--listen", listen], 2, &["--listen", "Try: "]);
    }
    for backend in
        ["", "nonsense", "127.0.0.1", "127.0.0.1:99999", "https://127.0.0.1:81", "127.0.0.1:81/path"]
    {
        fails(&["--listen", "127.0.0.1:0", "--backend", backend], 2, &["--backend", "Try: "]);
    }
    fails(&["--listen", "127.0.0.1:0", "--log", "loud"], 2, &["--log loud"]);
    if STAGE <= 5 {
        let (first, second) = ("127.0.0.1:81", "127.0.0.1:82");
        let takes_one = ["2 backends", "takes one", "Try: --backend 127.0.0.1:81"];
        fails(&["--backend", "127.0.0.1:81,127.0.0.1:82"], 2, &takes_one);
        fails(&["--backend", first, "--backend", second], 2, &takes_one);
    }
}

#[test]
fn a_backend_that_is_the_proxy_itself_is_refused() {
    if skips_foreign("how it starts and stops") {
        return;
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (port, address) = (free.port(), free.to_string());
    fails(&["--listen", &address, "--backend", &address], 2, &["--backend", "--listen"]);
    let url = format!("http://{address}");
    fails(&["--listen", &address, "--backend", &url], 2, &["--backend", "--listen"]);
    let any = format!("0.0.0.0:{port}");
    fails(&["--listen", &any, "--backend", &address], 2, &["--backend", "--listen"]);
}

#[test]
fn a_backend_may_be_given_as_a_url_or_by_name() {
    if skips_foreign("how it starts and stops") {
        return;
    }
    let setup = Setup::hello();
    let port = setup.backend.address().port();
    for backend in
        [format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{port}/"), format!("localhost:{port}")]
    {
        let flags = ["--listen", "127.0.0.1:0", "--backend", &backend];
        let proxy = Process::stage(BINARY, &[&flags, free_ports()].concat()).unwrap();
        let response = testkit::Client::connect(proxy.address()).unwrap().exchange(GET).unwrap();
        assert_eq!(response.text(), "hello", "{backend}");
    }
}

#[test]
fn help_and_version_go_to_stdout() {
    if skips_foreign("how it starts and stops") {
        return;
    }
    let help = run_to_end(BINARY, &["--help"]).unwrap();
    assert_eq!(help.code, Some(0));
    for word in ["--listen", "127.0.0.1:8080", "--backend", "127.0.0.1:8081", "--log"] {
        assert!(help.stdout.contains(word), "{word} is not in: {}", help.stdout);
    }
    let version = run_to_end(BINARY, &["--version"]).unwrap();
    assert_eq!(version.code, Some(0));
    assert!(version.stdout.starts_with(NAME), "{}", version.stdout);
}

#[cfg(unix)]
#[test]
fn sigterm_and_ctrl_c_end_it_with_exit_code_0() {
    if skips_foreign("how it starts and stops") {
        return;
    }
    let asks: [fn(&mut Process) -> std::io::Result<()>; 2] = [Process::terminate, Process::interrupt];
    for ask in asks {
        let mut setup = Setup::hello();
        assert_eq!(setup.exchange(GET).status, 200);
        ask(&mut setup.proxy).unwrap();
        assert_eq!(setup.proxy.wait_for_exit().unwrap().code(), Some(0));
    }
}

#[cfg(unix)]
#[test]
fn a_request_that_is_being_served_is_finished_before_it_ends() {
    if skips_foreign("how it starts and stops") {
        return;
    }
    let mut setup = Setup::new(testkit::Backend::slow(HELLO));
    let mut client = setup.client();
    client.send(GET).unwrap();
    setup.backend.wait_for_requests(1).unwrap();
    setup.proxy.terminate().unwrap();
    setup.backend.release(1);
    assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    drop(client);
    assert_eq!(setup.proxy.wait_for_exit().unwrap().code(), Some(0));
}
