//! The counts that several reports have, each of them full.

use std::collections::BTreeMap;

use domain::{Outcomes, RowCounts};

use super::reports::{sample, tally};

pub(super) fn intake() -> RowCounts {
    RowCounts {
        rows: 1,
        other_domains: 1,
        proven_before: tally(),
        proven_as_another: tally(),
        unreadable_failures: tally(),
        temporary: 1,
        ignored: 1,
        excluded: 1,
        excluded_files: 1,
        accepted_rows: 1,
        absent: sample(),
        rejected: BTreeMap::from([("*", sample())]),
    }
}

pub(super) fn ends() -> Outcomes {
    Outcomes {
        by_copy: tally(),
        by_mogile: tally(),
        already_there: tally(),
        too_large: tally(),
        gone: 1,
        failed: BTreeMap::from([("*", sample())]),
        findings: BTreeMap::from([("*", sample())]),
        accepted: sample(),
        uncleared: sample(),
    }
}
