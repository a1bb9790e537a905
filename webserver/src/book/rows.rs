//! Two versions of a file side by side: which lines are paired, and what changed within them.

use std::ops::Range;

use similar::{DiffOp, TextDiff};

/// Lines around a change that are shown with it.
const CONTEXT_LINES: usize = 3;

/// The least similarity of two lines that are paired.
const MIN_SIMILARITY: f32 = 0.45;

/// The most pairs of lines that are compared in one change. The lines of a larger change are paired in order.
const MAX_COMPARISONS: usize = 4096;

#[derive(Debug)]
pub enum Row {
    /// A line that both versions have, with its numbers in them.
    Same { old: usize, new: usize, text: String },
    /// A line that was replaced, removed (no `new`) or added (no `old`).
    Changed { old: Option<Line>, new: Option<Line> },
    /// The number of equal lines that are far from any change.
    Skipped(usize),
}

#[derive(Debug)]
pub struct Line {
    pub number: usize,
    pub parts: Vec<Part>,
}

/// A part of a line: all of it changed, or nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub text: String,
    pub is_changed: bool,
}

pub struct Rows {
    pub rows: Vec<Row>,
    pub added: usize,
    pub removed: usize,
}

pub fn compare(old: &str, new: &str) -> Rows {
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let diff = TextDiff::from_slices(&old_lines, &new_lines);
    let mut rows = Rows { rows: Vec::new(), added: 0, removed: 0 };
    let mut shown = 0;
    for group in diff.grouped_ops(CONTEXT_LINES) {
        let start = group.first().map_or(shown, |op| op.old_range().start);
        rows.skip(start - shown);
        for op in &group {
            rows.add(op, &old_lines, &new_lines);
            shown = op.old_range().end;
        }
    }
    rows.skip(old_lines.len() - shown);
    rows
}

impl Rows {
    fn skip(&mut self, lines: usize) {
        if lines > 0 {
            self.rows.push(Row::Skipped(lines));
        }
    }

    fn add(&mut self, op: &DiffOp, old: &[&str], new: &[&str]) {
        if let DiffOp::Equal { old_index, new_index, len } = *op {
            self.rows.extend((0..len).map(|index| Row::Same {
                old: old_index + index + 1,
                new: new_index + index + 1,
                text: old[old_index + index].to_owned(),
            }));
            return;
        }
        let (old_range, new_range) = (op.old_range(), op.new_range());
        self.removed += old_range.len();
        self.added += new_range.len();
        for (old_index, new_index) in pair(old, old_range, new, new_range) {
            self.rows.push(match (old_index, new_index) {
                (Some(old_index), Some(new_index)) => {
                    let (old_parts, new_parts) = parts(old[old_index], new[new_index]);
                    Row::Changed {
                        old: Some(Line { number: old_index + 1, parts: old_parts }),
                        new: Some(Line { number: new_index + 1, parts: new_parts }),
                    }
                }
                _ => {
                    let whole = |lines: &[&str], index: usize| {
                        let part = Part { text: lines[index].to_owned(), is_changed: false };
                        Line { number: index + 1, parts: vec![part] }
                    };
                    Row::Changed {
                        old: old_index.map(|index| whole(old, index)),
                        new: new_index.map(|index| whole(new, index)),
                    }
                }
            });
        }
    }
}

type Pair = (Option<usize>, Option<usize>);

/// Pairs lines in order, with the largest sum of similarities.
fn pair(old: &[&str], old_range: Range<usize>, new: &[&str], new_range: Range<usize>) -> Vec<Pair> {
    let (rows, columns) = (old_range.len(), new_range.len());
    if rows * columns > MAX_COMPARISONS {
        let at = |range: &Range<usize>, index: usize| range.clone().nth(index);
        return (0..rows.max(columns)).map(|index| (at(&old_range, index), at(&new_range, index))).collect();
    }
    let similarity =
        |row: usize, column: usize| similarity(old[old_range.start + row], new[new_range.start + column]);
    // The best sum from each position to the end, filled from the end.
    let mut best = vec![vec![0.0_f32; columns + 1]; rows + 1];
    let mut is_pair = vec![vec![false; columns]; rows];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let similarity = similarity(row, column);
            let paired = best[row + 1][column + 1] + similarity;
            let apart = best[row + 1][column].max(best[row][column + 1]);
            is_pair[row][column] = similarity >= MIN_SIMILARITY && paired >= apart;
            best[row][column] = if is_pair[row][column] { paired } else { apart };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut pairs = Vec::new();
    while row < rows || column < columns {
        let (old_index, new_index) = (old_range.start + row, new_range.start + column);
        if row < rows && column < columns && is_pair[row][column] {
            pairs.push((Some(old_index), Some(new_index)));
            (row, column) = (row + 1, column + 1);
        } else if row < rows && (column == columns || best[row + 1][column] >= best[row][column + 1]) {
            pairs.push((Some(old_index), None));
            row += 1;
        } else {
            pairs.push((None, Some(new_index)));
            column += 1;
        }
    }
    pairs
}

/// From 0 (nothing in common) to 1 (the same but for indentation).
fn similarity(old: &str, new: &str) -> f32 {
    let (old, new) = (tokens(old.trim()), tokens(new.trim()));
    TextDiff::from_slices(&old, &new).ratio()
}

/// Two versions of a line, each in parts.
fn parts(old: &str, new: &str) -> (Vec<Part>, Vec<Part>) {
    let (old_tokens, new_tokens) = (tokens(old), tokens(new));
    let diff = TextDiff::from_slices(&old_tokens, &new_tokens);
    let (mut old_parts, mut new_parts) = (Vec::new(), Vec::new());
    for op in diff.ops() {
        let is_changed = !matches!(op, DiffOp::Equal { .. });
        append(&mut old_parts, &old_tokens[op.old_range()], is_changed);
        append(&mut new_parts, &new_tokens[op.new_range()], is_changed);
    }
    (old_parts, new_parts)
}

fn append(parts: &mut Vec<Part>, tokens: &[&str], is_changed: bool) {
    let text = tokens.concat();
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if last.is_changed == is_changed => last.text += &text,
        _ => parts.push(Part { text, is_changed }),
    }
}

/// Words, runs of white space, and every other character separately.
fn tokens(line: &str) -> Vec<&str> {
    let kind = |character: char| match character {
        _ if character.is_alphanumeric() || character == '_' => 0,
        _ if character.is_whitespace() => 1,
        _ => 2,
    };
    let mut tokens = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = match kind(first) {
            2 => first.len_utf8(),
            first => rest.find(|character| kind(character) != first).unwrap_or(rest.len()),
        };
        let (token, tail) = rest.split_at(length);
        tokens.push(token);
        rest = tail;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::{Part, Row, compare};

    #[test]
    fn a_changed_line_is_paired_with_its_new_version() {
        let rows = compare("a\nfn serve(&self) {\nz\n", "a\nnew\nasync fn serve(&self) {\nz\n");
        assert_eq!((rows.added, rows.removed), (2, 1));
        let [
            Row::Same { .. },
            Row::Changed { old: None, .. },
            Row::Changed { old: Some(old), new: Some(new) },
            Row::Same { .. },
        ] = &rows.rows[..]
        else {
            panic!("{:?}", rows.rows);
        };
        assert_eq!((old.number, new.number), (2, 3));
        assert_eq!(new.parts[0], Part { text: "async ".to_owned(), is_changed: true });
        let text = |parts: &[Part]| parts.iter().map(|part| part.text.as_str()).collect::<String>();
        assert_eq!(
            (text(&old.parts), text(&new.parts)),
            ("fn serve(&self) {".to_owned(), "async fn serve(&self) {".to_owned())
        );
    }
}
