//! Number and address flags: bounds are accepted, and values beyond them are rejected with a helpful message.

use course::Ability;

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, KeptPort, Process, localhost, run_to_end};

use crate::behaviours::setup::{GET, HELLO};

pub(crate) const LIST: &[Behaviour] = behaviours![
    of_stages:
    numbers_beyond_their_limits_are_refused,
    numbers_at_their_limits_are_accepted,
    an_address_that_cannot_be_listened_on_or_reached_is_refused,
    the_suggested_address_works,
];

const BEYOND_64_BITS: &str = "18446744073709551616";
const MOST_OF_64_BITS: &str = "18446744073709551615";

/// Checks that the stage exits with this code before it listens, with all of `words` in its message.
fn refuses(subject: &Subject, flag: &str, value: &str, code: i32, words: &[&str]) {
    let others = [&["--listen", "127.0.0.1:0"], subject.free_ports()];
    let others = others.into_iter().filter(|other| other.first() != Some(&flag));
    let arguments = others.chain([&[flag, value][..]]).collect::<Vec<_>>().concat();
    let finished = run_to_end(subject.binary(), &arguments).unwrap();
    let shown = format!("{flag} {value:.60}: {:.300}", finished.stderr);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(code), ""), "{shown}");
    for word in words.iter().chain([&flag]) {
        assert!(finished.stderr.contains(word), "{word:?} is not said of {shown}");
    }
}

fn numbers_beyond_their_limits_are_refused(subject: &Subject) {
    let mut numbers = Vec::new();
    if subject.can(Ability::ManyClients) {
        numbers.push(("--max-clients", "1000001", "from 1 to 1000000"));
    }
    if subject.can(Ability::Pool) {
        numbers.push(("--pool-size", "65536", "from 1 to 65535"));
    }
    for (flag, beyond, range) in numbers {
        for value in ["", "x", "0", beyond, "1000000000000", MOST_OF_64_BITS, BEYOND_64_BITS] {
            refuses(subject, flag, value, 2, &[range]);
        }
    }
    let mut times: Vec<(&str, &[&str])> = Vec::new();
    if subject.can(Ability::Pool) {
        times.extend([("--pool-wait", &[][..]), ("--pool-idle", &[])]);
    }
    if subject.can(Ability::SeveralBackends) {
        let too_short = &["0ms", "9ms"][..];
        times.extend([("--health-interval", too_short), ("--health-timeout", too_short)]);
    }
    for (flag, too_short) in times {
        for value in too_short {
            refuses(subject, flag, value, 2, &["less than 10ms"]);
        }
        for number in ["86400001ms", "86401s", "1441m", "1", "", "ms", "1h"] {
            refuses(subject, flag, number, 2, &["such as 100ms, 4s or 2m, up to 1440m"]);
        }
        for number in [MOST_OF_64_BITS, BEYOND_64_BITS] {
            for unit in ["ms", "s", "m"] {
                refuses(subject, flag, &format!("{number}{unit}"), 2, &["up to 1440m"]);
            }
        }
    }
    if subject.can(Ability::SeveralBackends) {
        for path in ["", "health", "/a b", "/\u{e9}", &"/".repeat(9000)] {
            refuses(subject, "--health-path", path, 2, &["Try: --health-path /"]);
        }
    }
}

fn numbers_at_their_limits_are_accepted(subject: &Subject) {
    let (mut least, mut most) = (vec!["--log", "off"], vec!["--log", "trace"]);
    if subject.can(Ability::ManyClients) {
        least.extend(["--max-clients", "1"]);
        most.extend(["--max-clients", "1000000"]);
    }
    if subject.can(Ability::Pool) {
        least.extend(["--pool-size", "1", "--pool-wait", "0ms", "--pool-idle", "0s"]);
        most.extend(["--pool-size", "65535", "--pool-wait", "1440m", "--pool-idle", "86400s"]);
    }
    if subject.can(Ability::SeveralBackends) {
        least.extend(["--health-interval", "10ms", "--health-timeout", "10ms"]);
        most.extend(["--health-interval", "86400000ms", "--health-timeout", "1440m"]);
    }
    for flags in [least, most] {
        let backend = Backend::good(HELLO).unwrap();
        let proxy = subject.start(backend.address(), &flags).unwrap();
        for _ in 0..3 {
            let response = Client::connect(proxy.address()).unwrap().exchange(GET).unwrap();
            assert_eq!(response.text(), "hello", "{flags:?}");
        }
    }
}

fn an_address_that_cannot_be_listened_on_or_reached_is_refused(subject: &Subject) {
    let mut backends = ["127.0.0.1:0", "http://127.0.0.1:0/", "[::1]:0"].map(str::to_owned).to_vec();
    backends.extend(localhost().map(|name| format!("{name}:0")));
    for backend in backends {
        refuses(subject, "--backend", &backend, 2, &["port 0", "Try: --backend 127.0.0.1:8081"]);
    }
    // Too long for a name, so no resolver is asked.
    let unknown = format!("{}:80", "a".repeat(300));
    refuses(subject, "--backend", &unknown, 2, &["cannot be resolved", "Try: --backend "]);
    let flags: &[&str] = if subject.can(Ability::Rpc) { &["--listen", "--rpc"] } else { &["--listen"] };
    for flag in flags {
        let suggests = format!("Try: {flag} 127.0.0.1:");
        refuses(subject, flag, &unknown, 2, &["cannot be resolved", &suggests]);
        for several in ["224.0.0.1:0", "[ff02::1]:0", "255.255.255.255:0"] {
            refuses(subject, flag, several, 2, &["no client can connect", &suggests]);
        }
        for invalid in ["127.0.0.1:65536", "127.0.0.1:-1", ":8080", "127.0.0.1:"] {
            refuses(subject, flag, invalid, 2, &["it is not host:port", &suggests]);
        }
        // RFC 5737: no machine has these addresses.
        refuses(subject, flag, "192.0.2.1:8080", 3, &[&format!("{flag} 127.0.0.1:8080\n")]);
        // RFC 3849. The message differs on systems without IPv6.
        refuses(subject, flag, "[2001:db8::1]:8080", 3, &[&format!("{flag} 127.0.0.1:8080\n")]);
    }
}

fn the_suggested_address_works(subject: &Subject) {
    let kept = KeptPort::bind().unwrap();
    let listen = format!("192.0.2.1:{}", kept.address().port());
    let arguments = [&["--listen", &listen], subject.free_ports()].concat();
    let said = run_to_end(subject.binary(), &arguments).unwrap().stderr;
    let (_, suggested) = said.trim_end().rsplit_once("--listen ").unwrap();
    let proxy =
        Process::stage(subject.binary(), &[&["--listen", suggested], subject.free_ports()].concat()).unwrap();
    assert_eq!(proxy.address(), kept.address());
}
