//! Bodies of all sizes, in both directions at once, and early responses.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::{Behaviour, Subject};
use testkit::{Backend, Client, Ended, PATIENCE};

use crate::behaviours::setup::{GET, Setup, chunked, pattern, pattern_byte, says_close};

pub(crate) const LIST: &[Behaviour] = behaviours![
    request_bodies_arrive_byte_for_byte,
    response_bodies_arrive_byte_for_byte,
    a_body_of_64_mib_is_echoed_in_bounded_memory,
    an_early_response_is_forwarded_if_the_backend_reads_no_more,
    an_upload_ends_after_a_complete_error_response,
];

const MIB: usize = 1024 * 1024;
const TOO_LARGE: &str =
    "HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large";

fn post(framing: &str, body: &[u8]) -> Vec<u8> {
    [format!("POST / HTTP/1.1\r\nHost: example.test\r\n{framing}\r\n\r\n").as_bytes(), body].concat()
}

fn request_bodies_arrive_byte_for_byte(subject: &Subject) {
    // RFC 9112 section 6: every size, in both framings.
    for size in [0, 1, 255, 16 * 1024, 16 * 1024 + 1, 5 * MIB] {
        let body = pattern(size);
        let setup = Setup::hello(subject);
        let received = setup.forward(post(&format!("Content-Length: {size}"), &body));
        assert_eq!(received.head.all("content-length"), [size.to_string()]);
        assert!(received.body == body, "{size} bytes by Content-Length");

        for chunk in [1, 4093, MIB].into_iter().filter(|&chunk| size / chunk < 10_000) {
            let setup = Setup::hello(subject);
            let received = setup.forward(post("Transfer-Encoding: chunked", &chunked(&body, chunk)));
            assert_eq!(received.head.all("transfer-encoding"), ["chunked"]);
            assert!(received.body == body, "{size} bytes in chunks of {chunk}");
        }
    }
}

fn response_bodies_arrive_byte_for_byte(subject: &Subject) {
    // RFC 9112 section 6: every size, in each of the three framings.
    for size in [0, 1, 255, 16 * 1024, 16 * 1024 + 1, 5 * MIB] {
        let body = pattern(size);
        let head = |framing: &str| format!("HTTP/1.1 200 OK\r\n{framing}\r\n").into_bytes();
        let by_length = [head(&format!("Content-Length: {size}\r\n")), body.clone()].concat();
        let in_chunks = [head("Transfer-Encoding: chunked\r\n"), chunked(&body, 4093)].concat();
        let to_the_end = [head(""), body.clone()].concat();
        for (answer, ended) in
            [(by_length, Ended::ContentLength), (in_chunks, Ended::Chunked), (to_the_end, Ended::Chunked)]
        {
            let setup = Setup::new(subject, Backend::closing(answer));
            let response = setup.exchange(GET);
            assert_eq!(response.ended, ended, "{size} bytes");
            assert!(response.body == body, "{size} bytes, {ended:?}");
        }
    }
}

fn a_body_of_64_mib_is_echoed_in_bounded_memory(subject: &Subject) {
    // The response arrives during the request. A proxy that buffers the body needs the memory, and a proxy
    // that sends everything before it reads hangs.
    const SIZE: usize = 64 * MIB;
    const PIECE: usize = 64 * 1024;
    let setup = Setup::new(subject, Backend::echo());
    let mut client = setup.client();
    client.send(post(&format!("Content-Length: {SIZE}"), b"")).unwrap();
    let mut sender = client.sender().unwrap();
    let sending = thread::spawn(move || -> io::Result<()> {
        for start in (0..SIZE).step_by(PIECE) {
            sender.send((start..start + PIECE).map(pattern_byte).collect::<Vec<_>>())?;
        }
        Ok(())
    });
    let mut place = 0;
    let response = client
        .read_streamed("POST", &mut |piece| {
            let wrong = piece.iter().enumerate().find(|&(index, &byte)| byte != pattern_byte(place + index));
            assert!(wrong.is_none(), "byte {place} and what follows it: {wrong:?}");
            place += piece.len();
            Ok(())
        })
        .unwrap();
    sending.join().unwrap().unwrap();
    assert_eq!((response.status, response.ended, place), (200, Ended::Chunked, SIZE));
    assert_eq!(setup.received().body_bytes, SIZE as u64);
    if let Some(peak) = setup.proxy.peak_memory_kib()
        && subject.is_stage()
    {
        assert!(peak < 24 * 1024, "the proxy needed {peak} KiB");
    }
}

/// Sends a head that announces an endless body, then pieces of it until they are refused.
fn upload_until_refused(client: &Client) -> thread::JoinHandle<bool> {
    let mut sender = client.sender().unwrap();
    thread::spawn(move || {
        let deadline = Instant::now() + PATIENCE;
        let chunk = [b"10000\r\n", &[b'a'; 0x10000][..], b"\r\n"].concat();
        while Instant::now() < deadline {
            if sender.send(&chunk).is_err() {
                return true;
            }
        }
        false
    })
}

fn an_early_response_is_forwarded_if_the_backend_reads_no_more(subject: &Subject) {
    // RFC 9112 sections 9.3 and 9.6: a server may answer before it has read the request, then close.
    let setup = Setup::new(
        subject,
        Backend::script(|connection| {
            connection.read_head()?;
            connection.answer(TOO_LARGE)?;
            connection.half_close()?;
            connection.wait_for_release()
        }),
    );
    let mut client = setup.client();
    client.send(post("Transfer-Encoding: chunked", b"")).unwrap();
    let upload = upload_until_refused(&client);
    let response = client.read_response("POST").unwrap();
    assert_eq!((response.status, response.text().as_str()), (413, "too large"));
    assert!(says_close(&response));
    assert!(upload.join().unwrap(), "the proxy went on reading the request");
}

fn an_upload_ends_after_a_complete_error_response(subject: &Subject) {
    // RFC 9112 section 9.3: after the complete response the rest of the request is not needed, although the
    // backend still reads. Otherwise a client that never ends would occupy the proxy forever.
    let setup = Setup::new(subject, Backend::early(TOO_LARGE));
    let mut client = setup.client();
    client.send(post("Transfer-Encoding: chunked", b"")).unwrap();
    let upload = upload_until_refused(&client);
    let response = client.read_response("POST").unwrap();
    assert_eq!((response.status, response.text().as_str()), (413, "too large"));
    let answered = Instant::now();
    assert!(upload.join().unwrap(), "the proxy went on reading the request");
    assert!(answered.elapsed() < Duration::from_secs(8), "it took {:?}", answered.elapsed());
}
