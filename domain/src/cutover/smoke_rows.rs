//! The rows that `smoke` has written by contentrepo's API: a freeze does not count them, and a way back does
//! not leave them behind.

use std::collections::{BTreeMap, BTreeSet};

use super::look::Movement;
use super::read_state::{FreezePorts, name_of, patiently};
use crate::journal::{SmokeKey, SmokeWrite};
use crate::limits;
use crate::ports::{DatabaseError, RowId};
use crate::store_state::{NodeCounters, StoreState};

/// The keys of these rows, by the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SmokeRows {
    /// Each with the name of its bucket, before and behind the cut-over.
    keys: BTreeSet<(String, String)>,
    /// The creations that each node was about to be asked for since the last freeze.
    creations: BTreeMap<String, u64>,
}

/// What contentrepo has behind a row.
#[derive(Debug, Default)]
pub(super) struct RowsBehind {
    /// The rows of `smoke`, by status.
    own: BTreeMap<&'static str, u64>,
    /// The last row of `smoke`.
    last_own: Option<RowId>,
    /// The last row of anybody else.
    last_other: Option<RowId>,
}

impl SmokeRows {
    /// Takes an entry of the journal.
    pub(super) fn take(&mut self, key: SmokeKey) {
        let SmokeKey { node, bucket, bucket_before, key, does } = key;
        if does == SmokeWrite::Create {
            *self.creations.entry(node).or_default() += 1;
        }
        self.keys.insert((bucket, key.clone()));
        self.keys.insert((bucket_before, key));
    }

    /// A freeze has counted what was written before it.
    pub(super) fn freeze(&mut self) {
        self.creations.clear();
    }

    /// Whether `smoke` has written the object of this key.
    #[must_use]
    pub fn wrote(&self, bucket: &str, key: &str) -> bool {
        self.keys.contains(&(bucket.to_owned(), key.to_owned()))
    }

    /// Reads contentrepo's rows behind `after`. Nothing is read where the journal has no key of `smoke`.
    pub(super) async fn behind(
        &self,
        FreezePorts { content_repo, clock, .. }: &FreezePorts,
        mut after: RowId,
    ) -> Result<RowsBehind, DatabaseError> {
        let mut behind = RowsBehind::default();
        if self.keys.is_empty() {
            return Ok(behind);
        }
        let buckets = patiently(&**clock, 0, || content_repo.buckets()).await?;
        let names: BTreeMap<_, _> = buckets.iter().map(|it| (it.id, it.name.as_str())).collect();
        loop {
            let page = || content_repo.objects(after, limits::PAGE_ROWS);
            let page = patiently(&**clock, 0, page).await?;
            let Some(last) = page.last().filter(|last| last.id > after) else { return Ok(behind) };
            after = last.id;
            for object in &page {
                let name = object.bucket.and_then(|bucket| names.get(&bucket));
                if name.is_some_and(|name| self.wrote(name, &object.key)) {
                    *behind.own.entry(name_of(object.status)).or_default() += 1;
                    behind.last_own = Some(object.id);
                } else {
                    behind.last_other = Some(object.id);
                }
            }
        }
    }

    /// Takes the writes away that `smoke` was about to ask these nodes for, where there are no more than that.
    pub(super) fn leave_writes_out(&self, before: &StoreState, now: &mut StoreState) {
        for node in &mut now.nodes {
            let then = before.nodes.iter().find(|then| then.url == node.url);
            let same_start = then.filter(|then| then.started == node.started);
            let written = same_start.map_or(0, |then| then.writes);
            if node.writes.saturating_sub(written) <= self.creations_of(&node.url) {
                *node = NodeCounters { writes: written, ..node.clone() };
            }
        }
    }

    /// Whether what moved is a write that `smoke` was about to ask for.
    pub(super) fn explains(&self, movement: &Movement) -> bool {
        match movement {
            Movement::NodeWrites { node, before, now } => {
                now.saturating_sub(*before) <= self.creations_of(node)
            }
            Movement::Uploads { .. }
            | Movement::HighestFid { .. }
            | Movement::TrackersAhead(_)
            | Movement::ContentrepoRow(_)
            | Movement::RhinoRow(_)
            | Movement::NodeRestarted(_) => false,
        }
    }

    fn creations_of(&self, node: &str) -> u64 {
        self.creations.get(node).copied().unwrap_or_default()
    }
}

impl RowsBehind {
    /// Takes the rows of `smoke` away from what was counted.
    pub(super) fn leave_out(&self, before: &StoreState, now: &mut StoreState) {
        if self.own.is_empty() {
            return;
        }
        for (status, rows) in &self.own {
            let left = now.contentrepo.rows.get(*status).map_or(0, |all| all.saturating_sub(*rows));
            if left == 0 && !before.contentrepo.rows.contains_key(*status) {
                now.contentrepo.rows.remove(*status);
            } else {
                now.contentrepo.rows.insert((*status).to_owned(), left);
            }
        }
        let last_other = self.last_other.map(|last| last.to_string());
        now.contentrepo.last = last_other.or_else(|| before.contentrepo.last.clone());
    }

    /// The last row, where only `smoke` has written behind `after`.
    pub(super) fn last_of_smoke(&self) -> Option<RowId> {
        self.last_own.filter(|_| self.last_other.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store_state::ClientState;

    fn key(node: &str, does: SmokeWrite) -> SmokeKey {
        let text = str::to_owned;
        let (bucket, bucket_before) = (text("new"), text("old"));
        SmokeKey { node: text(node), bucket, bucket_before, key: text("random"), does }
    }

    fn state(last: &str, rows: &[(&str, u64)], writes: u64) -> StoreState {
        let rows = rows.iter().map(|(status, rows)| ((*status).to_owned(), *rows)).collect();
        StoreState {
            contentrepo: ClientState { last: Some(last.to_owned()), rows },
            nodes: vec![NodeCounters { url: "n".into(), started: "Mon".into(), writes }],
            ..StoreState::default()
        }
    }

    #[test]
    fn a_key_is_known_by_both_names_of_its_bucket() {
        let mut rows = SmokeRows::default();
        rows.take(key("n", SmokeWrite::Create));
        for (bucket, key, is_known) in [
            ("new", "random", true),
            ("old", "random", true),
            ("other", "random", false),
            ("new", "Random", false),
        ] {
            assert_eq!(rows.wrote(bucket, key), is_known, "{bucket} {key}");
        }
    }

    #[test]
    fn only_rows_of_smoke_are_left_out() {
        let before = state("7", &[("used", 5)], 3);
        for (own, last_other, now, expected) in [
            (vec![("purged", 2)], None, vec![("purged", 2), ("used", 5)], before.clone()),
            (vec![("used", 1)], None, vec![("used", 6)], before.clone()),
            (
                vec![("purged", 1)],
                Some(RowId(9)),
                vec![("purged", 1), ("used", 6)],
                state("9", &[("used", 6)], 3),
            ),
            (vec![], Some(RowId(9)), vec![("used", 6)], state("10", &[("used", 6)], 3)),
        ] {
            let mut now = state("10", &now, 3);
            let behind = RowsBehind {
                own: own.into_iter().collect(),
                last_own: Some(RowId(10)),
                last_other,
            };
            behind.leave_out(&before, &mut now);
            assert_eq!(now, expected);
        }
    }

    #[test]
    fn no_more_writes_are_left_out_than_smoke_was_about_to_ask_for() {
        let before = state("7", &[], 3);
        for (creations, writes, left) in [(1, 4, 3), (1, 5, 5), (2, 5, 3), (0, 3, 3), (0, 4, 4)] {
            let mut rows = SmokeRows::default();
            (0..creations).for_each(|_| rows.take(key("n", SmokeWrite::Create)));
            rows.take(key("n", SmokeWrite::Purge));
            rows.take(key("another", SmokeWrite::Create));
            let mut now = state("7", &[], writes);
            rows.leave_writes_out(&before, &mut now);
            assert_eq!(now.nodes[0].writes, left, "{creations} {writes}");
            let moved = Movement::NodeWrites { node: "n".into(), before: 3, now: writes };
            assert_eq!(rows.explains(&moved), left == 3, "{creations} {writes}");
        }
        let mut rows = SmokeRows::default();
        rows.take(key("n", SmokeWrite::Create));
        rows.freeze();
        let mut now = state("7", &[], 4);
        rows.leave_writes_out(&before, &mut now);
        assert_eq!(now.nodes[0].writes, 4, "a freeze has counted what was before it");
    }
}
