//! Proves that each check passes on its stage, and fails if its task is not done or done wrong.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use lab::build::{self, Checked};
use lab::lock::Lock;
use lab::places::Places;
use stage::Failure;
use testkit::{Program, say};

use super::variants::{self, Expected, Proof, Variant};

/// How many variants are checked concurrently.
const AT_ONCE: usize = 4;

/// Runs all proofs `repeat` times and returns how many failed.
pub fn run(places: &Places, repeat: usize) -> Result<usize, Failure> {
    let variants = variants::all();
    let _lock = Lock::take(places, "selftest")?;
    let programs = variants::build(places, &variants)?;
    let mut wrong = 0;
    for round in 1..=repeat {
        let started = Instant::now();
        wrong += run_round(&variants, &programs);
        let seconds = started.elapsed().as_secs_f32();
        say!("round {round} of {repeat} in {seconds:.1} s, {wrong} wrong so far");
    }
    Ok(wrong)
}

/// Runs all proofs once, and returns how many failed.
fn run_round(variants: &[Variant], programs: &[Program]) -> usize {
    let next = AtomicUsize::new(0);
    let wrong = AtomicUsize::new(0);
    let work = || {
        while let Some((variant, program)) =
            variants.iter().zip(programs).nth(next.fetch_add(1, Ordering::Relaxed))
        {
            wrong.fetch_add(prove(variant, program), Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    wrong.into_inner()
}

/// Runs the proofs of one variant, and returns how many failed.
fn prove(variant: &Variant, program: &Program) -> usize {
    let mut wrong = 0;
    for Proof { what, tasks, expected } in &variant.proofs {
        let mut messages = String::new();
        for (task, result) in build::check(program, tasks) {
            if let Checked::Fail(seen) = result {
                let seen = seen.to_string().replace('\n', "\n      ");
                messages.push_str(&format!("\n      {}: {seen}", task.name));
            }
        }
        let (is_right, result) = match expected {
            Expected::Pass => (messages.is_empty(), "passes"),
            Expected::Fail(words) => (!messages.is_empty() && messages.contains(words), "fails"),
        };
        wrong += usize::from(!is_right);
        let word = if is_right { "right" } else { "WRONG" };
        let unsaid = match expected {
            Expected::Fail(words) if !is_right && !messages.is_empty() => {
                format!(" and does not say {words:?}")
            }
            _ => String::new(),
        };
        say!("{word} {:<12} {result} check {what}{unsaid}{messages}", variant.name);
    }
    wrong
}
