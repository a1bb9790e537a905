//! The complete list as tests of one stage, filtered and printed like those of `cargo test`.

use std::env;
use std::fs;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::thread;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::behaviours::GROUPS;
use crate::{Case, Subject, Verdict, cases, command, verdict};

/// The variable with the command line of another proxy, which is tested instead of the stage.
const FOREIGN: &str = "LAB_PROXY";

/// Tests the stage with this name: the `main` of its `tests/suite.rs`, without libtest's harness.
///
/// # Panics
/// `lab/course` describes no stage with this name, so its abilities are unknown. The binary cannot be copied.
pub fn test_stage(name: &str, binary: impl AsRef<Path>) -> ExitCode {
    let stage = course::stages().iter().find(|stage| stage.reference() == name);
    let number = stage.unwrap_or_else(|| panic!("lab/course does not describe {name}")).number;
    let subject = match env::var(FOREIGN) {
        Ok(command_line) => Subject::command("foreign", &command_line, number),
        Err(_) => {
            Subject::stage(number, copy(binary.as_ref()).unwrap_or_else(|error| panic!("{name}: {error}")))
        }
    };
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert_with(test_threads);
    libtest_mimic::run(&arguments, trials(&subject)).exit_code()
}

/// Copies the binary of the stage, because cargo may replace the original while the tests run: another build of the same
/// stage removes it for an instant.
fn copy(binary: &Path) -> io::Result<PathBuf> {
    let folder = env::current_exe()?.with_extension("stage");
    let copy = folder.join(binary.file_name().unwrap_or_default());
    let unfinished = folder.join(process::id().to_string());
    fs::create_dir_all(&folder)?;
    fs::copy(binary, &unfinished)?;
    fs::rename(&unfinished, &copy)?;
    Ok(copy)
}

/// Four times as many as cores, because most of the time is spent in waiting for timeouts of the proxy.
fn test_threads() -> usize {
    thread::available_parallelism().map_or(4, |cores| 4 * cores.get())
}

/// One test for each behaviour and case that applies. The behaviours come first, and those of later stages before the
/// others: the longest waits are among them, and the cases are short enough to run beside each.
fn trials(subject: &Subject) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (group, needs, behaviours) in GROUPS.iter().rev() {
        for behaviour in behaviours.iter().filter(|_| subject.meets(*needs)) {
            let subject = subject.clone();
            let (run, is_ignored) = (behaviour.run, behaviour.of_stages && !subject.is_stage());
            let trial = Trial::test(format!("{group}::{}", behaviour.name), move || {
                run(&subject);
                Ok(())
            });
            trials.push(trial.with_ignored_flag(is_ignored));
        }
    }
    for case in cases().filter(|case| subject.meets(case.needs)) {
        let subject = subject.clone();
        let name = format!("cases::{}", case.name.replace('-', "_"));
        trials.push(Trial::test(name, move || test_case(&subject, case)));
    }
    trials
}

/// Whether a proxy passes the behaviour `group::name`; `None` if it does not exist. Panics are not printed.
pub fn behaves(subject: &Subject, name: &str) -> Option<bool> {
    let (group, name) = name.rsplit_once("::")?;
    let (_, _, behaviours) = GROUPS.iter().find(|(known, ..)| *known == group)?;
    let behaviour = behaviours.iter().find(|behaviour| behaviour.name == name)?;
    let report = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let behaves = panic::catch_unwind(AssertUnwindSafe(|| (behaviour.run)(subject))).is_ok();
    panic::set_hook(report);
    Some(behaves)
}

fn test_case(subject: &Subject, case: &'static Case) -> Result<(), Failed> {
    let row = verdict::row(subject, case);
    let problems = match &row.verdict {
        Verdict::Pass | Verdict::NotApplicable => return Ok(()),
        Verdict::Otherwise(came) => vec![format!("it was refused, but with: {came}")],
        Verdict::Fail(problems) => problems.clone(),
    };
    Err(Failed::from(format!("{}: {}\n{}", case.section, problems.join("; "), command::seen(&row))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_tests_its_binary_although_another_build_replaces_it() {
        let original = env::temp_dir().join(format!("suite-{}", process::id()));
        fs::write(&original, "built").expect("a file");
        let tested = copy(&original).expect("a copy");
        fs::remove_file(&original).expect("the original");
        assert_eq!(fs::read(&tested).expect("the copy"), b"built");
        assert_eq!(tested.file_name(), original.file_name(), "programs print their own names");
        let _ = fs::remove_file(tested);
    }
}
