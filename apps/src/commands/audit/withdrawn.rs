//! `--withdrawn`: only before the cut-over, and only where that is known.

use domain::audit::Comparison;
use domain::runbook::Decisions;

use super::Compare;
use crate::acceptances::decisions;
use crate::config::CONTENT_REPO;
use crate::exit::{RefusedError, UsageError};
use crate::report::audit::{WithdrawnEnd, WithdrawnList};
use crate::wiring::Services;

/// Refuses where the journal shows a cut-over, or has no table that could.
pub(super) fn require_no_cutover(decided: &Decisions) -> Result<(), RefusedError> {
    match decided.cut_over {
        Some(entry) => Err(after_cutover(entry)),
        None if !decided.has_journal => Err(without_journal()),
        None => Ok(()),
    }
}

/// Writes the list. The journal is read again before: a cut-over may have begun while the audit ran.
pub(super) async fn write(
    list: WithdrawnList,
    comparison: &Comparison,
    services: &Services<'_>,
    arguments: &Compare,
) -> WithdrawnEnd {
    let summary = comparison.summary();
    let is_of_another = summary.is_likely_of_another_store() && !arguments.allow_withdrawn;
    let why = summary.why_withdrawn_is_incomplete().or_else(|| is_of_another.then(of_another));
    let why = match why {
        None => cut_over_since(services, arguments).await,
        why => why,
    };
    list.write(&comparison.withdrawn(), why)
}

/// Why no object counts as withdrawn by now.
async fn cut_over_since(services: &Services<'_>, arguments: &Compare) -> Option<String> {
    let unread = |why: &dyn std::fmt::Display| {
        Some(format!("the journal, which has the cut-over, could not be read again: {why}"))
    };
    match decisions(services, &arguments.journal, &arguments.source.domain).await {
        Ok(Ok(decided)) => require_no_cutover(&decided).err().map(|refused| refused.to_string()),
        Ok(Err(why)) => unread(&why),
        Err(why) => unread(&format!("{why:#}")),
    }
}

pub(super) fn without_content_repo() -> UsageError {
    UsageError(format!(
        "--withdrawn: {CONTENT_REPO} is not set, and only its database shows whether contentrepo still refers \
         to a content"
    ))
}

fn after_cutover(entry: u64) -> RefusedError {
    RefusedError(format!(
        "--withdrawn: entry {entry} of the journal completes a step of the cut-over. Since then contentrepo \
         writes to S3, and an object without a row in MogileFS may be a new one: none counts as withdrawn. \
         Nothing was written\n  → a list that was written before that entry is still right for the objects \
         that it names"
    ))
}

fn without_journal() -> RefusedError {
    RefusedError(
        "--withdrawn: the journal has no table, so it is not known whether the cut-over was done, and none \
         counts as withdrawn. Nothing was written\n  → `mogile2s3 provision` makes the table. Is its name that of \
         DYNAMODB_JOURNAL_TABLE?"
            .to_owned(),
    )
}

fn of_another() -> String {
    "the index lacks files of the ledger in such numbers that it is most likely another store's"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_counts_as_withdrawn_behind_a_cut_over_or_without_a_journal() {
        for (has_journal, cut_over, words) in [
            (true, None, None),
            (true, Some(3), Some("entry 3 of the journal completes a step of the cut-over")),
            (false, None, Some("the journal has no table")),
        ] {
            let decided = Decisions { has_journal, cut_over, ..Decisions::default() };
            let refused = require_no_cutover(&decided).err().map(|refused| refused.to_string());
            match words {
                None => assert_eq!(refused, None),
                Some(words) => assert!(refused.is_some_and(|it| it.contains(words)), "{words}"),
            }
        }
    }
}
