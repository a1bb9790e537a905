//! The variants of the stages that the checks are proved on, and how they are built.
//!
//! All variants of a stage are modules of one binary, so that what they share is compiled and linked once. The
//! binary runs the variant whose name it is started by: each variant has a hard link to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use course::{Mistake, Stage, Task, stages};
use lab::places::{OrCannot, Places, binary, write_sources};
use lab::start;
use stage::Failure;
use testkit::{Binaries, Profile, Program, Workspace, say};

use super::workspace;

/// The package that holds the variants.
const PACKAGE: &str = "selftest";

/// What an attendee starts with must build without warnings. Debug information would take a seventh of the time.
const SETTINGS: &str = "[lints.rust]
warnings = \"deny\"

[profile.dev.package.selftest]
debug = false";

/// A stage with tasks cut out, a stretch task done or a mistake applied, and what its checks must return.
pub struct Variant {
    pub name: String,
    stage: &'static Stage,
    patched: Vec<&'static Task>,
    mistake: Option<&'static Mistake>,
    pub proofs: Vec<Proof>,
}

/// What the check of tasks must return.
pub struct Proof {
    /// What is checked, as an attendee types it.
    pub what: String,
    pub tasks: Vec<&'static Task>,
    pub expected: Expected,
}

/// The expected verdict.
#[derive(Clone, Copy)]
pub enum Expected {
    Pass,
    /// The message contains these words.
    Fail(&'static str),
}

/// The variants of all stages.
pub fn all() -> Vec<Variant> {
    stages().iter().flat_map(of_stage).collect()
}

fn of_stage(stage: &'static Stage) -> Vec<Variant> {
    let mut variants = Vec::new();
    let all: Vec<&Task> = stage.tasks.iter().collect();
    let mut add = |name: String, patched, mistake, proofs| {
        variants.push(Variant { name, stage, patched, mistake, proofs });
    };
    let mut proofs = vec![Proof::of_stage(stage, Expected::Pass)];
    proofs.extend(stage.stretch.iter().map(Proof::fails));
    // The stage must not already pass the tasks of the next stage.
    proofs.extend(Stage::find(stage.number + 1).map(|next| Proof::of_stage(next, Expected::Fail(""))));
    add(stage.reference(), Vec::new(), None, proofs);
    for task in &all {
        add(format!("without {}", task.name), vec![task], None, vec![Proof::fails(task)]);
    }
    for task in stage.tasks.iter().chain(&stage.stretch) {
        // The start of the stage, with only this task and those that it needs done.
        let done = task.to_check();
        let is_open = |other: &&Task| done.iter().all(|task| task.name != other.name);
        let mut patched: Vec<&Task> = all.iter().copied().filter(is_open).collect();
        patched.extend(task.is_stretch().then_some(task));
        let proof = Proof { what: task.name.clone(), tasks: done, expected: Expected::Pass };
        add(format!("only {}", task.name), patched, None, vec![proof]);

        let mistakes = stage.mistakes.iter().filter(|mistake| mistake.task == task.name);
        for (number, mistake) in (1..).zip(mistakes) {
            let proof = Proof { expected: Expected::Fail(&mistake.says), ..Proof::fails(task) };
            add(format!("mistake {} {number}", task.name), Vec::new(), Some(mistake), vec![proof]);
        }
    }
    if let Some(larger) = &stage.larger {
        let proofs = stage.tasks.iter().map(Proof::fails).collect();
        add(format!("start {}", larger.name), vec![larger], None, proofs);
    }
    add(format!("start {}", stage.number), all, None, vec![Proof::of_stage(stage, Expected::Fail(""))]);
    variants
}

impl Proof {
    fn of_stage(stage: &'static Stage, expected: Expected) -> Proof {
        Proof { what: stage.number.to_string(), tasks: stage.tasks.iter().collect(), expected }
    }

    /// The check of the task alone fails.
    fn fails(task: &'static Task) -> Proof {
        Proof { what: task.name.clone(), tasks: vec![task], expected: Expected::Fail("") }
    }
}

impl Variant {
    /// The name of its module.
    fn module(&self) -> String {
        self.name.replace([' ', '.'], "_")
    }

    /// The declaration of its module.
    fn declaration(&self) -> String {
        // A mistake may have warnings.
        let allowed = if self.mistake.is_some() { "#[allow(warnings)]\n" } else { "" };
        format!("{allowed}mod {};\n", self.module())
    }

    /// Its sources, by their names below the folder of its stage.
    fn sources(&self, places: &Places) -> Result<BTreeMap<String, String>, Failure> {
        let mut sources = start::patched(places, self.stage, &self.patched)?;
        for (right, wrong) in self.mistake.iter().flat_map(|mistake| &mistake.edits) {
            let is_in = sources.values().map(|text| text.matches(right.as_str()).count()).sum::<usize>();
            if is_in != 1 {
                let problem =
                    format!("{}: the sources have {is_in} times {right:?}, need it once", self.name);
                return Err(Failure::new(
                    problem,
                    format!("lab/course/{}/stage.toml", self.stage.reference()),
                ));
            }
            sources.values_mut().for_each(|text| *text = text.replace(right, wrong));
        }
        let module = self.module();
        let file = |(name, text): (String, String)| {
            let text = text.replace("crate::", &format!("crate::{module}::"));
            match name.as_str() {
                "main.rs" => (format!("{module}/mod.rs"), text.replace("fn main()", "pub fn main()")),
                _ => (format!("{module}/{name}"), text),
            }
        };
        Ok(sources.into_iter().map(file).collect())
    }

    /// Its program.
    pub fn program(&self, binaries: &Binaries) -> Result<Program, Failure> {
        let binary = binary(binaries, &binary_name(self.stage))?;
        let link = binary.with_file_name(format!("{PACKAGE}-{}", self.module()));
        // The link of an earlier build holds the old binary.
        let _ = fs::remove_file(&link);
        fs::hard_link(binary, &link).or_cannot("link", &link)?;
        Ok(Program::Stage(link))
    }
}

/// The name of the binary that holds the variants of a stage.
fn binary_name(stage: &Stage) -> String {
    format!("{PACKAGE}-stage-{}", stage.number)
}

/// Builds the variants.
pub fn build(places: &Places, variants: &[Variant]) -> Result<Vec<Program>, Failure> {
    let started = Instant::now();
    let folder = places.kept(PACKAGE);
    write(places, &folder, variants)?;
    let variants_of = Places { workspace: Workspace::at(folder).with_target(places.target()?) };
    let Some(binaries) = variants_of.try_build(Profile::Own, &[PACKAGE])? else {
        let problem = "the variants of the stages do not build without warnings, see above";
        return Err(Failure::new(problem, "git diff"));
    };
    say!("{} variants built in {:.1} s", variants.len(), started.elapsed().as_secs_f32());
    variants.iter().map(|variant| variant.program(&binaries)).collect()
}

/// Writes the workspace with the sources of all variants.
fn write(places: &Places, folder: &Path, variants: &[Variant]) -> Result<(), Failure> {
    let mut manifest = workspace::manifest(places)?
        .replacen(
            "name = \"work\"",
            &format!(
                "name = \"{PACKAGE}\"
autobins = false"
            ),
            1,
        )
        .replace(
            "[[bin]]
name = \"work\"
path = \"work/src/main.rs\"
",
            "",
        )
        .replace(
            "[lints]
workspace = true",
            SETTINGS,
        );
    let mut files = BTreeMap::new();
    for stage in stages() {
        let of_stage: Vec<&Variant> =
            variants.iter().filter(|variant| variant.stage.number == stage.number).collect();
        let (reference, name) = (stage.reference(), binary_name(stage));
        manifest.push_str(&format!("\n[[bin]]\nname = \"{name}\"\npath = \"{reference}/main.rs\"\n"));
        files.insert(format!("{reference}/main.rs"), main(&of_stage));
        for variant in of_stage {
            let sources = variant.sources(places)?;
            files.extend(sources.into_iter().map(|(file, text)| (format!("{reference}/{file}"), text)));
        }
    }
    files.insert("Cargo.toml".to_owned(), manifest);
    // The same versions as in the workspace; cargo then removes the unused ones.
    files.insert("Cargo.lock".to_owned(), places.read("Cargo.lock")?);
    write_sources(folder, &files)
}

/// The `main.rs` of a binary with these variants.
fn main(variants: &[&Variant]) -> String {
    let modules: String = variants.iter().map(|variant| variant.declaration()).collect();
    let arm = |variant: &&Variant| {
        let module = variant.module();
        format!("        Some(\"{PACKAGE}-{module}\") => {module}::main(),\n")
    };
    let arms: String = variants.iter().map(arm).collect();
    format!(
        "{modules}
fn main() -> std::process::ExitCode {{
    let program = std::env::args_os().next().unwrap_or_default();
    match std::path::Path::new(&program).file_stem().and_then(|name| name.to_str()) {{
{arms}        _ => panic!(\"no variant has this name\"),
    }}
}}
"
    )
}
