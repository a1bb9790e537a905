//! `cargo lab restore`: brings back what another command has replaced in work/src.

use std::path::Path;

use stage::Failure;
use testkit::say;
use testkit::text::wrap;

use crate::backup;
use crate::lock::Lock;
use crate::places::{OrCannot, Places};
use crate::progress::Progress;
use crate::sources;

#[derive(clap::Args)]
pub struct Restore {
    /// The name of a backup; the newest one without it
    name: Option<String>,
}

/// The most backups that are listed.
const MOST_LISTED: usize = 9;

pub fn run(restore: &Restore) -> Result<(), Failure> {
    let places = Places::find()?;
    let _lock = Lock::take(&places, "work")?;
    let mut progress = Progress::open(&places)?;
    let backups = places.kept("backup");
    let names = backup::names(&backups);
    let name = choose(restore.name.as_deref(), &names)?;
    let chosen = backups.join(name);
    let folder = places.work_sources();
    let new = places.empty("new")?;
    backup::copy_files(&chosen, &new).or_cannot("copy", &chosen)?;
    let replaced = backup::replace(&folder, &folder, &new, &backups, progress.stage())?;
    progress.begin(backup::stage_of(name).unwrap_or(progress.stage()));
    progress.save()?;

    // A link may lead somewhere only from here.
    let files: Vec<String> = sources::files(&folder).unwrap_or_default().into_keys().collect();
    say!("{}", wrap(&format!("work/src holds {name} again: {}", files.join(", ")), "").trim_end());
    if let Some(replaced) = replaced {
        say!("what was there is kept in {}", places.shown(&replaced));
    }
    let others: Vec<&String> = names.iter().filter(|other| *other != name).collect();
    if !others.is_empty() {
        say!("other backups, the newest first:");
    }
    for other in others.iter().take(MOST_LISTED) {
        say!("     {other}");
    }
    if let Some(older) = others.len().checked_sub(MOST_LISTED).filter(|older| *older > 0) {
        say!("     and {older} older ones in {}", places.shown(&backups));
    }
    say!("next: cargo lab check {}, or another one: cargo lab restore NAME", progress.stage());
    Ok(())
}

/// The backup that the argument names, which may be its path, or the newest one.
fn choose<'a>(given: Option<&str>, names: &'a [String]) -> Result<&'a String, Failure> {
    let Some(given) = given else {
        let none = || Failure::new("nothing was ever replaced, so there is no backup", "cargo lab list");
        return names.first().ok_or_else(none);
    };
    let name = Path::new(given).file_name().and_then(|name| name.to_str()).unwrap_or(given);
    let found = names.iter().find(|other| *other == name);
    found.ok_or_else(|| Failure::usage(format!("there is no backup {given:?}"), "ls .lab/backup"))
}
