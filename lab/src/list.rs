//! `cargo lab list`: the stages, their tasks, and which tasks are done.

use course::{Task, all, stages};
use stage::Failure;
use testkit::say;

use crate::places::Places;
use crate::progress::Progress;

pub fn run() -> Result<(), Failure> {
    let progress = Progress::load(&Places::find()?);
    for stage in stages() {
        say!("{}  {}", stage.number, stage.title);
        let is_done = |task: &Task| progress.done.contains(&task.name);
        let small = stage.tasks.iter().chain(&stage.stretch).map(|task| (task, is_done(task)));
        let larger = stage.larger.iter().map(|larger| (larger, stage.tasks.iter().all(is_done)));
        for (task, is_done) in small.chain(larger) {
            let state = if is_done { "done" } else { "    " };
            say!("   {:<5} {state}  {:<54} {:>3} min", task.name, task.title, task.minutes);
        }
    }
    let done = all().filter(|task| progress.done.contains(&task.name)).count();
    let minutes: u32 = all().map(|task| task.minutes).sum();
    say!("");
    say!("you: {done} of {} tasks; all take {minutes} minutes", all().count());
    let here = progress.stage();
    say!("work/ was filled with the start of stage {here}");
    say!("next: {}", next(&progress));
    Ok(())
}

/// The next command to type: the check of the stage in work/, the start of the next stage, or a look back.
pub fn next(progress: &Progress) -> String {
    let here = progress.stage();
    let is_open = |number: u32| {
        let mut tasks = stages().iter().filter(|stage| stage.number == number).flat_map(|stage| &stage.tasks);
        tasks.any(|task| !progress.done.contains(&task.name))
    };
    if is_open(here) {
        return format!("cargo lab check {here}");
    }
    // One's own code goes on, also if an earlier stage was left out.
    if is_open(here + 1) {
        return "cargo lab next".to_owned();
    }
    match stages().iter().map(|stage| stage.number).find(|&number| is_open(number)) {
        Some(number) => format!("cargo lab start {number}"),
        None => format!("cargo lab diff work {here}"),
    }
}
