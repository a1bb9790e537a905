//! Judges a case by its outcome, and describes the problems.

use testkit::{End, Ended, Head, Received, Response};

use crate::case::{Check, Reaches, written_out};
use crate::exchange::exchange;
use crate::own_answer;
use crate::{Case, Outcome, Subject};

/// A case that was run.
pub struct Row {
    /// The case.
    pub case: &'static Case,
    /// The result.
    pub verdict: Verdict,
    /// Everything that was observed; `None` if the case was not run.
    pub outcome: Option<Outcome>,
}

/// The result of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As required.
    Pass,
    /// Correctly refused, but with another status, or without a response.
    Otherwise(String),
    /// Not as required, with the reasons.
    Fail(Vec<String>),
    /// The proxy lacks the ability that the case needs.
    NotApplicable,
}

pub(crate) fn row(subject: &Subject, case: &'static Case) -> Row {
    if !subject.meets(case.needs) {
        return Row { case, verdict: Verdict::NotApplicable, outcome: None };
    }
    match exchange(subject, case) {
        Ok(outcome) => Row { case, verdict: judge(subject, case, &outcome), outcome: Some(outcome) },
        Err(error) => {
            let problem = format!("it could not be run: {error}");
            Row { case, verdict: Verdict::Fail(vec![problem]), outcome: None }
        }
    }
}

fn judge(subject: &Subject, case: &Case, outcome: &Outcome) -> Verdict {
    let reached = reached(case, outcome);
    let answer = answer(case, outcome);
    let own = if subject.is_stage() { own_answer::problems_of(subject, case, outcome) } else { Vec::new() };
    match (reached.is_empty() && own.is_empty(), answer.is_empty()) {
        (true, true) => Verdict::Pass,
        (true, false) if is_refused_otherwise(case, outcome) => Verdict::Otherwise(came_back(outcome)),
        _ => Verdict::Fail([answer, own, reached].concat()),
    }
}

/// Whether the request was correctly refused, but not with this status.
fn is_refused_otherwise(case: &Case, outcome: &Outcome) -> bool {
    let is_refusal = |status: u16| status >= 400;
    case.statuses.iter().all(|&status| is_refusal(status))
        && outcome.responses.iter().all(|response| is_refusal(response.status))
        && (!outcome.responses.is_empty() || outcome.end.is_some())
        && outcome.rest.is_empty()
}

/// The outcome in a word: a status, or how the connection ended without one.
pub(crate) fn came_back(outcome: &Outcome) -> String {
    match (outcome.responses.last(), outcome.end) {
        (Some(response), _) => response.status.to_string(),
        (None, _) if outcome.error.as_ref().is_some_and(|error| error.starts_with("not valid")) => {
            "not HTTP".to_owned()
        }
        (None, Some(End::Reset)) => "reset".to_owned(),
        (None, Some(_)) => "closed".to_owned(),
        (None, None) => "silence".to_owned(),
    }
}

fn answer(case: &Case, outcome: &Outcome) -> Vec<String> {
    let is_cut_expected = case.response.iter().any(|check| matches!(check, Check::CutShort));
    if is_cut_expected && outcome.responses.is_empty() && outcome.end.is_some() {
        // No response at all looks even less complete than a partial one.
        return Vec::new();
    }
    let mut problems = Vec::new();
    problems.extend(outcome.error.clone());
    for response in &outcome.responses {
        if !case.statuses.contains(&response.status) {
            problems.push(format!("the status is {}, not {:?}", response.status, case.statuses));
        }
    }
    if outcome.rest.escape_ascii().to_string() != case.rest.escape_default().to_string() {
        let rest = shortened(&outcome.rest);
        problems.push(format!("the responses are followed by \"{rest}\""));
    }
    let Some(response) = outcome.responses.last() else {
        return problems;
    };
    if !response.is_complete() && !is_cut_expected {
        problems.push(format!("the body was cut short after {} bytes", response.body.len()));
    }
    for check in case.response {
        let message = Message { head: &response.head, body: &response.body, trailers: &response.trailers };
        problems.extend(message.problem(check).or_else(|| problem_of_response(check, response, outcome)));
    }
    problems
}

fn problem_of_response(check: &Check, response: &Response, outcome: &Outcome) -> Option<String> {
    match check {
        Check::Interim(expected) => {
            let came: Vec<_> = response.interim.iter().map(|head| head.start_line.as_str()).collect();
            let is_same = came.len() == expected.len()
                && came.iter().zip(*expected).all(|(line, status)| line.contains(&format!(" {status} ")));
            (!is_same).then(|| format!("the interim responses are {came:?}, not {expected:?}"))
        }
        Check::InterimField(name, value) => {
            let came: Vec<_> = response.interim.iter().map(|head| head.all(name)).collect();
            (came.first() != Some(&vec![*value]))
                .then(|| format!("{name} of the interim responses is {came:?}"))
        }
        Check::CutShort => {
            // A response that was replaced by an error before any of it was sent does not look complete
            // either.
            let is_told =
                !response.is_complete() || outcome.end == Some(End::Reset) || response.status >= 500;
            (!is_told).then(|| "the client cannot tell that the body was cut short".to_owned())
        }
        Check::Delimited => (response.ended == Ended::CloseDelimited)
            .then(|| "only the end of the connection ends the body".to_owned()),
        Check::Closes => outcome.end.is_none().then(|| "the connection does not end".to_owned()),
        _ => None,
    }
}

fn reached(case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut problems: Vec<_> =
        outcome.faults.iter().map(|fault| format!("what reached the backend is {fault}")).collect();
    let whole: Vec<_> =
        outcome.requests.iter().filter(|request| request.ended == Some(End::Framed)).collect();
    let problem = match case.reaches {
        Reaches::Nothing if !outcome.bytes.is_empty() => {
            format!("it reached the backend: \"{}\"", shortened(&outcome.bytes))
        }
        Reaches::NothingWhole if !whole.is_empty() => {
            format!("it reached the backend as if it were whole: \"{}\"", shortened(&outcome.bytes))
        }
        Reaches::Whole(count) if whole.len() != count => {
            format!("{} requests reached the backend whole, not {count}", whole.len())
        }
        _ => String::new(),
    };
    problems.extend(Some(problem).filter(|problem| !problem.is_empty()));
    let all = String::from_utf8_lossy(&outcome.bytes);
    let is_there = |check: &&Check| matches!(check, Check::Nowhere(text) if all.contains(text));
    problems.extend(
        case.request.iter().find(is_there).map(|check| format!("at the backend is what {check:?} forbids")),
    );
    if let Some(Received { head, body, trailers, .. }) = whole.first() {
        let message = Message { head, body, trailers };
        let found = case.request.iter().filter_map(|check| message.problem(check));
        problems.extend(found.map(|problem| format!("at the backend {problem}")));
    }
    problems
}

/// The common parts of requests and responses.
struct Message<'a> {
    head: &'a Head,
    body: &'a [u8],
    trailers: &'a Head,
}

impl Message<'_> {
    fn problem(&self, check: &Check) -> Option<String> {
        let all = |name: &str| self.head.all(name);
        let lists = |name: &str, member: &str| {
            let members = all(name).join(",");
            members.split(',').any(|other| other.trim().eq_ignore_ascii_case(member))
        };
        let (is_so, problem) = match check {
            Check::StartLine(line) => {
                let line = written_out(line);
                let came = shortened(self.head.start_line.as_bytes());
                (self.head.start_line == line, format!("the first line is \"{came}\""))
            }
            Check::Field(name, value) => (all(name) == [*value], format!("{name} is {:?}", all(name))),
            Check::Fields(name, values) => (all(name) == *values, format!("{name} is {:?}", all(name))),
            Check::One(name) => (all(name).len() == 1, format!("{name} is {:?}", all(name))),
            Check::Absent(name) => (all(name).is_empty(), format!("{name} is {:?}", all(name))),
            Check::Lists(name, member) => {
                (lists(name, member), format!("{name} is {:?}, without {member}", all(name)))
            }
            Check::ListsNot(name, member) => {
                (!lists(name, member), format!("{name} is {:?}, with {member}", all(name)))
            }
            Check::Members(name, count) => {
                let members = all(name).join(",");
                let members = members.split(',').filter(|member| !member.trim().is_empty());
                (members.count() == *count, format!("{name} is {:?}", all(name)))
            }
            Check::Body(body) => (
                self.body == written_out(body).as_bytes(),
                format!("the body is \"{}\"", shortened(self.body)),
            ),
            Check::Trailers(expected) => {
                let fields = &self.trailers.fields;
                let is_same = fields.len() == expected.len()
                    && fields.iter().zip(*expected).all(|((name, value), (other, expected))| {
                        name.eq_ignore_ascii_case(other) && value == expected
                    });
                (is_same, format!("the trailers are {fields:?}"))
            }
            Check::Raw(bytes) => (
                self.head.raw.windows(bytes.len()).any(|window| window == *bytes),
                format!("the head lacks \"{}\"", bytes.escape_ascii()),
            ),
            Check::Nowhere(_)
            | Check::Interim(_)
            | Check::InterimField(..)
            | Check::CutShort
            | Check::Delimited
            | Check::Closes => return None,
        };
        (!is_so).then_some(problem)
    }
}

/// Bytes in a printable form, shortened to one line.
pub(crate) fn shortened(bytes: &[u8]) -> String {
    const MOST: usize = 300;
    let shown = bytes[..bytes.len().min(MOST)].escape_ascii().to_string();
    match bytes.len() > MOST {
        true => format!("{shown}... {} bytes in all", bytes.len()),
        false => shown,
    }
}
