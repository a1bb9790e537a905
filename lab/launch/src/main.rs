//! What `cargo lab` runs: it builds the tool `lab`, and starts it with the same arguments.
//!
//! `cargo run -p lab` would say `Finished` and `Running` before each answer. With `-q` a first build, which takes a
//! minute, would say nothing at all. This program has a profile of its own, and so a folder of its own in which no
//! other build is waited for without a word.

use std::env::{self, consts::EXE_SUFFIX};
use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitCode, Stdio};

/// The exit code of cargo if a package does not build.
const NOT_BUILT: u8 = 101;

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("error: cannot start the tool: {error}. Try: cargo run -p lab -- doctor");
        ExitCode::FAILURE
    })
}

fn run() -> io::Result<ExitCode> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut build = Command::new(cargo).args(["build", "-p", "lab"]).stderr(Stdio::piped()).spawn()?;
    if let Some(stderr) = build.stderr.take() {
        launch::relay(stderr);
    }
    if !build.wait()?.success() {
        return Ok(ExitCode::from(NOT_BUILT));
    }
    // Both are in the same target folder, each in that of its profile.
    let this = env::current_exe()?;
    let target = this.parent().and_then(|profile| profile.parent()).unwrap_or(&this);
    let mut lab = Command::new(target.join("debug").join(format!("lab{EXE_SUFFIX}")));
    start(lab.args(env::args_os().skip(1)))
}

/// Becomes the tool, so that it has the process id that the caller knows.
#[cfg(unix)]
fn start(lab: &mut Command) -> io::Result<ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(lab))
}

/// The same for other systems.
#[cfg(not(unix))]
fn start(lab: &mut Command) -> io::Result<ExitCode> {
    let code = lab.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
