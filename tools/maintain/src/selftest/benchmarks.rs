//! Compares the graded benchmarks with their accepted ranges.

use lab::bench::{self, Grade};
use stage::Failure;
use testkit::say;

/// How often a noisy benchmark is run: another program may have used the machine.
const ATTEMPTS: usize = 3;

/// Runs all benchmarks and returns the number outside their ranges.
pub fn run() -> Result<usize, Failure> {
    let mut wrong = 0;
    for name in bench::exercises() {
        let mut grade = Grade::Noisy;
        for _ in 0..ATTEMPTS {
            grade = bench::grade(name)?;
            if grade != Grade::Noisy {
                break;
            }
        }
        let is_right = grade == Grade::Pass;
        wrong += usize::from(!is_right);
        match (is_right, grade) {
            (true, _) => say!("right benchmark {name}"),
            (false, Grade::Noisy) => {
                say!(
                    "WRONG benchmark {name}: too noisy, {ATTEMPTS} times. Stop what else runs, and try again"
                );
            }
            (false, _) => say!("WRONG benchmark {name}: the ratio is outside its range, see above"),
        }
    }
    Ok(wrong)
}
