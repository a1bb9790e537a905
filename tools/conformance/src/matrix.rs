//! The page docs/src/conformance.md: the introduction, and a table for each group of cases.

use std::fmt::Write;

use crate::column::Column;
use crate::{Case, GROUPS, Level, Row, Verdict, cases};

/// The text before the tables; edited by hand.
const INTRODUCTION: &str = include_str!("introduction.md");

pub(crate) fn page(columns: &[Column]) -> String {
    let mut page = INTRODUCTION.to_owned();
    // Writing to a `String` does not fail.
    let _ = writeln!(page, "\n## Sums\n\n{} cases.\n", cases().count());
    page.push_str(&head(&[
        "of the cases",
        "pass",
        "refused in another way",
        "fail, MUST",
        "fail, SHOULD",
        "fail, our choice",
        "do not apply",
    ]));
    for column in columns {
        let fails =
            |level| column.rows.iter().filter(|row| is_failure(row) && row.case.level == level).count();
        let cells = [
            column.count(|verdict| *verdict == Verdict::Pass),
            column.count(|verdict| matches!(verdict, Verdict::Otherwise(_))),
            fails(Level::Must),
            fails(Level::Should),
            fails(Level::Ours),
            column.count(|verdict| *verdict == Verdict::NotApplicable),
        ];
        let cells: Vec<_> = cells.iter().map(usize::to_string).collect();
        let _ = writeln!(page, "| {} | {} |", column.subject.name, cells.join(" | "));
    }
    for (title, group) in GROUPS {
        let _ = writeln!(page, "\n## {title}\n");
        let names = columns.iter().map(|column| column.subject.name.as_str());
        page.push_str(&head(&["case", "section", "rule"].into_iter().chain(names).collect::<Vec<_>>()));
        for case in group {
            page.push_str(&line(case, columns));
        }
    }
    page.push_str(&misses(columns));
    page
}

fn head(names: &[&str]) -> String {
    format!("| {} |\n|{}\n", names.join(" | "), "---|".repeat(names.len()))
}

fn line(case: &Case, columns: &[Column]) -> String {
    let words = case.name.replace('-', " ");
    let section = case.section.replace("RFC ", "").replace("section ", "");
    let cells = columns.iter().map(|column| cell(row(column, case)));
    let cells: Vec<_> = [words, section, level(case.level).to_owned()].into_iter().chain(cells).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "MUST",
        Level::Should => "SHOULD",
        Level::Ours => "choice",
    }
}

fn row<'a>(column: &'a Column, case: &Case) -> Option<&'a Row> {
    column.rows.iter().find(|row| row.case.name == case.name)
}

fn is_failure(row: &Row) -> bool {
    matches!(row.verdict, Verdict::Fail(_))
}

fn cell(row: Option<&Row>) -> String {
    match row.map(|row| (&row.verdict, row.outcome.as_ref())) {
        Some((Verdict::Pass, _)) => "yes".to_owned(),
        Some((Verdict::Otherwise(came), _)) => came.clone(),
        Some((Verdict::Fail(_), Some(outcome))) => format!("**no** ({})", crate::verdict::came_back(outcome)),
        Some((Verdict::Fail(_), None)) => "**no**".to_owned(),
        Some((Verdict::NotApplicable, _)) | None => "-".to_owned(),
    }
}

/// The first problem of each failed case with a MUST or SHOULD, in words.
fn misses(columns: &[Column]) -> String {
    let mut text = String::from("\n## What was missed, in words\n\nWhere the RFC has a MUST or a SHOULD.\n");
    for column in columns {
        let missed = |row: &&Row| is_failure(row) && row.case.level != Level::Ours;
        let missed: Vec<_> = column.rows.iter().filter(missed).collect();
        if missed.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n**{}**: {}\n", column.subject.name, missed.len());
        for row in missed {
            if let Verdict::Fail(problems) = &row.verdict {
                let first = problems.first().map(String::as_str).unwrap_or_default();
                let _ = writeln!(text, "- {}: {}", row.case.name.replace('-', " "), code(first));
            }
        }
    }
    text
}

/// Formats text as code, so that it contains no markup. It is shortened, and the ports are replaced.
fn code(problem: &str) -> String {
    const MOST: usize = 160;
    const HOST: &str = "127.0.0.1:";
    let mut parts = problem.split(HOST);
    let mut text = parts.next().unwrap_or_default().replace('`', "'");
    for part in parts {
        text = text + HOST + "PORT" + part.trim_start_matches(|digit: char| digit.is_ascii_digit());
    }
    let shown: String = text.chars().take(MOST).collect();
    let dots = if text.chars().count() > MOST { "..." } else { "" };
    format!("`{shown}{dots}`")
}
