//! The graded benchmarks, held against their accepted ranges.

use lab::bench::{self, Verdict};
use testkit::say;

/// How often a benchmark is run whose rounds are too far apart: something else may have used the machine.
const ATTEMPTS: usize = 3;

/// Runs all of them, and returns how many are not in their range.
pub fn run() -> anyhow::Result<usize> {
    let mut wrong = 0;
    for name in bench::exercises() {
        let mut verdict = Verdict::Noisy;
        for _ in 0..ATTEMPTS {
            verdict = bench::grade(name)?;
            if verdict != Verdict::Noisy {
                break;
            }
        }
        let is_right = verdict == Verdict::Pass;
        wrong += usize::from(!is_right);
        match (is_right, verdict) {
            (true, _) => say!("right benchmark {name}"),
            (false, Verdict::Noisy) => {
                say!(
                    "WRONG benchmark {name}: too noisy, {ATTEMPTS} times. Stop what else runs, and try again"
                );
            }
            (false, _) => say!("WRONG benchmark {name}: the ratio is outside its range, see above"),
        }
    }
    Ok(wrong)
}
