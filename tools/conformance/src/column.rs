//! The results of all cases for one proxy: a column of the page, and a line of sums.

use std::time::Duration;

use crate::{Row, Subject, Verdict};

/// One proxy and its results.
pub(crate) struct Column {
    pub(crate) subject: Subject,
    pub(crate) rows: Vec<Row>,
    pub(crate) elapsed: Duration,
}

impl Column {
    pub(crate) fn failed(&self) -> usize {
        // A stage must also return its own statuses.
        self.count(|verdict| match verdict {
            Verdict::Fail(_) => true,
            Verdict::Otherwise(_) => self.subject.is_stage(),
            Verdict::Pass | Verdict::NotApplicable => false,
        })
    }

    pub(crate) fn count(&self, is_counted: impl Fn(&Verdict) -> bool) -> usize {
        self.rows.iter().filter(|row| is_counted(&row.verdict)).count()
    }

    pub(crate) fn summary(&self) -> String {
        let passed = self.count(|verdict| *verdict == Verdict::Pass);
        let otherwise = self.count(|verdict| matches!(verdict, Verdict::Otherwise(_)));
        let failed = self.count(|verdict| matches!(verdict, Verdict::Fail(_)));
        let skipped = self.count(|verdict| *verdict == Verdict::NotApplicable);
        format!(
            "{}: {passed} passed, {failed} failed, {otherwise} refused in another way, {skipped} do not apply, {:.1} s",
            self.subject.name,
            self.elapsed.as_secs_f64()
        )
    }
}
