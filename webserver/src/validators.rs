//! `ETag` and `Last-Modified` (RFC 9110 section 8.8): what distinguishes one state of a representation from another.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codec::ResponseHead;

/// Some file systems count in steps of two seconds. A file that was modified so recently may change again without a new
/// time, so its validators are weak.
const SETTLED: Duration = Duration::from_secs(3);

/// The first second that an HTTP-date cannot express: the year 10000.
const YEAR_10000: u64 = 253_402_300_800;

/// The validators of a representation.
#[derive(Clone, Debug)]
pub struct Validators {
    /// With its quotes, without `W/`.
    pub opaque_tag: Option<String>,
    /// In whole seconds, like an HTTP-date.
    pub last_modified: Option<SystemTime>,
    pub strength: Strength,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// Two different states might have the same validators.
    Weak,
    Strong,
}

impl Validators {
    /// From length and time of modification; without the time there are none.
    pub fn of_file(length: u64, modified: Option<SystemTime>) -> Validators {
        let since_epoch = modified.and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
        // RFC 9110 section 8.8.1: a strong validator changes whenever the content does.
        let age = modified.and_then(|modified| modified.elapsed().ok());
        let is_settled = age.is_some_and(|age| age >= SETTLED);
        Validators {
            opaque_tag: since_epoch.map(|since| format!("\"{length:x}-{:x}\"", since.as_nanos())),
            last_modified: modified.and_then(http_date),
            strength: if is_settled { Strength::Strong } else { Strength::Weak },
        }
    }

    /// From the content itself. It is made of several files, so there is no one time.
    pub fn of_content(content: &[u8]) -> Validators {
        Validators {
            opaque_tag: Some(format!("\"{:x}-{:016x}\"", content.len(), hash(content))),
            last_modified: None,
            strength: Strength::Strong,
        }
    }

    pub fn add_to(&self, head: &mut ResponseHead) {
        self.add_entity_tag_to(head);
        self.add_last_modified_to(head);
    }

    /// RFC 9110 section 15.4.5: with 304, the time is sent only if there is no entity tag.
    pub fn add_best_to(&self, head: &mut ResponseHead) {
        match self.opaque_tag {
            Some(_) => self.add_entity_tag_to(head),
            None => self.add_last_modified_to(head),
        }
    }

    fn add_entity_tag_to(&self, head: &mut ResponseHead) {
        if let Some(opaque_tag) = &self.opaque_tag {
            let prefix = if self.strength == Strength::Weak { "W/" } else { "" };
            head.fields.append("ETag", format!("{prefix}{opaque_tag}"));
        }
    }

    fn add_last_modified_to(&self, head: &mut ResponseHead) {
        if let Some(last_modified) = self.last_modified {
            head.fields.append("Last-Modified", httpdate::fmt_http_date(last_modified));
        }
    }
}

/// The time as an HTTP-date has it, in whole seconds. `None` if it cannot be expressed.
fn http_date(time: SystemTime) -> Option<SystemTime> {
    // RFC 9110 section 8.8.2.1: a time in the future is replaced by that of the response.
    let time = time.min(SystemTime::now());
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    (seconds < YEAR_10000).then(|| UNIX_EPOCH + Duration::from_secs(seconds))
}

/// FNV-1a: the same in every build, unlike the hashes of `std`.
fn hash(content: &[u8]) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    content.iter().fold(OFFSET_BASIS, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}
