//! Medians, spreads and ratios, and when a ratio is too noisy to be printed.

/// A ratio is rejected if its largest and smallest rounds differ by more than this fraction of its median.
const MOST_SPREAD: f64 = 0.25;

/// The quantity that a ratio compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Requests a second.
    Throughput,
    /// The latency that 99 of 100 requests do not exceed.
    P99,
}

/// A predicted ratio.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The prediction, in words: a number, or a bound.
    pub predicted: &'static str,
    /// The lower end of the accepted range.
    pub least: f64,
    /// The upper end. If it is infinite, each round must reach `least`, and the rounds may differ.
    pub most: f64,
}

/// Several measurements of one quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct Series(Vec<f64>);

/// The ratio between two subjects, round by round.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratio {
    pub rounds: Series,
    pub grade: Grade,
}

/// The reliability of a ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// A reliable ratio without a prediction.
    Measured,
    /// One round only, so the spread is unknown.
    OneRound,
    /// In the accepted range.
    Pass,
    /// Outside the accepted range.
    Fail,
    /// The rounds differ too much.
    Noisy,
}

impl Metric {
    pub fn name(self) -> &'static str {
        match self {
            Metric::Throughput => "requests/s",
            Metric::P99 => "p99",
        }
    }
}

impl Series {
    pub fn new(values: impl IntoIterator<Item = f64>) -> Series {
        Series(values.into_iter().collect())
    }

    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// The middle value; for an even count, the mean of the two middle values.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let upper = sorted.len() / 2;
        match sorted.len() {
            0 => 0.0,
            length if length % 2 == 1 => sorted[upper],
            _ => f64::midpoint(sorted[upper - 1], sorted[upper]),
        }
    }

    pub fn least(&self) -> f64 {
        self.0.iter().copied().reduce(f64::min).unwrap_or_default()
    }

    pub fn most(&self) -> f64 {
        self.0.iter().copied().reduce(f64::max).unwrap_or_default()
    }

    /// The difference of the extremes as a fraction of the median; `None` for fewer than two values.
    pub fn spread(&self) -> Option<f64> {
        let median = self.median();
        (self.0.len() > 1 && median > 0.0).then(|| (self.most() - self.least()) / median)
    }
}

impl Ratio {
    /// `second` divided by `first`, for each pair of rounds. The rounds of a pair ran one after the other.
    pub fn new(first: &Series, second: &Series, expectation: Option<&Expectation>) -> Ratio {
        let pairs = first.values().iter().zip(second.values());
        let rounds = Series::new(pairs.map(|(&first, &second)| second / first));
        let grade = match (rounds.spread(), expectation) {
            (None, _) => Grade::OneRound,
            // A bound that every round keeps is met, however much the rounds differ.
            (Some(_), Some(bound)) if bound.most.is_infinite() && rounds.least() >= bound.least => {
                Grade::Pass
            }
            (Some(spread), _) if is_noisy(spread) => Grade::Noisy,
            (Some(_), None) => Grade::Measured,
            (Some(_), Some(expected)) => match (expected.least..=expected.most).contains(&rounds.median()) {
                true => Grade::Pass,
                false => Grade::Fail,
            },
        };
        Ratio { rounds, grade }
    }

    /// Whether the rounds differ too much for a meaningful median.
    pub fn is_noisy(&self) -> bool {
        self.rounds.spread().is_some_and(is_noisy)
    }

    /// Describes the ratio and what to do next.
    pub fn describe(&self, expectation: Option<&Expectation>) -> String {
        let median = number(self.rounds.median());
        let spread = self.rounds.spread().unwrap_or_default() * 100.0;
        let rounds: Vec<String> = self.rounds.values().iter().map(|&value| number(value)).collect();
        let measured = format!("{median} (rounds {}, spread {spread:.0} %)", rounds.join(" "));
        let expected = expectation.map_or(String::new(), |expected| {
            let range = match expected.most.is_finite() {
                true => format!("{} to {}", expected.least, expected.most),
                false => format!("{} or more", expected.least),
            };
            format!(", expected {}, accepted {range}", expected.predicted)
        });
        match self.grade {
            Grade::Noisy => format!(
                "refused, the rounds are {spread:.0} % apart ({}). Noisy: plug in power, close the browser, run again",
                rounds.join(" ")
            ),
            Grade::OneRound => format!("{median} from one round, so its spread is not known"),
            Grade::Measured => measured,
            Grade::Pass if self.is_noisy() => {
                let least = number(self.rounds.least());
                format!("PASS at least {least} (rounds {}){expected}", rounds.join(" "))
            }
            Grade::Pass => format!("PASS {measured}{expected}"),
            Grade::Fail => format!("FAIL {measured}{expected}"),
        }
    }
}

fn is_noisy(spread: f64) -> bool {
    spread.is_nan() || spread > MOST_SPREAD
}

/// Formats a number with three significant digits.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
