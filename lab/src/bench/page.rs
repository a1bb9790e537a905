//! The page of a measurement: one file, without scripts, readable in light and dark mode.

use std::fmt::Write;

use crate::bench::environment::Environment;
use crate::bench::figures::Grade;
use crate::bench::measure::Case;
use crate::bench::plan::Plan;
use crate::bench::report::{self, Comparison};
use crate::bench::svg::{self, escape};

const STYLE: &str = include_str!("page.css");

pub(super) fn page(
    environment: &Environment,
    plan: &Plan,
    cases: &[Case],
    comparisons: &[Comparison],
) -> String {
    let names: Vec<&str> = plan.subjects.iter().map(|subject| subject.name.as_str()).collect();
    let title = escape(&format!("{}: {}", plan.title, names.join(", ")));
    let mut body = format!("<h1>{title}</h1>\n<p>{}.</p>\n", escape(&report::describe(plan)));
    for warning in &plan.warnings {
        let _ = writeln!(body, "<p><strong>warning:</strong> {}</p>", escape(warning));
    }
    for comparison in comparisons {
        let class = match comparison.ratio.grade {
            Grade::Fail | Grade::Noisy => "bad",
            Grade::Measured | Grade::OneRound | Grade::Pass => "good",
        };
        let text = comparison.ratio.describe(plan.expectation.as_ref());
        let _ = writeln!(
            body,
            "<p class=\"ratio {class}\"><strong>{}:</strong> {}</p>",
            escape(&comparison.name),
            escape(&text)
        );
    }
    let _ =
        writeln!(body, "<h2>Requests a second</h2>\n{}", wide(&svg::throughput(cases, plan.subjects.len())));
    for level in cases.chunks(plan.subjects.len()) {
        let clients = level.first().map_or(0, |case| case.clients);
        let title = format!("Latency, clients {clients}");
        let _ = writeln!(body, "<h2>{title}</h2>\n{}", wide(&svg::latencies(level, &title)));
    }
    let _ = writeln!(body, "<h2>All figures</h2>\n{}", wide(&table(&report::table(cases))));
    let _ = writeln!(body, "<p>{}</p>", escape(report::LEGEND));
    for note in report::notes(plan, cases) {
        let _ = writeln!(body, "<p>{}</p>", escape(&note));
    }
    let _ = writeln!(body, "<h2>Measured where, and with what</h2>\n<dl>");
    for (name, value) in &environment.entries {
        let _ = writeln!(body, "<dt>{name}</dt><dd>{}</dd>", escape(value));
    }
    body += "</dl>\n";
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Content that scrolls on a narrow screen. It is focusable, so that it also scrolls with the keyboard.
fn wide(content: &str) -> String {
    format!("<div class=\"wide\" tabindex=\"0\">{content}</div>")
}

fn table(rows: &[Vec<String>]) -> String {
    let mut text = "<table>\n".to_owned();
    for (index, row) in rows.iter().enumerate() {
        text += "<tr>";
        for (column, cell) in row.iter().enumerate() {
            let _ = match (index, column) {
                // An empty cell is not a header.
                (0, _) if cell.is_empty() => write!(text, "<td></td>"),
                (0, _) => write!(text, "<th scope=\"col\">{}</th>", escape(cell)),
                (_, 0) => write!(text, "<th scope=\"row\">{}</th>", escape(cell)),
                _ => write!(text, "<td>{}</td>", escape(cell)),
            };
        }
        text += "</tr>\n";
    }
    text + "</table>"
}

#[cfg(test)]
mod tests {
    use super::{table, wide};

    #[test]
    fn a_table_scrolls_with_the_keyboard_and_has_no_empty_header() {
        let rows = [["", "req/s"], ["part1", "10"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            wide(&table(&rows)),
            "<div class=\"wide\" tabindex=\"0\"><table>\n<tr><td></td><th scope=\"col\">req/s</th></tr>\n\
             <tr><th scope=\"row\">part1</th><td>10</td></tr>\n</table></div>"
        );
    }
}
