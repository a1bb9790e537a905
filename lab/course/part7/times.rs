//! The checks of what is counted: times in buckets, and percentiles of them.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::Backend;

use super::{LOOK_AGAIN, state};
use crate::observed::{Seen, ensure};
use crate::trial::{CLIENT_PATIENCE, HELLO, Running, Subject, get};

/// A backend that answers a path such as `/60` after as many milliseconds.
fn late() -> Result<Backend, Seen> {
    Ok(Backend::script(|connection| {
        while let Some(head) = connection.read_request()? {
            let digits: String = head.start_line.chars().filter(char::is_ascii_digit).collect();
            // The digits of HTTP/1.1 come after those of the path.
            let milliseconds = digits.strip_suffix("11").and_then(|digits| digits.parse().ok()).unwrap_or(0);
            thread::sleep(Duration::from_millis(milliseconds));
            connection.answer(HELLO)?;
        }
        Ok(())
    })?)
}

/// The numbers of a list; none if it is no list.
fn numbers(list: &Value) -> Vec<u64> {
    list.as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
}

/// The count of each bucket of the durations of requests.
fn buckets(state: &Value) -> Vec<u64> {
    numbers(&state["Duration"]["Buckets"])
}

pub fn counts_each_time_in_its_bucket(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = late()?;
    let running = subject.start_with(&[backend.address()], &[])?;
    let milliseconds = [0, 60, 60, 250];
    for (count, time) in milliseconds.iter().enumerate() {
        running.exchange(get(&format!("/{time}")))?;
        // A request is counted after its response.
        wait_until_counted(&running, count + 1)?;
    }
    let state = state(&running)?;
    let sum = state["Duration"]["SumMillis"].as_f64().unwrap_or(f64::NAN);
    let least = milliseconds.iter().sum::<u64>() as f64;
    ensure(sum >= least && sum < least + 4000.0, || {
        format!(
            "four requests took a little over {least} ms together; the sum is {sum} ms. Is each time added?"
        )
    })?;
    let (buckets, bounds) = (buckets(&state), numbers(&state["BoundsMicros"]));
    for time in milliseconds {
        // A time is at least what the backend waits, so it is in none of the buckets below.
        let below: u64 = buckets
            .iter()
            .zip(&bounds)
            .take_while(|&(_, &bound)| bound <= time * 1000)
            .map(|(count, _)| count)
            .sum();
        let needed = milliseconds.iter().filter(|&&other| other < time).count() as u64;
        ensure(below <= needed, || {
            format!(
                "of requests that took {milliseconds:?} ms and a little more, {below} are in buckets up to {time} ms, \
                 need {needed} at most. The bounds are microseconds; the bucket is the first whose bound is not less"
            )
        })?;
    }
    let fast: u64 =
        buckets.iter().zip(&bounds).filter(|&(_, &bound)| bound <= 50_000).map(|(count, _)| count).sum();
    ensure(fast >= 1, || {
        format!("a request took less than 50 ms, and is in none of the buckets up to 50 ms: {buckets:?}")
    })
}

fn wait_until_counted(running: &Running, needed: usize) -> Result<(), Seen> {
    let deadline = Instant::now() + CLIENT_PATIENCE;
    loop {
        let counted: u64 = buckets(&state(running)?).iter().sum();
        if counted == needed as u64 {
            return Ok(());
        }
        ensure(Instant::now() < deadline, || {
            format!(
                "after request {needed} the buckets have {counted} times in all, need {needed}. Is each counted once?"
            )
        })?;
        thread::sleep(LOOK_AGAIN);
    }
}

pub fn estimates_percentiles(subject: &Subject<'_>) -> Result<(), Seen> {
    let backend = late()?;
    let running = subject.start_with(&[backend.address()], &[])?;
    let before = &state(&running)?["Duration"]["P50"];
    ensure(before.as_f64() == Some(0.0), || {
        format!("no request has come, and the 50th percentile is {before}, need 0")
    })?;
    // Half of them, so that rank 5 of P50 is the last of the short times.
    for path in ["/0", "/110"] {
        for _ in 0..5 {
            running.exchange(get(path))?;
        }
    }
    wait_until_counted(&running, 10)?;
    let state = state(&running)?;
    let (buckets, bounds) = (buckets(&state), numbers(&state["BoundsMicros"]));
    let percentile = |name: &str| state["Duration"][name].as_f64();
    for (name, rank) in [("P50", 5), ("P90", 9), ("P99", 10)] {
        let (mut sum, mut index) = (0, 0);
        while index < buckets.len() && sum + buckets[index] < rank {
            sum += buckets[index];
            index += 1;
        }
        let milliseconds = |bound: Option<&u64>| bound.map_or(f64::INFINITY, |&bound| bound as f64 / 1000.0);
        let from = if index == 0 { 0.0 } else { milliseconds(bounds.get(index - 1)) };
        let to = milliseconds(bounds.get(index));
        let seen = percentile(name).unwrap_or(f64::NAN);
        ensure(from <= seen && seen <= to, || {
            format!(
                "5 requests took a few ms at most and 5 took 110 ms; {name} is {seen} ms, need {from} to {to}: time number \
                 {rank} is in that bucket. Are the counts before a bucket added up, and are the bounds microseconds?"
            )
        })?;
    }
    let (lower, upper) = (percentile("P90").unwrap_or(0.0), percentile("P99").unwrap_or(0.0));
    ensure(lower < upper, || {
        format!(
            "P90 and P99 are {lower} ms and {upper} ms, of 5 times in one bucket: the times of a bucket lie evenly \
             between its bounds, so P99 is nearer to its end"
        )
    })
}
