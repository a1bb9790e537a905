//! The time that the codec takes for each case. It depends on other load of the machine; `guard` counts instructions
//! instead.

use benchmark::{CASES, Case, Workload};
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

#[divan::bench(args = CASES)]
fn codec(bencher: Bencher, case: &Case) {
    let mut workload = Workload::new(case);
    let bytes = BytesCount::new(workload.bytes());
    bencher.counter(bytes).bench_local(|| workload.run());
}
