//! The live page of a proxy, which an administration port shows: a picture drawn from `/state.json`.

/// Its files: path, content type and text. The page is at `/`, and asks for the others and for `/state.json`.
pub const FILES: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("page/page.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
    ("/page.svg", "image/svg+xml", include_str!("page/page.svg")),
    ("/page.js", SCRIPT, include_str!("page/page.js")),
    ("/flow.js", SCRIPT, include_str!("page/flow.js")),
    ("/charts.js", SCRIPT, include_str!("page/charts.js")),
    ("/history.js", SCRIPT, include_str!("page/history.js")),
    ("/words.js", SCRIPT, include_str!("page/words.js")),
];

const SCRIPT: &str = "text/javascript; charset=utf-8";
