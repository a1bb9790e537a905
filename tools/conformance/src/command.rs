//! The command that runs the cases: which proxies, what is printed, and the exit code.

use std::fmt::Write;
use std::time::Instant;

use stage::{Failure, parse_number};

use crate::case::written_out;
use crate::column::Column;
use crate::subject::{build, peers};
use crate::verdict::shortened;
use crate::{Row, Subject, Verdict, cases, matrix, run};
use testkit::{COMMAND_LINE, MAX_STAGE, check_command_line};

/// The flags of `cargo maintain conform`.
#[derive(clap::Args)]
pub struct Conform {
    /// Run only this stage [default: all]
    #[arg(long, value_name = "N", conflicts_with = "cmd", value_parser = parse_number::<u32, 0, MAX_STAGE>)]
    stage: Option<u32>,

    /// Another proxy: a command line with {listen} and {backend}
    #[arg(long, value_name = "COMMAND")]
    cmd: Option<String>,

    /// Also run nginx, HAProxy and Go's ReverseProxy, if installed
    #[arg(long)]
    peers: bool,

    /// Print the page docs/src/conformance.md
    #[arg(long)]
    markdown: bool,

    /// Run only the cases with this text in their names
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,

    /// Show what was sent and what came back for every case
    #[arg(long)]
    verbose: bool,
}

/// Runs the command.
///
/// # Errors
/// A stage or the proxy of `--cmd` fails a case, or something cannot be built or started.
pub fn command(conform: &Conform) -> Result<(), Failure> {
    if !cases().any(|case| case.name.contains(&conform.only)) {
        let problem = format!("no case has {:?} in its name", conform.only);
        return Err(Failure::usage(problem, "cargo maintain conform --only chunk"));
    }
    if let Some(line) = &conform.cmd {
        check_command_line(line).map_err(|problem| Failure::usage(problem, COMMAND_LINE))?;
    }
    let mut columns = Vec::new();
    for subject in subjects(conform)? {
        let started = Instant::now();
        let rows = run(&subject, &conform.only);
        let column = Column { subject, rows, elapsed: started.elapsed() };
        if !conform.markdown {
            print(&column, conform.verbose);
        }
        eprintln!("{}", column.summary());
        columns.push(column);
    }
    if conform.markdown {
        print!("{}", matrix::page(&columns));
    }
    let judged = columns.iter().filter(|column| column.subject.is_stage() || conform.cmd.is_some());
    let failures: usize = judged.map(|column| column.failed()).sum();
    if failures > 0 {
        return Err(Failure::new(
            format!("{failures} cases failed"),
            "cargo maintain conform --verbose --only NAME, with the name of one of them",
        ));
    }
    Ok(())
}

fn subjects(conform: &Conform) -> Result<Vec<Subject>, Failure> {
    let mut subjects = match (&conform.cmd, conform.stage) {
        (Some(command_line), _) => vec![Subject::command("cmd", command_line, 2)],
        (None, Some(number)) => build(&[number])?,
        (None, None) => build(&[])?,
    };
    if conform.peers {
        subjects.extend(peers());
    }
    Ok(subjects)
}

fn print(column: &Column, verbose: bool) {
    for row in &column.rows {
        let (word, problems) = match &row.verdict {
            Verdict::Pass => ("PASS", &[][..]),
            Verdict::NotApplicable => ("skip", &[][..]),
            Verdict::Otherwise(came) => ("OTHER", &[format!("it was refused, but with: {came}")][..]),
            Verdict::Fail(problems) => ("FAIL", &problems[..]),
        };
        println!("{word:5} {} {} ({})", column.subject.name, row.case.name, row.case.section);
        for problem in problems {
            println!("        {problem}");
        }
        if verbose || word == "FAIL" {
            print!("{}", seen(row));
        }
    }
}

/// What was sent, what came back, and what reached the backend.
pub(crate) fn seen(row: &Row) -> String {
    let mut text = format!("        sent \"{}\"\n", shortened(written_out(row.case.sends).as_bytes()));
    let Some(outcome) = &row.outcome else {
        return text;
    };
    for response in &outcome.responses {
        // Writing to a `String` does not fail.
        let _ = writeln!(
            text,
            "        came back \"{}{}\" {:?}",
            shortened(&response.head.raw),
            shortened(&response.body),
            response.ended
        );
    }
    let _ = writeln!(text, "        then \"{}\" {:?}", shortened(&outcome.rest), outcome.end);
    let _ = writeln!(text, "        at the backend \"{}\"", shortened(&outcome.bytes));
    text
}
