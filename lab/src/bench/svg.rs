//! Charts as SVG, written by hand: bars of throughput, and latency curves over percentiles.
//!
//! The page defines the colours as classes, for light and dark mode. Invariant: no line is distinguished by
//! its colour alone, and each chart has a `<title>` and a `<desc>` that describe it.

use std::fmt::Write;

use crate::bench::figures::number;
use crate::bench::measure::Case;

const WIDTH: f64 = 760.0;
/// The number of colours and dash patterns that the page defines.
pub(super) const STYLES: usize = 6;

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A bar for each case: the median, with a thin line from the slowest to the fastest round.
pub(super) fn throughput(cases: &[Case], subjects: usize) -> String {
    const RIGHT: f64 = 90.0;
    const ROW: f64 = 30.0;
    let label = |case: &Case| format!("{}, clients {}", case.name, case.clients);
    let left = width_of_longest(cases.iter().map(label)) + 16.0;
    let height = ROW * cases.len() as f64 + 10.0;
    let most = cases.iter().map(|case| case.series(|run| run.throughput).most()).fold(1.0, f64::max);
    let x = |value: f64| left + value / most * (WIDTH - left - RIGHT);
    let mut description = String::new();
    let mut bars = String::new();
    for (index, case) in cases.iter().enumerate() {
        let series = case.series(|run| run.throughput);
        let (name, median) = (escape(&case.name), number(series.median()));
        let _ = write!(description, "{name} with clients {}: {median} requests a second. ", case.clients);
        let (top, middle) = (ROW * index as f64 + 5.0, ROW * index as f64 + 16.0);
        let (style, width) = (index % subjects % STYLES, x(series.median()) - left);
        let (least, fastest, upper) = (x(series.least()), x(series.most()), middle - 4.0);
        let range =
            format!("M{least:.1} {middle:.1}H{fastest:.1}M{least:.1} {upper:.1}v8M{fastest:.1} {upper:.1}v8");
        let range = match case.runs.len() {
            1 => String::new(),
            _ => format!(r#"<path class="halo" d="{range}"/><path class="range" d="{range}"/>"#),
        };
        let _ = write!(
            bars,
            r#"<text x="{end:.1}" y="{base:.1}" text-anchor="end">{label}</text>
<rect class="bar{style}" x="{left:.1}" y="{top:.1}" width="{width:.1}" height="22" rx="2"/>
{range}
<text x="{value:.1}" y="{base:.1}">{median}</text>
"#,
            end = left - 8.0,
            label = escape(&label(case)),
            base = middle + 4.5,
            value = fastest + 8.0,
        );
    }
    chart("Requests a second", &description, height, &bars)
}

/// A curve for each case: the latency that a fraction of the requests does not exceed. To the right, each
/// step covers a tenth of the remaining requests. Otherwise the few slow requests would not be visible.
pub(super) fn latencies(cases: &[Case], title: &str) -> String {
    const LEFT: f64 = 70.0;
    const TOP: f64 = 12.0;
    const PLOT_HEIGHT: f64 = 250.0;
    const BOTTOM: f64 = 44.0;
    const TICKS: [(&str, f64); 6] = [
        ("0 %", 0.0),
        ("90 %", 0.9),
        ("99 %", 0.99),
        ("99.9 %", 0.999),
        ("99.99 %", 0.9999),
        ("max", 0.99999),
    ];
    let right = width_of_longest(cases.iter().map(|case| case.name.clone())) + 46.0;
    let count = cases.iter().map(|case| case.latencies().count()).max().unwrap_or(1).max(2);
    // The last request is as far to the right as its rank allows.
    let nines = (count as f64).log10();
    let most = nice(cases.iter().map(|case| case.latencies().max()).fold(0.001, f64::max));
    let x = |quantile: f64| LEFT + -(1.0 - quantile).log10() / nines * (WIDTH - LEFT - right);
    let y = |latency: f64| TOP + PLOT_HEIGHT * (1.0 - latency / most);
    let mut lines = String::new();
    for (name, quantile) in TICKS.into_iter().filter(|(_, quantile)| x(*quantile) <= WIDTH - right + 0.5) {
        let _ = writeln!(
            lines,
            r#"<path class="grid" d="M{x:.1} {TOP}v{PLOT_HEIGHT}"/><text x="{x:.1}" y="{base}" text-anchor="middle">{name}</text>"#,
            x = x(quantile),
            base = TOP + PLOT_HEIGHT + 18.0
        );
    }
    for step in 0..=4 {
        let latency = most * f64::from(step) / 4.0;
        let _ = writeln!(
            lines,
            r#"<path class="grid" d="M{LEFT} {y:.1}H{end}"/><text x="{label}" y="{base:.1}" text-anchor="end">{text} ms</text>"#,
            y = y(latency),
            end = WIDTH - right,
            label = LEFT - 6.0,
            base = y(latency) + 4.5,
            text = without_zeros(&number(latency)),
        );
    }
    let _ = writeln!(
        lines,
        r#"<text x="{middle}" y="{base}" text-anchor="middle">so many of the requests took no longer than ...</text>"#,
        middle = (LEFT + WIDTH - right) / 2.0,
        base = TOP + PLOT_HEIGHT + 38.0
    );
    let mut description = String::new();
    let mut labels = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let (latencies, style, name) = (case.latencies(), index % STYLES, escape(&case.name));
        let largest = 1.0 - 1.0 / latencies.count().max(2) as f64;
        let mut path = String::new();
        for step in 0..=200 {
            let quantile = 1.0 - 10f64.powf(-nines * f64::from(step) / 200.0);
            if quantile <= largest + 1e-9 {
                let command = if path.is_empty() { 'M' } else { 'L' };
                let _ = write!(path, "{command}{:.1} {:.1}", x(quantile), y(latencies.quantile(quantile)));
            }
        }
        let _ = write!(path, "V{:.1}", y(latencies.max()));
        let _ = writeln!(lines, r#"<path class="curve line{style}" d="{path}"/>"#);
        let [half, most] = [latencies.quantile(0.5), latencies.max()].map(number);
        let _ = write!(description, "{name}: half within {half} ms, the slowest {most} ms. ");
        labels.push((y(latencies.max()), name, style));
    }
    // Labels at the ends of the curves, moved apart to avoid overlaps.
    labels.sort_by(|left, right| left.0.total_cmp(&right.0));
    let mut free = TOP;
    for (index, (wanted, name, style)) in labels.iter().enumerate() {
        let room = TOP + PLOT_HEIGHT - 18.0 * (labels.len() - 1 - index) as f64;
        let place = wanted.min(room).max(free);
        free = place + 18.0;
        let (start, text) = (WIDTH - right + 8.0, WIDTH - right + 38.0);
        let _ = writeln!(
            lines,
            r#"<path class="curve line{style}" d="M{start} {place:.1}h24"/><text x="{text}" y="{base:.1}">{name}</text>"#,
            base = place + 4.5
        );
    }
    chart(title, &description, TOP + PLOT_HEIGHT + BOTTOM, &lines)
}

/// The approximate width of the longest text, at most half of the chart.
fn width_of_longest(texts: impl Iterator<Item = String>) -> f64 {
    const LETTER: f64 = 7.5;
    (texts.map(|text| text.chars().count()).max().unwrap_or(0) as f64 * LETTER).min(WIDTH / 2.0)
}

fn chart(title: &str, description: &str, height: f64, content: &str) -> String {
    let (title, description) = (escape(title), description.trim_end());
    format!(
        "<svg role=\"img\" viewBox=\"0 0 {WIDTH} {height}\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title>{title}</title>\n<desc>{description}</desc>\n{content}</svg>\n"
    )
}

/// `0.500` becomes `0.5`; `120` is unchanged.
fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// The next larger number that divides well by four.
fn nice(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|&step| step >= value).unwrap_or(value)
}
