//! Media types, as `Content-Type` and `Accept` carry them (RFC 9110 section 8.3.1).

/// Whether `value` is this media type or media range. Case and parameters are ignored.
///
/// ```
/// assert!(codec::is_media_type(b"Text/HTML; charset=utf-8", "text/html"));
/// assert!(!codec::is_media_type(b"text/plain", "text/html"));
/// ```
pub fn is_media_type(value: &[u8], media_type: &str) -> bool {
    let without_parameters = value.split(|&byte| byte == b';').next().unwrap_or_default();
    without_parameters.trim_ascii().eq_ignore_ascii_case(media_type.as_bytes())
}
