//! Runs a case TIMES times, for `guard`, which counts the instructions: `count CASE TIMES`. Without arguments it lists
//! the cases, each with the bytes of its message.

use benchmark::{CASES, Workload};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, times] = &arguments[..] else {
        for case in &CASES {
            println!("{case} {}", Workload::new(case).bytes());
        }
        return;
    };
    let case = CASES.iter().find(|case| case.name == name).expect("the name of a case");
    let times: usize = times.parse().expect("a number of times");
    let mut workload = Workload::new(case);
    for _ in 0..times {
        workload.run();
    }
}
