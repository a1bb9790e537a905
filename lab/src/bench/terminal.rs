//! The results of a measurement, for a terminal of 80 columns.

use crate::bench::environment::Environment;
use crate::bench::measure::{Case, Invalid};
use crate::bench::plan::Plan;
use crate::bench::report::{self, Comparison};
use testkit::text::wrap;

const INDENT: &str = "     ";
/// The columns of the two tables: the client's view, and the cost.
const TABLES: [&[usize]; 2] = [&[2, 3, 4, 5, 6, 7, 8], &[9, 10, 11, 12]];

/// The tables, the ratios, and the path of the page.
pub(super) fn text(
    plan: &Plan,
    environment: &Environment,
    cases: &[Case],
    comparisons: &[Comparison],
    page: &str,
) -> String {
    let mut text = wrap(&format!("{}: {}", plan.title, report::describe(plan)), "");
    for name in ["system", "cores", "load average before", "profile"] {
        let entry = environment.entries.iter().find(|(other, _)| *other == name);
        text += &entry.map_or(String::new(), |(name, value)| format!("{name} {value}. "));
    }
    text.truncate(text.trim_end().len());
    text += "\n\n";
    for level in cases.chunks(plan.subjects.len()) {
        for columns in TABLES {
            text += &align(&selected(level, columns));
            text.push('\n');
        }
    }
    text += &wrap(report::LEGEND, "");
    for note in report::notes(plan, cases) {
        text += &wrap(&note, "");
    }
    text.push('\n');
    for Comparison { name, ratio } in comparisons {
        text += &format!("{name}:\n{}", wrap(&ratio.describe(plan.expectation.as_ref()), INDENT));
    }
    text + &format!("next: open {}\n", page)
}

/// Describes an invalid run: its errors, the most frequent first.
pub(super) fn explain(invalid: &Invalid, record: &str) -> String {
    let Invalid { subject, clients, round, errors, log } = invalid;
    let mut text = format!("INVALID: requests failed in round {round}, {subject}, clients {clients}:\n");
    let mut errors: Vec<(&String, &u64)> = errors.iter().collect();
    errors.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (error, count) in errors {
        text += &wrap(&format!("{count} x {error}"), INDENT);
    }
    if let Some(last) = log.lines().last() {
        text += &wrap(&format!("the last line of its log: {last}"), INDENT);
    }
    text += "There are no figures: a run with errors measures how fast a proxy fails.\n";
    text + &format!("next: look at what it answers: cargo lab get PATH, or at\n{INDENT}{}\n", record)
}

/// Selected columns for one number of clients, which is the heading of the names.
fn selected(level: &[Case], columns: &[usize]) -> Vec<Vec<String>> {
    let mut rows = report::table(level);
    if let (Some(head), Some(case)) = (rows.first_mut(), level.first()) {
        head[0] = format!("clients {}", case.clients);
    }
    let select = |row: &Vec<String>| [0].iter().chain(columns).map(|&column| row[column].clone()).collect();
    rows.iter().map(select).collect()
}

/// Aligns columns: the first to the left, the others to the right.
fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            text += &match column {
                0 => format!("{cell:width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::bench::Flags;
    use crate::bench::latencies::Latencies;
    use crate::bench::measure::Run;
    use testkit::Workspace;

    /// The flags of a command line, as clap reads them.
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    fn plan(arguments: &[&str]) -> Plan {
        let line = <Line as clap::Parser>::parse_from([&["bench"], arguments].concat());
        let workspace = Workspace::find().expect("a test runs in the workspace");
        Plan::new(&workspace, &line.flags).expect("the flags are right")
    }

    fn case(name: &str, clients: u32, throughput: f64) -> Case {
        let run = |round: u32| {
            let mut latencies = Latencies::default();
            (1..=1000).for_each(|request| latencies.record(Duration::from_micros(20_000 + 10 * request)));
            Run {
                throughput: throughput + f64::from(round),
                latencies,
                refused: Latencies::default(),
                elapsed: Duration::from_secs(1),
                proxy_cpu: Some(Duration::from_millis(50)),
                generator_cpu: Some(Duration::from_millis(20)),
                client_connections: 20,
                backend_connections: 1000,
                in_flight_max: 20,
            }
        };
        Case { name: name.to_owned(), clients, runs: (0..3).map(run).collect(), peak_memory_kib: Some(5120) }
    }

    fn assert_narrow(text: &str) {
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "over 80 columns: {line}");
            assert!(!line.contains('\x1b'), "colour: {line}");
        }
    }

    #[test]
    fn a_graded_measurement_fits_80_columns() {
        let plan = plan(&["b1"]);
        let cases = [case("part1", 20, 49.0), case("part2", 20, 980.0)];
        let environment = Environment {
            time: String::new(),
            entries: vec![("system", "linux x86_64".to_owned()), ("cores", "2".to_owned())],
        };
        let comparisons = report::compare(&plan, &cases);
        let text = text(&plan, &environment, &cases, &comparisons, ".lab/bench/page.html");
        assert_narrow(&text);
        assert_eq!(
            text,
            "\
b1: GET /hello/you, 400 requests a run, 3 rounds, 50 requests before each to
warm up, delay 20 ms, closed loop
system linux x86_64. cores 2.

clients 20  req/s  spread   p50   p90   p99  p99.9   max
part1        50.0     4 %  25.0  29.0  29.9   30.0  30.0
part2         981     0 %  25.0  29.0  29.9   30.0  30.0

clients 20  CPU us/req  peak MiB  conns  in flight
part1             50.0       5.0   1000         20
part2             50.0       5.0   1000         20

"
            .to_owned()
                + &wrap(report::LEGEND, "")
                + "\
The load generator used up to 20.0 us of CPU a request.

requests/s of part2 / part1:
     PASS 19.6 (rounds 20.0 19.6 19.3, spread 4 %), expected 20, accepted 14 to
     22
next: open .lab/bench/page.html
"
        );
    }

    #[test]
    fn two_stages_without_load_flags_select_the_exercise_that_compares_them() {
        assert_eq!(plan(&["1", "2"]).title, "b1");
        assert_eq!(plan(&["3", "4"]).title, "b3");
        for others in
            [&["2", "1"][..], &["1", "3"], &["1", "2", "--clients", "8"], &["1", "2", "--rounds", "1"]]
        {
            assert_eq!(plan(others).title, "bench", "{others:?}");
        }
    }

    #[test]
    fn refusals_are_counted_in_a_note() {
        let plan = plan(&["b7"]);
        let mut cases = [case("part7 queue 100", 1700, 399.0), case("part7 queue 10000", 1700, 399.0)];
        for run in &mut cases[0].runs {
            (0..500).for_each(|_| run.refused.record(Duration::from_micros(400)));
        }
        let notes = report::notes(&plan, &cases);
        let refusals = "part7 queue 100 answered 400 of 800 requests a second, and refused 1500 of 4500 in all: half \
                        of these within 0.400 ms, 99 % within 0.400 ms.";
        assert_eq!(notes[1], refusals);
        // Without a refusal, all requests wait.
        assert!(notes[2].starts_with("part7 queue 10000 served 400 of 800"), "{notes:?}");
    }

    #[test]
    fn several_numbers_of_clients_and_long_names_fit_80_columns_too() {
        let plan =
            plan(&["--variant", "lock-across-exchange", "--clients", "20,512", "--delay", "20", "--close"]);
        let names = plan.subjects.iter().map(|subject| subject.name.as_str());
        let names: Vec<&str> = names.collect();
        let level = |clients| names.iter().map(move |name| case(name, clients, 123_456.0));
        let cases: Vec<Case> = level(20).chain(level(512)).collect();
        let comparisons = report::compare(&plan, &cases);
        let environment = Environment { time: String::new(), entries: Vec::new() };
        let text = text(&plan, &environment, &cases, &comparisons, "page.html");
        assert_narrow(&text);
        assert!(
            text.contains("\nclients 512 ") && text.contains("clients 512:\n     1.00 (rounds"),
            "{text}"
        );
    }

    #[test]
    fn an_invalid_run_names_the_error_and_the_next_command() {
        let errors = [("status 502 instead of 200".to_owned(), 19), ("the body is cut".to_owned(), 1)];
        let invalid = Invalid {
            subject: "part1".to_owned(),
            clients: 8,
            round: 2,
            errors: BTreeMap::from(errors),
            log: "first\nGET /hello/you 502 backend 127.0.0.1:8081 cannot be reached, and more words\n"
                .to_owned(),
        };
        let text = explain(&invalid, ".lab/bench/record.json");
        assert_narrow(&text);
        assert_eq!(
            text,
            "\
INVALID: requests failed in round 2, part1, clients 8:
     19 x status 502 instead of 200
     1 x the body is cut
     the last line of its log: GET /hello/you 502 backend 127.0.0.1:8081 cannot
     be reached, and more words
There are no figures: a run with errors measures how fast a proxy fails.
next: look at what it answers: cargo lab get PATH, or at
     .lab/bench/record.json
"
        );
    }
}
