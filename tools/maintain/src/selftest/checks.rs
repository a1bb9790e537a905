//! Proves that each check passes on its stage and fails if its task is not done.
//!
//! All variants are binaries of one package, in a workspace that shares dependencies and target folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail};
use course::Mistake;
use lab::tasks::{Program, Stage, Task, stages};
use testkit::say;
use testkit::{Binaries, Profile, Workspace};

use super::workspace;
use lab::build::{self, Verdict};
use lab::lock::Lock;
use lab::places::{Places, write_sources};
use lab::start;

const PACKAGE: &str = "selftest";
/// How many variants are checked concurrently.
const AT_ONCE: usize = 3;

/// A stage with tasks cut out, a stretch task done or a mistake applied, and what its checks must return.
struct Variant {
    name: String,
    stage: &'static Stage,
    patched: Vec<&'static Task>,
    mistake: Option<&'static Mistake>,
    proofs: Vec<Proof>,
}

/// What a check must return.
struct Proof {
    tasks: Vec<&'static Task>,
    passes: bool,
}

/// Runs all proofs `repeat` times and returns how many failed.
pub fn run(places: &Places, repeat: usize) -> anyhow::Result<usize> {
    let variants = variants();
    let started = Instant::now();
    let _lock = Lock::take(places, PACKAGE)?;
    let folder = places.kept(PACKAGE);
    write(places, &folder, &variants)?;
    let workspace = Workspace::at(folder).with_target(places.workspace.target()?);
    let Some(binaries) = workspace.try_build(Profile::Own, &[PACKAGE])? else {
        bail!("the variants of the stages do not build without warnings, see above. Try: git diff");
    };
    say!("{} variants built in {:.1} s", variants.len(), started.elapsed().as_secs_f32());
    let mut wrong = 0;
    for round in 1..=repeat {
        let started = Instant::now();
        wrong += run_round(&variants, &binaries)?;
        let seconds = started.elapsed().as_secs_f32();
        say!("round {round} of {repeat} in {seconds:.1} s, {wrong} wrong so far");
    }
    Ok(wrong)
}

fn variants() -> Vec<Variant> {
    let mut variants = Vec::new();
    for stage in stages() {
        let all: Vec<&Task> = stage.tasks.iter().collect();
        let mut proofs = vec![Proof { tasks: all.clone(), passes: true }];
        let alone = |task, passes| Proof { tasks: vec![task], passes };
        proofs.extend(stage.stretch.iter().map(|task| alone(task, false)));
        // The stage must not already pass the tasks of the next stage.
        if let Some(next) = Stage::find(stage.number + 1) {
            proofs.push(Proof { tasks: next.tasks.iter().collect(), passes: false });
        }
        let mut add = |name: String, patched, mistake, proofs| {
            variants.push(Variant { name, stage, patched, mistake, proofs });
        };
        add(stage.reference(), Vec::new(), None, proofs);
        for task in &all {
            add(format!("without {}", task.name), vec![task], None, vec![alone(task, false)]);
            let mistakes = stage.mistakes.iter().filter(|mistake| mistake.task == task.name);
            for (number, mistake) in mistakes.enumerate() {
                let name = format!("mistake {} {}", task.name, number + 1);
                add(name, Vec::new(), Some(mistake), vec![alone(task, false)]);
            }
        }
        for task in &stage.stretch {
            add(format!("with {}", task.name), vec![task], None, vec![alone(task, true)]);
        }
        let proofs = vec![Proof { tasks: all.clone(), passes: false }];
        add(format!("start {}", stage.number), all, None, proofs);
    }
    variants
}

impl Variant {
    /// The name of its binary and of its source folder.
    fn binary(&self) -> String {
        format!("{PACKAGE}-{}", self.name.replace([' ', '.'], "-"))
    }
}

/// Writes the workspace with the sources of all variants.
fn write(places: &Places, folder: &Path, variants: &[Variant]) -> anyhow::Result<()> {
    let package = places
        .read("work/Cargo.toml")?
        .replace("name = \"work\"", &format!("name = \"{PACKAGE}\"\nautobins = false"))
        // The sources that an attendee starts with must build without warnings.
        .replace("[lints]\nworkspace = true", "[lints.rust]\nwarnings = \"deny\"");
    let mut manifest = format!("{}\n\n{package}", workspace::manifest(places, ".")?);
    let mut files = BTreeMap::new();
    for variant in variants {
        let name = variant.binary();
        manifest.push_str(&format!("\n[[bin]]\nname = \"{name}\"\npath = \"{name}/main.rs\"\n"));
        let mut sources = start::patched(places, variant.stage, &variant.patched)?;
        if let Some(Mistake { task, right, wrong }) = variant.mistake {
            let text = sources.values_mut().find(|text| text.contains(right));
            let text = text.with_context(|| {
                format!(
                    "no source of task {task} has {right:?}. Try: lab/course/{}/stage.toml",
                    variant.stage.reference()
                )
            })?;
            *text = text.replacen(right, wrong, 1);
        }
        files.extend(sources.into_iter().map(|(file, text)| (format!("{name}/{file}"), text)));
    }
    files.insert("Cargo.toml".to_owned(), manifest);
    // The same versions as in the workspace; cargo then removes the unused ones.
    files.insert("Cargo.lock".to_owned(), places.read("Cargo.lock")?);
    write_sources(folder, &files)
}

/// Runs all proofs once, and returns how many failed.
fn run_round(variants: &[Variant], binaries: &Binaries) -> anyhow::Result<usize> {
    let next = AtomicUsize::new(0);
    let outcome = Mutex::new(Ok(0));
    let work = || {
        while let Some(variant) = variants.get(next.fetch_add(1, Ordering::Relaxed)) {
            let proved = prove(variant, binaries);
            if let Ok(mut outcome) = outcome.lock() {
                match (&mut *outcome, proved) {
                    (Ok(sum), Ok(wrong)) => *sum += wrong,
                    (Ok(_), Err(error)) => *outcome = Err(error),
                    (Err(_), _) => {}
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    outcome.into_inner().unwrap_or_else(|_| Ok(1))
}

/// Runs the proofs of one variant, and returns how many failed.
fn prove(variant: &Variant, binaries: &Binaries) -> anyhow::Result<usize> {
    let program = Program::Stage(binaries.path(&variant.binary())?.to_owned());
    let mut wrong = 0;
    for Proof { tasks, passes } in &variant.proofs {
        let verdicts = build::check(&program, tasks);
        let is_right = verdicts.iter().all(|(_, verdict)| matches!(verdict, Verdict::Pass)) == *passes;
        wrong += usize::from(!is_right);
        let stage = tasks.first().map_or_else(String::new, |task| match &tasks[..] {
            [task] => task.name.to_owned(),
            _ => task.stage().to_string(),
        });
        let word = if is_right { "right" } else { "WRONG" };
        let what = if *passes { "passes" } else { "fails" };
        let mut line = format!("{word} {:<12} {what} check {stage}", variant.name);
        for (task, verdict) in &verdicts {
            if let Verdict::Fail(seen) = verdict {
                let seen = seen.to_string().replace('\n', "\n      ");
                line.push_str(&format!("\n      {}: {seen}", task.name));
            }
        }
        say!("{line}");
    }
    Ok(wrong)
}
