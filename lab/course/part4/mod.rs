//! Stage 4: connections are kept, and a broken one costs no request that can be saved.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use testkit::{Backend, Client, Response};

use crate::Folder;
use crate::observed::{Seen, answer, ensure, times};
use crate::trial::{CLIENT_PATIENCE, GET, HELLO, Subject, exchange, get};
use testkit::text::counted;

pub const FOLDER: Folder = Folder {
    description: include_str!("stage.toml"),
    checks: &[
        ("4.1", include_str!("4.1.patch"), takes_idle_connections),
        ("4.2", include_str!("4.2.patch"), puts_back_only_what_is_clean),
        ("4.3", include_str!("4.3.patch"), uses_no_closed_connection),
        ("4.4", include_str!("4.4.patch"), repeats_what_may_be_repeated),
    ],
    larger: Some(include_str!("4.all.patch")),
};

const POST: &str = "POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 4\r\n\r\nbody";

fn takes_idle_connections(subject: &Subject<'_>) -> Result<(), Seen> {
    const CLIENTS: usize = 8;
    const EACH: usize = 50;
    let backend = Backend::good(HELLO)?;
    // A pool that waits for a returned connection, although it may open one, waits longer than the clients do.
    let running = subject.start_with(&[backend.address()], &["--pool-wait", "1m"])?;
    let address = running.address();
    let ask = || -> Result<(), Seen> {
        let mut client = Client::connect_with(address, CLIENT_PATIENCE)?;
        for _ in 0..EACH {
            let response = client.exchange(GET);
            ensure(response.as_ref().is_ok_and(|response| response.text() == "hello"), || {
                format!(
                    "{CLIENTS} clients sent GETs, and one got {}. No connection was idle, and the pool had room: does \
                     it wait for one, instead of opening it at once?",
                    answer(&response)
                )
            })?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
        for worker in workers {
            worker.join().map_err(|_| Seen::new("a client of the check has failed"))??;
        }
        Ok::<(), Seen>(())
    })?;
    let (requests, accepted) = (CLIENTS * EACH, backend.accepted());
    ensure(accepted <= CLIENTS, || {
        let reused = if accepted == requests {
            ". None was used twice: is it put back, does `is_usable` let it through, does `receive` take it?"
        } else {
            ". Some are lost: is each one that `receive` takes out returned, or not usable?"
        };
        format!(
            "{requests} requests of {CLIENTS} clients came on {}, need at most {CLIENTS}{reused}",
            counted(accepted, "connection")
        )
    })?;
    leaves_out_what_is_too_old(subject)
}

/// No connection is younger than no time at all.
fn leaves_out_what_is_too_old(subject: &Subject<'_>) -> Result<(), Seen> {
    const REQUESTS: usize = 3;
    if !subject.is_stage() {
        return Ok(());
    }
    let backend = Backend::good(HELLO)?;
    let running = subject.start_with(&[backend.address()], &["--pool-idle", "0ms"])?;
    let mut client = running.client()?;
    for _ in 0..REQUESTS {
        exchange(&mut client, GET)?;
    }
    let accepted = backend.accepted();
    ensure(accepted == REQUESTS, || {
        format!(
            "with --pool-idle 0ms every idle connection is too old; {REQUESTS} requests came on {}, need {REQUESTS}. Does \
             `receive` ask `is_usable`, and `is_usable` for the age?",
            counted(accepted, "connection")
        )
    })
}

fn puts_back_only_what_is_clean(subject: &Subject<'_>) -> Result<(), Seen> {
    let last = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    let surplus = [HELLO, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsurplus"].concat();
    for (answer, what) in [(last, "said \"Connection: close\""), (&surplus, "sent more than the response")] {
        let backend = Backend::good(answer)?;
        let running = subject.start(&backend)?;
        let mut client = running.client()?;
        for number in 1..=3 {
            let text = exchange(&mut client, POST)?.text();
            ensure(text == "hello" && backend.accepted() == number, || {
                format!(
                    "a backend {what}; the same connection was used again, and the answer was {text:?}. Is what is \
                     not `is_reusable` dropped, not put back?"
                )
            })?;
        }
    }
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    for _ in 0..3 {
        exchange(&mut client, POST)?;
    }
    let accepted = backend.accepted();
    ensure(accepted == 1, || {
        format!(
            "3 requests one after the other came on {}, need 1. What is clean is put back",
            counted(accepted, "connection")
        )
    })
}

fn uses_no_closed_connection(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = Backend::script(|connection| {
        if connection.read_request()?.is_some() {
            connection.answer(HELLO)?;
        }
        Ok(())
    })?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    exchange(&mut client, POST)?;
    for closed in 1..=5 {
        backend.wait_for_closed(closed)?;
        // The proxy answers this itself. After two answers it has processed the earlier close: one of its
        // threads may answer the first while another is still being notified.
        for _ in 0..2 {
            running.exchange("OPTIONS * HTTP/1.1\r\nHost: example.test\r\n\r\n")?;
        }
        // A POST, because a retry cannot hide its failure. Before 4.4 is done, it is retried without its body, and
        // gets no response at all.
        let response = client.exchange(POST);
        ensure(response.as_ref().is_ok_and(|response| response.status == 200), || {
            format!(
                "the backend closed an idle connection; the next POST was sent into it, and the client got {}. \
                 `is_usable` must say no if `is_stale` says yes",
                answer(&response)
            )
        })?;
    }
    let backend = Backend::good(HELLO)?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    for _ in 0..2 {
        exchange(&mut client, POST)?;
    }
    let accepted = backend.accepted();
    ensure(accepted == 1, || {
        "an idle connection was open and clean; the next request came on another. Is `is_stale` negated?"
            .to_owned()
    })?;
    leaves_out_what_is_too_old(subject)
}

/// A backend that answers the first request on each connection and closes it on the second. Requests for [`PAIR`]
/// are answered when the check releases them.
fn forgetful() -> io::Result<Backend> {
    Backend::script(|connection| {
        if let Some(head) = connection.read_request()? {
            if head.start_line.contains(PAIR) {
                connection.wait_for_release()?;
            }
            let has_body = !head.start_line.starts_with("HEAD ");
            connection.answer(if has_body { HELLO } else { HELLO.trim_end_matches("hello") })?;
        }
        connection.read_request().map(drop)
    })
}

const PAIR: &str = "/pair";

fn repeats_what_may_be_repeated(subject: &Subject<'_>) -> Result<(), Seen> {
    let put = POST.replace("POST", "PUT");
    let empty_post = POST.replace("4\r\n\r\nbody", "0\r\n\r\n");
    let simple = ["GET", "HEAD", "PUT", "DELETE", "PATCH"];
    let simple = simple.map(|method| GET.replace("GET", method));
    let wanted = [(&simple[0], 2), (&simple[1], 2), (&simple[2], 2), (&simple[3], 2)];
    let unwanted = [(&simple[4], 1), (&POST.to_owned(), 1), (&put, 1), (&empty_post, 1)];
    for (request, wanted) in wanted.into_iter().chain(unwanted) {
        let backend = forgetful()?;
        let running = subject.start(&backend)?;
        let mut client = running.client()?;
        exchange(&mut client, GET)?;
        let response = client.exchange(request);
        let sent = backend.requests().len() - 1;
        let needed = if wanted == 2 { 200 } else { 502 };
        let is_right = response.as_ref().is_ok_and(|response| response.status == needed);
        ensure(sent == wanted && is_right, || {
            let method = request.split(' ').next().unwrap_or_default();
            let (body, cause) = match request.ends_with("body") {
                true => {
                    (" with a body", "A body that was read from the client cannot be read again: `has_body`")
                }
                false if wanted == 1 => ("", "Twice is not the same as once: `is_idempotent`"),
                false => ("", "Twice is the same as once, and it has no body"),
            };
            format!(
                "a kept connection died under a {method}{body}: sent {}, and the client got {}; need {} and \
                 {needed}. {cause}",
                times(sent),
                answer(&response),
                times(wanted)
            )
        })?;
    }
    repeats_on_a_new_connection(subject)?;
    answers_the_outcome_of_the_second_attempt(subject)
}

/// Two kept connections have died: the second attempt must not get the other one.
fn repeats_on_a_new_connection(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = forgetful()?;
    let running = subject.start(&backend)?;
    let mut clients = [running.client()?, running.client()?];
    for client in &mut clients {
        client.send(get(PAIR))?;
    }
    backend.wait_for_requests_within(clients.len(), CLIENT_PATIENCE)?;
    backend.release(clients.len());
    for client in &mut clients {
        client.read_response("GET")?;
    }
    let [client, _] = &mut clients;
    for _ in 0..2 {
        let response = client.exchange(GET);
        ensure(response.as_ref().is_ok_and(|response| response.text() == "hello"), || {
            format!(
                "two kept connections died, the first of them under a GET; the client got {}. Is the second attempt \
                 on a new connection, and does its outcome count?",
                answer(&response)
            )
        })?;
    }
    Ok(())
}

/// Both attempts fail, each in its own way: a kept connection closes, and the new one sends no valid response.
fn answers_the_outcome_of_the_second_attempt(subject: &Subject<'_>) -> Result<(), Seen> {
    let has_begun = AtomicBool::new(false);
    let backend = Backend::script(move |connection| {
        let is_first = !has_begun.swap(true, Ordering::Relaxed);
        connection.read_request()?;
        match is_first {
            true => connection.answer(HELLO).and_then(|()| connection.read_request().map(drop)),
            false => connection.send("this is no response\r\n\r\n"),
        }
    })?;
    let running = subject.start(&backend)?;
    let mut client = running.client()?;
    exchange(&mut client, GET)?;
    let response = client.exchange(GET);
    // RFC 9209 section 2.3.8: the error of the first attempt. A proxy need not send the field.
    let is_of_first = |response: &Response| {
        response.head.all("proxy-status").iter().any(|status| status.contains("connection_terminated"))
    };
    ensure(response.as_ref().is_ok_and(|response| response.status == 502 && !is_of_first(response)), || {
        let reason = if response.as_ref().is_ok_and(is_of_first) { " for the first failure" } else { "" };
        format!(
            "a kept connection died under a GET, and on the new one no valid response came; the client got {}{reason}, \
             need 502 for the second failure. Is the outcome of the second attempt returned?",
            answer(&response)
        )
    })
}
