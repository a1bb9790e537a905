//! How the stage starts, reports that it cannot start, and stops.

use std::net::TcpListener;

use course::Ability;

use crate::{Behaviour, Subject};
use testkit::{Process, localhost, run_to_end};

use crate::behaviours::setup::{GET, HELLO, Setup, start_before};

pub(crate) const LIST: &[Behaviour] = behaviours![
    of_stages:
    a_port_in_use_is_reported_with_the_flag_to_change,
    bad_usage_ends_with_exit_code_2,
    a_backend_that_is_the_proxy_itself_is_refused,
    a_backend_may_be_given_as_a_url_or_by_name,
    help_and_version_go_to_stdout,
    #[cfg(unix)]
    sigterm_and_ctrl_c_end_the_proxy_with_exit_code_0,
    #[cfg(unix)]
    a_request_in_flight_is_finished_before_the_proxy_ends,
];

/// Runs it with these arguments, and expects this exit code and all of `words` on stderr.
fn fails(subject: &Subject, arguments: &[&str], code: i32, words: &[&str]) {
    let finished = run_to_end(subject.binary(), arguments).unwrap();
    assert_eq!(finished.code, Some(code), "{arguments:?}: {}", finished.stderr);
    assert_eq!(finished.stdout, "", "{arguments:?}");
    for word in words {
        assert!(finished.stderr.contains(word), "{arguments:?}: {word:?} is not in: {}", finished.stderr);
    }
}

fn a_port_in_use_is_reported_with_the_flag_to_change(subject: &Subject) {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    fails(subject, &["--listen", &address], 3, &[&address, "in use", "--listen "]);
}

fn bad_usage_ends_with_exit_code_2(subject: &Subject) {
    fails(subject, &["--lisen", "127.0.0.1:0"], 2, &["--lisen"]);
    fails(subject, &["surplus"], 2, &["surplus"]);
    for listen in ["", "nonsense", "127.0.0.1", "127.0.0.1:99999", "http://127.0.0.1:8080"] {
        fails(subject, &["--listen", listen], 2, &["--listen", "Try: "]);
    }
    for backend in
        ["", "nonsense", "127.0.0.1", "127.0.0.1:99999", "https://127.0.0.1:81", "127.0.0.1:81/path"]
    {
        fails(subject, &["--listen", "127.0.0.1:0", "--backend", backend], 2, &["--backend", "Try: "]);
    }
    fails(subject, &["--listen", "127.0.0.1:0", "--log", "loud"], 2, &["--log loud"]);
    if !subject.can(Ability::SeveralBackends) {
        let (first, second) = ("127.0.0.1:81", "127.0.0.1:82");
        let takes_one = ["2 backends", "takes one", "Try: --backend 127.0.0.1:81"];
        fails(subject, &["--backend", "127.0.0.1:81,127.0.0.1:82"], 2, &takes_one);
        fails(subject, &["--backend", first, "--backend", second], 2, &takes_one);
    }
}

fn a_backend_that_is_the_proxy_itself_is_refused(subject: &Subject) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (port, address) = (free.port(), free.to_string());
    fails(subject, &["--listen", &address, "--backend", &address], 2, &["--backend", "--listen"]);
    let url = format!("http://{address}");
    fails(subject, &["--listen", &address, "--backend", &url], 2, &["--backend", "--listen"]);
    let any = format!("0.0.0.0:{port}");
    fails(subject, &["--listen", &any, "--backend", &address], 2, &["--backend", "--listen"]);
}

fn a_backend_may_be_given_as_a_url_or_by_name(subject: &Subject) {
    let setup = Setup::hello(subject);
    let port = setup.backend.address().port();
    let mut backends = vec![format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{port}/")];
    backends.extend(localhost().map(|name| format!("{name}:{port}")));
    for backend in backends {
        let proxy = start_before(subject, &backend, &[]);
        let response = testkit::Client::connect(proxy.address()).unwrap().exchange(GET).unwrap();
        assert_eq!(response.text(), "hello", "{backend}");
    }
}

fn help_and_version_go_to_stdout(subject: &Subject) {
    let help = run_to_end(subject.binary(), &["--help"]).unwrap();
    assert_eq!(help.code, Some(0));
    for word in ["--listen", "127.0.0.1:8080", "--backend", "127.0.0.1:8081", "--log"] {
        assert!(help.stdout.contains(word), "{word} is not in: {}", help.stdout);
    }
    let version = run_to_end(subject.binary(), &["--version"]).unwrap();
    assert_eq!(version.code, Some(0));
    assert!(version.stdout.starts_with(&subject.name), "{}", version.stdout);
}

#[cfg(unix)]
fn sigterm_and_ctrl_c_end_the_proxy_with_exit_code_0(subject: &Subject) {
    let asks: [fn(&mut Process) -> std::io::Result<()>; 2] = [Process::terminate, Process::interrupt];
    for ask in asks {
        let mut setup = Setup::hello(subject);
        assert_eq!(setup.exchange(GET).status, 200);
        ask(&mut setup.proxy).unwrap();
        assert_eq!(setup.proxy.wait_for_exit().unwrap().code(), Some(0));
    }
}

#[cfg(unix)]
fn a_request_in_flight_is_finished_before_the_proxy_ends(subject: &Subject) {
    let mut setup = Setup::new(subject, testkit::Backend::slow(HELLO));
    let mut client = setup.client();
    client.send(GET).unwrap();
    setup.backend.wait_for_requests(1).unwrap();
    setup.proxy.terminate().unwrap();
    setup.backend.release(1);
    assert_eq!(client.read_response("GET").unwrap().text(), "hello");
    drop(client);
    assert_eq!(setup.proxy.wait_for_exit().unwrap().code(), Some(0));
}
