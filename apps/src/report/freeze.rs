//! What `freeze` and `freeze check` print.

use std::fmt::{self, Write};

use domain::cutover::{CurrentFreeze, Movement, Watched};
use domain::store_state::{StateChange, StoreState};
use domain::{Fid, Timestamp};
use indicatif::HumanCount;
use serde::Serialize;

use super::Report;
use crate::exit::Verdict;

/// Whether a store was frozen.
#[derive(Debug, Serialize)]
pub struct FreezeReport {
    means: String,
    window_seconds: u64,
    /// The number of the journal's entry, where the store is frozen.
    entry: Option<u64>,
    /// What the store and its clients hold, where it is.
    state: Option<StoreState>,
    /// What moved in the window.
    movements: Vec<Movement>,
    /// What changed in it without a new last row.
    changes: Vec<StateChange>,
    interrupted: bool,
    #[serde(flatten)]
    verdict: Verdict,
}

impl FreezeReport {
    /// Only a still store is frozen.
    pub fn new(means: String, window_seconds: u64, watched: Watched, entry: Option<u64>) -> Self {
        let mut report = Self {
            means,
            window_seconds,
            entry,
            state: None,
            movements: Vec::new(),
            changes: Vec::new(),
            interrupted: false,
            verdict: Verdict::of(None, true),
        };
        match watched {
            Watched::Still(state) => {
                report.state = Some(*state);
                report.verdict = Verdict::of(None, false);
            }
            Watched::Moving(movements) => report.movements = movements,
            Watched::Changed(changes) => report.changes = changes,
            Watched::Interrupted => {
                report.interrupted = true;
                report.verdict = Verdict::of(Some(&domain::Stopped::Interrupted), false);
            }
        }
        report
    }
}

impl Report for FreezeReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        if self.interrupted {
            return writeln!(out, "NOT FROZEN: interrupted. The journal has nothing of it.");
        }
        let Some(state) = &self.state else {
            writeln!(out, "NOT FROZEN: writes go on. The journal has nothing of it.")?;
            for movement in &self.movements {
                writeln!(out, "  {}", moved(movement))?;
            }
            for change in &self.changes {
                writeln!(out, "  {}", changed(change))?;
            }
            return writeln!(
                out,
                "  → find what still writes, stop it, and run this again with the same --window"
            );
        };
        write_state(out, state)?;
        writeln!(
            out,
            "\nFROZEN: nothing moved for {} s. Entry {} of the journal has it.\n  → before each step of the \
             cut-over: `mogile2s3 freeze check`",
            self.window_seconds,
            self.entry.unwrap_or_default()
        )
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// Whether a freeze holds.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    /// Whether the journal has a freeze and everything is as it was then.
    holds: bool,
    /// The journal's entry, its time and its writer, where it has a freeze.
    entry: Option<u64>,
    at: Option<Timestamp>,
    by: Option<String>,
    means: Option<String>,
    /// What changed since, in words for scripts.
    changes: Vec<StateChange>,
    /// The entry of the `rekey` that ended it, and its file.
    rekeyed: Option<(u64, Fid)>,
    /// The state then, and the state now.
    before: Option<StoreState>,
    now: Option<StoreState>,
    #[serde(flatten)]
    verdict: Verdict,
}

impl CheckReport {
    /// The journal has no freeze.
    pub fn none() -> Self {
        Self {
            holds: false,
            entry: None,
            at: None,
            by: None,
            means: None,
            changes: Vec::new(),
            rekeyed: None,
            before: None,
            now: None,
            verdict: Verdict::of(None, true),
        }
    }

    /// Compares a freeze with what the store holds now.
    pub fn of(current: CurrentFreeze, now: StoreState) -> Self {
        let CurrentFreeze { sequence, at, by, freeze, ended } = current;
        let changes = now.changes_since(&freeze.state);
        let rekeyed = ended.map(|ended| (ended.sequence, ended.fid));
        let holds = rekeyed.is_none() && !changes.iter().any(StateChange::breaks_a_freeze);
        Self {
            holds,
            entry: Some(sequence),
            at: Some(at),
            by: Some(by),
            means: Some(freeze.means),
            changes,
            rekeyed,
            before: Some(freeze.state),
            now: Some(now),
            verdict: Verdict::of(None, !holds),
        }
    }
}

impl Report for CheckReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let (Some(entry), Some(at), Some(before), Some(now)) =
            (self.entry, self.at, &self.before, &self.now)
        else {
            return writeln!(
                out,
                "NOT FROZEN: the journal has no freeze.\n  → stop all writes, then `mogile2s3 freeze --means \
                 TEXT`"
            );
        };
        let by = self.by.as_deref().unwrap_or_default();
        writeln!(out, "Entry {entry} of the journal, written at {at} by {by}:")?;
        writeln!(out, "  writes were stopped by: {}", self.means.as_deref().unwrap_or_default())?;
        for change in &self.changes {
            writeln!(out, "  {}", changed(change))?;
            if *change == StateChange::Settings {
                let list = |state: &StoreState| state.buckets.join(",");
                let (then, now) = (list(before), list(now));
                writeln!(out, "    then `{}` with {then}", before.domain)?;
                writeln!(out, "    now  `{}` with {now}", self.domain_now())?;
            }
        }
        if let Some((entry, fid)) = self.rekeyed {
            writeln!(out, "  `rekey` changed the key of fid {fid} since: entry {entry}")?;
        }
        writeln!(out)?;
        write_state(out, now)?;
        if self.holds {
            return writeln!(out, "\nThe freeze holds.");
        }
        writeln!(
            out,
            "\nThe freeze DOES NOT HOLD: what was verified since is not what the store holds.\n  → find what \
             wrote, stop it, migrate and verify again, then `mogile2s3 freeze --means TEXT`"
        )
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl CheckReport {
    fn domain_now(&self) -> &str {
        self.now.as_ref().map_or("", |now| now.domain.as_str())
    }
}

fn write_state(out: &mut String, state: &StoreState) -> fmt::Result {
    let StoreState { domain, content, other, contentrepo, rhino, .. } = state;
    writeln!(out, "MogileFS domain `{domain}`:")?;
    writeln!(out, "  files of mapped buckets  {content}")?;
    writeln!(out, "  other rows               {other}")?;
    for (name, client) in [("contentrepo", contentrepo), ("rhino", rhino)] {
        let last = client.last.as_deref().unwrap_or("none");
        let rows = client.rows.iter().map(|(class, rows)| format!("{} {class}", HumanCount(*rows)));
        let rows = rows.collect::<Vec<_>>().join(", ");
        writeln!(out, "{name}: last row {last}; {rows}")?;
    }
    Ok(())
}

fn moved(movement: &Movement) -> String {
    match movement {
        Movement::Fid(Some(fid)) => format!("MogileFS stored a file: the highest fid is {fid} now"),
        Movement::Fid(None) => "MogileFS lost all files".to_owned(),
        Movement::Upload { before, now } => format!(
            "an upload to MogileFS began, ended or was given up: its table `tempfile` had {before} rows and \
             has {now}, or has another newest row"
        ),
        Movement::ContentrepoRow(id) => format!("contentrepo has a new row in `objects`: id {id}"),
        Movement::RhinoRow(id) => {
            format!("rhino has another last row in `articleFile`: fileId {id}")
        }
    }
}

const fn changed(change: &StateChange) -> &'static str {
    match change {
        StateChange::Settings => "the domain or BUCKETS are not those of the freeze",
        StateChange::Content => {
            "files of mapped buckets changed: one was stored, renamed from an upload, or deleted"
        }
        StateChange::OtherRows => {
            "other rows of MogileFS changed: unfinished uploads or ignored buckets. That breaks no freeze"
        }
        StateChange::HighestFid => "MogileFS has another highest fid. That alone breaks no freeze",
        StateChange::Contentrepo => "contentrepo's rows changed",
        StateChange::Rhino => "rhino's rows changed",
    }
}
