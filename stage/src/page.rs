//! The live page of a proxy, which an administration port shows: a picture drawn from `/state.json`.

/// The page at `/`. It asks for `/page.css`, `/page.js` and `/state.json`.
pub const HTML: &str = include_str!("page/page.html");
/// The style sheet.
pub const STYLE: &str = include_str!("page/page.css");
/// The script.
pub const SCRIPT: &str = include_str!("page/page.js");
