//! The checks of what is counted: times in buckets, and percentiles of them.

use std::thread;
use std::time::{Duration, Instant};

use testkit::Backend;

use super::{LOOK_AGAIN, number, page};
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

/// The histogram of the durations of requests, in the state: from its first brace on.
fn duration(state: &str) -> &str {
    state.split("\"Duration\":").nth(1).unwrap_or_default()
}

/// The count of each bucket of this histogram.
fn buckets(state: &str) -> Option<Vec<u64>> {
    let list = duration(state).split("\"Buckets\":[").nth(1)?.split(']').next()?;
    list.split(',').map(|count| count.trim().parse().ok()).collect()
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
    let state = page(&running, "/state.json")?;
    let sum = number(duration(&state), "SumMillis").unwrap_or(f64::NAN);
    let least = milliseconds.iter().sum::<u64>() as f64;
    ensure(sum >= least && sum < least + 4000.0, || {
        format!(
            "four requests took a little over {least} ms together; the sum is {sum} ms. Is each time added?"
        )
    })?;
    let buckets = buckets(&state).unwrap_or_default();
    let bounds = bounds(&state);
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

/// The upper bounds of the buckets in microseconds.
fn bounds(state: &str) -> Vec<u64> {
    let list = state.split("\"BoundsMicros\":[").nth(1).and_then(|rest| rest.split(']').next());
    list.unwrap_or_default().split(',').filter_map(|bound| bound.trim().parse().ok()).collect()
}

fn wait_until_counted(running: &Running, needed: usize) -> Result<(), Seen> {
    let deadline = Instant::now() + CLIENT_PATIENCE;
    loop {
        let counted: u64 = buckets(&page(running, "/state.json")?).unwrap_or_default().iter().sum();
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
    let before = page(&running, "/state.json")?;
    ensure(number(&before, "P50") == Some(0.0), || {
        format!("no request has come, and the 50th percentile is {:?}, need 0", number(&before, "P50"))
    })?;
    // Half of them, so that rank 5 of P50 is the last of the short times.
    for path in ["/0", "/110"] {
        for _ in 0..5 {
            running.exchange(get(path))?;
        }
    }
    wait_until_counted(&running, 10)?;
    let state = page(&running, "/state.json")?;
    let (buckets, bounds) = (buckets(&state).unwrap_or_default(), bounds(&state));
    for (name, rank) in [("P50", 5), ("P90", 9), ("P99", 10)] {
        let (mut sum, mut index) = (0, 0);
        while index < buckets.len() && sum + buckets[index] < rank {
            sum += buckets[index];
            index += 1;
        }
        let milliseconds = |bound: Option<&u64>| bound.map_or(f64::INFINITY, |&bound| bound as f64 / 1000.0);
        let from = if index == 0 { 0.0 } else { milliseconds(bounds.get(index - 1)) };
        let to = milliseconds(bounds.get(index));
        let seen = number(duration(&state), name).unwrap_or(f64::NAN);
        ensure(from <= seen && seen <= to, || {
            format!(
                "5 requests took a few ms at most and 5 took 110 ms; {name} is {seen} ms, need {from} to {to}: time number \
                 {rank} is in that bucket. Are the counts before a bucket added up, and are the bounds microseconds?"
            )
        })?;
    }
    let (lower, upper) =
        (number(duration(&state), "P90").unwrap_or(0.0), number(duration(&state), "P99").unwrap_or(0.0));
    ensure(lower < upper, || {
        format!(
            "P90 and P99 are {lower} ms and {upper} ms, of 5 times in one bucket: the times of a bucket lie evenly \
             between its bounds, so P99 is nearer to its end"
        )
    })
}
