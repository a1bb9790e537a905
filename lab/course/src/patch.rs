//! Applies a unified diff. Attendees may have neither `patch` nor `git`.
//!
//! A hunk must match exactly but may have moved, because other patches change the number of lines before it.

use std::fmt::Write;

/// A run of changes, with the lines around it.
#[derive(Default)]
struct Hunk<'a> {
    /// Its first line in the old file, counted from 0.
    start: usize,
    old: Vec<&'a str>,
    new: Vec<&'a str>,
}

/// The parts of a patch, each with the name below `src` of the file that it changes.
pub fn by_file(patch: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = patch.split("--- part").skip(1);
    parts.filter_map(|part| part.split_once("+++ work/src/")?.1.split_once('\n'))
}

/// Applies a patch to the text of its file.
///
/// # Errors
/// The patch is invalid or does not match the text.
pub fn apply(text: &str, patch: &str) -> Result<String, String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut moved = 0;
    for hunk in parse(patch)? {
        let expected = hunk.start.saturating_add_signed(moved);
        let place = find(&lines, &hunk.old, expected).ok_or_else(|| {
            let first = hunk.old.first().copied().unwrap_or_default();
            format!("the patch does not fit at line {}: {first:?}", expected + 1)
        })?;
        moved += (place as isize - expected as isize) + (hunk.new.len() as isize - hunk.old.len() as isize);
        lines.splice(place..place + hunk.old.len(), hunk.new);
    }
    let mut patched = String::new();
    for line in lines {
        // Writing to a `String` does not fail.
        let _ = writeln!(patched, "{line}");
    }
    Ok(patched)
}

/// The position nearest to `expected` at which these lines occur.
fn find(lines: &[&str], wanted: &[&str], expected: usize) -> Option<usize> {
    let last = lines.len().checked_sub(wanted.len())?;
    let stands = |&place: &usize| &lines[place..place + wanted.len()] == wanted;
    (0..=last).filter(stands).min_by_key(|place| place.abs_diff(expected))
}

fn parse(patch: &str) -> Result<Vec<Hunk<'_>>, String> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let body = patch.lines().skip_while(|line| !line.starts_with("@@"));
    for line in body {
        if let Some(header) = line.strip_prefix("@@ -") {
            let number = header.split([',', ' ']).next().and_then(|number| number.parse::<usize>().ok());
            let number = number.ok_or_else(|| format!("not valid in a patch: {line:?}"))?;
            hunks.push(Hunk { start: number.saturating_sub(1), ..Hunk::default() });
            continue;
        }
        let Some(hunk) = hunks.last_mut() else {
            continue;
        };
        match line.split_at_checked(1) {
            Some(("-", old)) => hunk.old.push(old),
            Some(("+", new)) => hunk.new.push(new),
            Some((" ", both)) => {
                hunk.old.push(both);
                hunk.new.push(both);
            }
            // Some editors remove the space from an otherwise empty line.
            None => {
                hunk.old.push("");
                hunk.new.push("");
            }
            Some(_) => return Err(format!("not valid in a patch: {line:?}")),
        }
    }
    match hunks.is_empty() {
        true => Err("the patch is empty".to_owned()),
        false => Ok(hunks),
    }
}
