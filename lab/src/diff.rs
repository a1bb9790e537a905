//! `cargo lab diff`: the changes between the sources of two stages.
//!
//! The difference between two stages is a lesson, so it must be readable: changed files come first, new files are shown
//! completely after them, and unchanged files are only named. The output is a unified diff, which other tools can read.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::places::{OrCannot, Places};
use crate::{sources, stdout};
use similar::{ChangeTag, TextDiff};
use stage::Failure;

#[derive(clap::Args)]
pub struct Diff {
    /// The number of a stage, or `work`
    #[arg(value_name = "A")]
    old: String,

    /// The number of the stage that it is compared with, or `work`
    #[arg(value_name = "B")]
    new: String,

    /// Print only the numbers of added and removed lines of each file
    #[arg(long)]
    stat: bool,
}

/// The number of unchanged lines around a change.
const CONTEXT_LINES: usize = 3;

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const DEFAULT: &str = "\x1b[0m";

/// A file of one stage or of both.
struct Compared {
    name: String,
    /// The contents; `None` if the file does not exist.
    old: Option<String>,
    new: Option<String>,
}

pub fn run(diff: &Diff) -> Result<(), Failure> {
    let places = Places::find()?;
    let (old, new) = (crate_name(&places, &diff.old)?, crate_name(&places, &diff.new)?);
    let files = compare(&sources_of(&places, &old), &sources_of(&places, &new))?;
    let mut out = io::stdout().lock();
    let written = if diff.stat {
        write_stat(&mut out, &files)
    } else {
        let is_coloured = out.is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        write_diff(&mut out, &files, (&old, &new), is_coloured)
    };
    stdout::written(written)
}

/// The crate that a number or `work` names.
fn crate_name(places: &Places, given: &str) -> Result<String, Failure> {
    let name = match given {
        "work" => given.to_owned(),
        _ if given.parse::<u32>().is_ok() => format!("part{given}"),
        _ => return Err(Failure::usage(format!("{given} is not a stage"), "cargo lab diff 1 2")),
    };
    if sources_of(places, &name).is_dir() {
        return Ok(name);
    }
    Err(Failure::usage(format!("there is no {name}/src"), "cargo lab diff 1 2"))
}

fn sources_of(places: &Places, name: &str) -> PathBuf {
    places.root().join(name).join("src")
}

/// The files of both folders: first those that both have, then those that only one has; by name.
fn compare(old: &Path, new: &Path) -> Result<Vec<Compared>, Failure> {
    let of = |folder: &Path| sources::files(folder).or_cannot("read", folder);
    let (old, new) = (of(old)?, of(new)?);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let compare = |name: &String| -> Result<Compared, Failure> {
        let (old, new) = (read(old.get(name))?, read(new.get(name))?);
        Ok(Compared { old, new, name: name.clone() })
    };
    let mut files = names.into_iter().map(compare).collect::<Result<Vec<Compared>, Failure>>()?;
    // A short change in an old file would be overlooked after a long new file.
    files.sort_by_key(|file| file.old.is_none() || file.new.is_none());
    Ok(files)
}

fn read(path: Option<&PathBuf>) -> Result<Option<String>, Failure> {
    let Some(path) = path else {
        return Ok(None);
    };
    let bytes = fs::read(path).or_cannot("read", path)?;
    // The text is only shown. A file that is not UTF-8 does not build, and rustc reports it.
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

impl Compared {
    fn is_same(&self) -> bool {
        self.old == self.new
    }

    fn diff(&self) -> TextDiff<'_, '_, '_, str> {
        let (old, new) = (self.old.as_deref(), self.new.as_deref());
        TextDiff::from_lines(old.unwrap_or_default(), new.unwrap_or_default())
    }

    /// The numbers of added and removed lines.
    fn counts(&self) -> (usize, usize) {
        let diff = self.diff();
        let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
        (count(ChangeTag::Insert), count(ChangeTag::Delete))
    }
}

fn write_diff(
    out: &mut impl Write,
    files: &[Compared],
    (old, new): (&str, &str),
    is_coloured: bool,
) -> io::Result<()> {
    for file in files.iter().filter(|file| !file.is_same()) {
        let name = &file.name;
        // Diff tools use /dev/null for a missing file.
        let path = |contents: &Option<String>, side: &str| match contents {
            Some(_) => format!("{side}/src/{name}"),
            None => "/dev/null".to_owned(),
        };
        let (from, to) = (path(&file.old, old), path(&file.new, new));
        let diff = file.diff();
        let text = diff.unified_diff().context_radius(CONTEXT_LINES).header(&from, &to).to_string();
        for (number, line) in text.lines().enumerate() {
            let colour = match line.as_bytes().first() {
                // The names of the two files.
                _ if number < 2 => BOLD,
                Some(b'+') => GREEN,
                Some(b'-') => RED,
                _ => "",
            };
            match is_coloured && !colour.is_empty() {
                true => writeln!(out, "{colour}{line}{DEFAULT}")?,
                false => writeln!(out, "{line}")?,
            }
        }
    }
    let same: Vec<&str> = files.iter().filter(|file| file.is_same()).map(|file| file.name.as_str()).collect();
    if !same.is_empty() {
        writeln!(out, "The same in {old} and {new}: {}", same.join(", "))?;
    }
    Ok(())
}

fn write_stat(out: &mut impl Write, files: &[Compared]) -> io::Result<()> {
    const SUMS: [&str; 2] = ["old files", "new files"];
    let widest = files.iter().map(|file| file.name.len()).chain(SUMS.map(str::len)).max().unwrap_or_default();
    let mut line = |name: &str, (added, removed): (usize, usize), note: &str| {
        let text = format!("{name:widest$} {:>6} {:>6}{note}", format!("+{added}"), format!("-{removed}"));
        writeln!(out, "{text}")
    };
    let mut sums = [(0, 0); 2];
    for file in files {
        let counts = file.counts();
        let is_new = file.old.is_none();
        let sum = &mut sums[usize::from(is_new)];
        *sum = (sum.0 + counts.0, sum.1 + counts.1);
        let note = match (is_new, &file.new) {
            (true, _) => " (new)",
            (_, None) => " (gone)",
            _ if file.is_same() => " (the same)",
            _ => "",
        };
        line(&file.name, counts, note)?;
    }
    for (name, counts) in SUMS.into_iter().zip(sums) {
        line(name, counts, &format!(" ({} in all)", counts.0 + counts.1))?;
    }
    Ok(())
}
