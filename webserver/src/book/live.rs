//! Pages about the current state: the counters of this backend, the picture of its connections, and the report of the
//! last benchmark.

use crate::book::layout::Page;
use crate::counters::Counts;

/// Often enough to watch a load, and rarely enough not to be one.
const REFRESH_SECONDS: u32 = 2;

/// The script of the picture, and the style of its parts.
pub const SCRIPT: &str = include_str!("live.js");
pub const STYLE: &str = include_str!("live.css");
const PICTURE: &str = include_str!("live.html");

/// The browser connects only to this server and this machine, whatever the address of the page contains. Its own script
/// is the only one. `'unsafe-inline'` is for the style that is part of each page.
const PICTURE_HEAD: &str = "\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' data:; script-src 'self'; \
style-src 'self' 'unsafe-inline'; connect-src 'self' http://127.0.0.1:* http://localhost:*; base-uri 'none'; \
form-action 'none'\">
<link rel=\"icon\" href=\"data:,\">
<link rel=\"stylesheet\" href=\"/live.css\">
<script type=\"module\" src=\"/live.js\"></script>
";

/// The connections and requests of the last seconds, drawn by its script from `/live.json`.
pub fn picture() -> Page {
    Page::new("Live picture", PICTURE.to_owned()).with_head(PICTURE_HEAD)
}

/// The counters as they are now: the page stays as it is until it is loaded again.
pub fn counters(counts: &Counts) -> Page {
    let refresh = format!(
        "<a href=\"/counters\">Load it again</a>, or \
         <a href=\"/counters/live\">refresh it every {REFRESH_SECONDS} s</a>."
    );
    counters_page(counts, &refresh)
}

/// The counters, loaded again every few seconds until the reader stops it (WCAG 2.2.1 and 2.2.2). The link that stops it
/// has the focus after each load, so that one key is enough.
pub fn live_counters(counts: &Counts) -> Page {
    let stop = format!(
        "It is loaded again every {REFRESH_SECONDS} s. <a href=\"/counters\" autofocus>Stop refreshing</a>"
    );
    counters_page(counts, &stop).refreshed_every(REFRESH_SECONDS)
}

fn counters_page(counts: &Counts, refreshing: &str) -> Page {
    let Counts { accepted, in_flight, in_flight_max, requests } = counts;
    let html = format!(
        "<h1>Counters of the backend</h1>\n\
         <p>What has come here, whatever the way. This page does not count itself. {refreshing}</p>\n\
         <div class=\"scroll\" tabindex=\"0\"><table class=\"counters\">\n\
         <tr><th scope=\"row\">accepted</th><td>{accepted}</td><td>connections with at least one request</td></tr>\n\
         <tr><th scope=\"row\">requests</th><td>{requests}</td><td>requests, on all of them</td></tr>\n\
         <tr><th scope=\"row\">in_flight</th><td>{in_flight}</td><td>requests that are not answered yet</td></tr>\n\
         <tr><th scope=\"row\">in_flight_max</th><td>{in_flight_max}</td><td>the most there were at once</td></tr>\n\
         </table></div>\n\
         <p>Through a proxy without a pool, <code>accepted</code> grows as fast as <code>requests</code>. With one, it \
         stands still. A serial proxy never lets <code>in_flight_max</code> exceed 1.</p>\n\
         <p>The same <a href=\"/_lab/counters\">as JSON</a>. Back to zero:</p>\n\
         <pre tabindex=\"0\"><code>curl -X POST http://127.0.0.1:8081/_lab/counters/reset</code></pre>\n"
    );
    Page::new("Counters of the backend", html)
}

/// The report as it was made, with a way back to the book.
pub fn report(html: &str) -> String {
    let link = "<body>\n<nav style=\"max-width: 60rem; margin: auto; padding: 1rem 1rem 0\">\
                <a href=\"/\">An HTTP proxy in Rust</a></nav>";
    html.replacen("<body>", link, 1)
}

pub fn no_report() -> Page {
    let html = "<h1>Benchmark report</h1>\n\
         <p>There is none yet. Make one, in a terminal in the folder of the workspace, and load this page again:</p>\n\
         <pre class=\"console\" tabindex=\"0\"><code><span class=\"prompt\">$ </span>\
         <span class=\"typed\">cargo lab bench 1 2</span></code></pre>\n";
    Page::new("Benchmark report", html.to_owned())
}
