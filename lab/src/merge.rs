//! Merges two changes of one text, line by line: what only one side has changed is taken from that side.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// A run of lines of the merged text.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Lines that both sides agree on, or that one side has changed.
    Merged(Vec<&'a str>),
    /// Lines that both sides have changed.
    Conflict { ours: Vec<&'a str>, theirs: Vec<&'a str> },
}

/// Merges the changes from `base` to `ours` and from `base` to `theirs`.
pub fn merge<'a>(base: &'a str, ours: &'a str, theirs: &'a str) -> Vec<Part<'a>> {
    let [base, ours, theirs] = [base, ours, theirs].map(|text| text.lines().collect::<Vec<&str>>());
    let (in_ours, in_theirs) = (places(&base, &ours), places(&base, &theirs));
    let mut parts = Vec::new();
    // How far each of the three texts is merged.
    let (mut b, mut o, mut t) = (0, 0, 0);
    // A line that all three have ends a run; so does the end of the texts.
    let anchors = (0..base.len()).filter_map(|line| Some((line, in_ours[line]?, in_theirs[line]?)));
    for (base_end, our_end, their_end) in anchors.chain([(base.len(), ours.len(), theirs.len())]) {
        push(&mut parts, resolve(&base[b..base_end], &ours[o..our_end], &theirs[t..their_end]));
        if let Some(line) = base.get(base_end) {
            push(&mut parts, Part::Merged(vec![line]));
        }
        (b, o, t) = (base_end + 1, our_end + 1, their_end + 1);
    }
    parts
}

/// The place of each line of `base` in the other text.
fn places(base: &[&str], other: &[&str]) -> Vec<Option<usize>> {
    let mut places = vec![None; base.len()];
    for op in capture_diff_slices(Algorithm::Patience, base, other) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            for offset in 0..len {
                places[old_index + offset] = Some(new_index + offset);
            }
        }
    }
    places
}

/// Merges lines between two lines that all texts have.
fn resolve<'a>(base: &[&'a str], ours: &[&'a str], theirs: &[&'a str]) -> Part<'a> {
    if theirs == base || ours == theirs {
        Part::Merged(ours.to_vec())
    } else if ours == base {
        Part::Merged(theirs.to_vec())
    } else {
        Part::Conflict { ours: ours.to_vec(), theirs: theirs.to_vec() }
    }
}

/// Adds a part. Merged lines join those before them.
fn push<'a>(parts: &mut Vec<Part<'a>>, part: Part<'a>) {
    match (parts.last_mut(), part) {
        (_, Part::Merged(lines)) if lines.is_empty() => {}
        (Some(Part::Merged(before)), Part::Merged(lines)) => before.extend(lines),
        (_, part) => parts.push(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflict<'a>(ours: &[&'a str], theirs: &[&'a str]) -> Part<'a> {
        Part::Conflict { ours: ours.to_vec(), theirs: theirs.to_vec() }
    }

    #[test]
    fn changes_of_different_lines_are_both_taken() {
        let parts = merge("1\n2\n3\n4\n5\n", "0\n1\nours\n3\n4\n5\n", "1\n2\n3\n5\n6\n");
        assert_eq!(parts, [Part::Merged(vec!["0", "1", "ours", "3", "5", "6"])]);
    }

    #[test]
    fn the_same_change_of_both_sides_is_taken_once() {
        assert_eq!(
            merge("1\n2\n3\n", "1\nsame\n3\n", "1\nsame\n3\n"),
            [Part::Merged(vec!["1", "same", "3"])]
        );
    }

    #[test]
    fn different_changes_of_the_same_lines_conflict() {
        let parts = merge("1\n2\n3\n", "1\nours\n3\n", "1\ntheirs\nmore\n3\n");
        let merged = |line| Part::Merged(vec![line]);
        assert_eq!(parts, [merged("1"), conflict(&["ours"], &["theirs", "more"]), merged("3")]);
        // What one side removes and the other one changes.
        assert_eq!(merge("1\n2\n", "1\n", "1\ntheirs\n"), [merged("1"), conflict(&[], &["theirs"])]);
        assert_eq!(merge("", "ours\n", "theirs\n"), [conflict(&["ours"], &["theirs"])]);
        assert_eq!(merge("", "", ""), []);
    }
}
