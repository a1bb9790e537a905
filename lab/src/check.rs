//! `cargo lab check N`: builds work/ and checks its tasks from outside, as a client and a backend.

use std::fs;
use std::time::Instant;

use course::{Stage, Task, breakage, failure};
use stage::Failure;
use testkit::{COMMAND_LINE, Profile, Program, check_command_line, say};

use crate::build::{self, Checked};
use crate::lock::Lock;
use crate::places::{OrCannot, Places, binary, date_and_time, read_sources};
use crate::progress::Progress;
use crate::{hint, list, next, start, watch};

#[derive(clap::Args)]
pub struct Check {
    /// A stage, as 2, or a task, as 2.1; the stage in work/ without it
    #[arg(value_name = "N|N.K")]
    what: Option<String>,

    /// Check again after each change, one task after the other
    #[arg(long)]
    watch: bool,

    /// Check what this starts; it has {listen}, {backend}, {rpc}
    #[arg(long, value_name = "COMMAND")]
    cmd: Option<String>,
}

/// The exit code if a check failed.
const FAILED: i32 = 1;

/// One round of checks.
pub struct Round {
    pub results: Vec<(&'static Task, Checked)>,
    /// After it.
    pub progress: Progress,
    /// The larger task that work/ has a marker of.
    larger: Option<&'static Task>,
    seconds: f32,
}

pub fn run(check: &Check) -> Result<(), Failure> {
    let places = Places::find()?;
    // What is wrong with the command line is said before anything is built.
    check.tasks(&places)?;
    if let Some(line) = &check.cmd {
        check_command_line(line).map_err(|problem| Failure::usage(problem, COMMAND_LINE))?;
    }
    if check.watch {
        watch::watch(&places, check);
    }
    let is_done = match check.run_once(&places)? {
        Some(round) => show(check, &places, &round),
        None => {
            say!("next: fix it, then {}", check.command());
            false
        }
    };
    if !is_done {
        // Everything is printed, and the last line says what to do next.
        std::process::exit(FAILED);
    }
    Ok(())
}

impl Check {
    /// Whether work/ is checked, and no other program.
    pub fn is_of_work(&self) -> bool {
        self.cmd.is_none()
    }

    /// The command that was typed, without its flags.
    fn command(&self) -> String {
        ["cargo lab check"].into_iter().chain(self.what.as_deref()).collect::<Vec<_>>().join(" ")
    }

    /// The tasks of the argument or of the stage in work/. For a single task, also the tasks that it needs.
    fn tasks(&self, places: &Places) -> Result<Vec<&'static Task>, Failure> {
        let number = match &self.what {
            None => Progress::load(places).stage(),
            Some(what) => match what.parse() {
                Ok(number) => number,
                Err(_) => return Ok(hint::find_task(what)?.to_check()),
            },
        };
        Ok(start::find_stage(number)?.tasks.iter().collect())
    }

    /// The first task that has not passed.
    pub fn first_open(&self, places: &Places) -> Option<&'static Task> {
        let (tasks, progress) = (self.tasks(places).ok()?, Progress::load(places));
        tasks.into_iter().find(|task| !progress.done.contains(&task.name))
    }

    /// Builds and checks once; `None` if work/ does not build.
    pub fn run_once(&self, places: &Places) -> Result<Option<Round>, Failure> {
        // Held until the end, so that no other command replaces the sources or the binary under test.
        let _lock = if self.is_of_work() { Some(Lock::take(places, "work")?) } else { None };
        let tasks = self.tasks(places)?;
        let program = match &self.cmd {
            Some(line) => {
                say!("testing the command \"{line}\" on free ports");
                Program::Command(line.clone())
            }
            None => {
                let Some(binaries) = places.try_build(Profile::Own, &["work"])? else {
                    say!("work does not build, see above");
                    return Ok(None);
                };
                let original = binary(&binaries, "work")?;
                let binary = build::copy_of_work(places, original)?;
                let built = original.metadata().and_then(|metadata| metadata.modified());
                let (_, time) = date_and_time(built.or_cannot("tell the time of", original)?);
                say!("testing work ({}, built {time} UTC) on free ports", places.shown(&binary));
                Program::Stage(binary)
            }
        };
        let started = Instant::now();
        let results = build::check(&program, &tasks);
        let seconds = started.elapsed().as_secs_f32();
        if self.is_of_work() {
            let mut progress = Progress::open(places)?;
            for (task, result) in &results {
                match result {
                    Checked::Pass => progress.passed(&task.name),
                    Checked::Fail(_) => drop(progress.failed(&task.name)),
                    Checked::Skip(_) => {}
                }
            }
            progress.save()?;
        }
        let progress = Progress::load(places);
        let larger = if self.is_of_work() { larger_in(places, progress.stage()) } else { None };
        Ok(Some(Round { results, progress, larger, seconds }))
    }

    /// Whether a task that failed has passed before. A foreign proxy has no progress.
    pub fn is_broken(&self, round: &Round, task: &Task) -> bool {
        self.is_of_work() && round.progress.broken.contains(&task.name)
    }

    /// The task that is probably being worked on if this one has failed.
    pub fn suspect(&self, round: &Round, task: &'static Task) -> &'static Task {
        match round.larger.filter(|larger| larger.stage() == task.stage()) {
            Some(larger) => larger,
            None if self.is_broken(round, task) => open_task(&round.progress, task),
            None => task,
        }
    }

    /// How a task has failed.
    pub fn failure(&self, places: &Places, round: &Round, task: &'static Task, seen: &str) -> String {
        let (is_broken, suspect) = (self.is_broken(round, task), self.suspect(round, task));
        // A foreign proxy has no known source lines.
        let file = places.work_sources().join(&suspect.file);
        let source = self.is_of_work().then(|| fs::read_to_string(file).ok()).flatten();
        let mut message = match is_broken {
            true => breakage(task, seen, suspect, source.as_deref()),
            false => failure(task, seen, suspect, source.as_deref()),
        };
        if self.is_of_work() {
            let marks = next::marks_in(places);
            message.extend(
                marks.iter().map(|mark| format!("     open:    {mark}, a conflict left by cargo lab next\n")),
            );
        }
        message.trim_end().to_owned()
    }

    /// What to do if work/ holds another stage than that of the task.
    pub fn other_stage(&self, round: &Round, task: &Task) -> Option<String> {
        let (here, stage) = (round.progress.stage(), task.stage());
        let is_other = self.is_of_work() && here != stage;
        is_other.then(|| format!("work/ was filled with stage {here}; next: cargo lab start {stage}"))
    }
}

impl Round {
    /// The first task that failed, and what was seen.
    pub fn first_failed(&self) -> Option<(&'static Task, &str)> {
        self.results.iter().find_map(|(task, result)| match result {
            Checked::Fail(seen) => Some((*task, seen.as_str())),
            _ => None,
        })
    }
}

/// The larger task of this stage, if its marker is in work/.
fn larger_in(places: &Places, stage: u32) -> Option<&'static Task> {
    let larger = Stage::find(stage)?.larger.as_ref()?;
    let files = read_sources(&places.work_sources()).ok()?;
    files.values().any(|text| text.contains(&larger.marker())).then_some(larger)
}

/// The task that is probably being worked on: the first of the stage that has not passed yet, or else `broken`.
fn open_task(progress: &Progress, broken: &'static Task) -> &'static Task {
    let has_passed = |task: &Task| progress.done.contains(&task.name) || progress.broken.contains(&task.name);
    let stage = Stage::find(broken.stage());
    stage.and_then(|stage| stage.tasks.iter().find(|task| !has_passed(task))).unwrap_or(broken)
}

/// Prints all results, and returns whether all tasks passed.
fn show(check: &Check, places: &Places, round: &Round) -> bool {
    let mut counts = [0; 3];
    for (task, result) in &round.results {
        let index = match result {
            Checked::Pass => {
                say!("PASS {} {}", task.name, task.promise);
                0
            }
            Checked::Fail(seen) => {
                say!("{}", check.failure(places, round, task, seen));
                1
            }
            Checked::Skip(needed) => {
                say!("SKIP {} needs {needed}", task.name);
                2
            }
        };
        counts[index] += 1;
    }
    let ([passed, failed, skipped], seconds) = (counts, round.seconds);
    say!("{passed} passed, {failed} failed, {skipped} skipped in {seconds:.1} s");
    let Some((task, _)) = round.first_failed() else {
        let of_work = check.is_of_work().then(|| list::next(&round.progress));
        say!("next: {}", of_work.unwrap_or_else(|| "cargo lab list".to_owned()));
        return true;
    };
    let what = if check.is_broken(round, task) { "what you changed last" } else { &task.name };
    let fix = || format!("next: fix {what}, then {}", check.command());
    say!("{}", check.other_stage(round, task).unwrap_or_else(fix));
    false
}
