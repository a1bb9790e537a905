//! The options in the `Connection` field of a message (RFC 9110 section 7.6.1).

use crate::names::Name;
use crate::{FieldSection, Limits, Refusal};

/// The options of all `Connection` fields of a message, read once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConnectionOptions {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    /// Whether there are other options, except `TE`. Each names a field, or a trailer, that is meant for the
    /// next hop only.
    pub(crate) names_fields: bool,
}

impl ConnectionOptions {
    /// Reads the options.
    ///
    /// RFC 9110 section 7.6.1 sets no bound on their number; [`Limits::max_connection_options`] does.
    pub(crate) fn from_fields(fields: &FieldSection, limits: &Limits) -> Result<ConnectionOptions, Refusal> {
        let mut options = ConnectionOptions::default();
        if !fields.has(Name::Connection) {
            return Ok(options);
        }
        for (place, option) in fields.list_of(Name::Connection).enumerate() {
            if place == limits.max_connection_options {
                return Err(Refusal::TooManyConnectionOptions);
            }
            let is =
                |other: &str| option == other.as_bytes() || option.eq_ignore_ascii_case(other.as_bytes());
            match option.len() {
                5 if is("close") => options.close = true,
                10 if is("keep-alive") => options.keep_alive = true,
                7 if is("upgrade") => options.upgrade = true,
                // A received `TE` is never forwarded, listed or not.
                2 if is("TE") => {}
                _ => options.names_fields = true,
            }
        }
        Ok(options)
    }
}
