//! What `freeze` and `freeze check` print.

mod settings;

use std::fmt::{self, Write};

use domain::Stopped;
use domain::cutover::{CurrentFreeze, FreezeCheck, Movement, Watched};
use domain::store_state::{ClientState, StateChange, StoreState};
use indicatif::HumanCount;
use serde::Serialize;

use self::settings::write_settings;
use super::Report;
use super::shell::printable;
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
    /// What moved.
    movements: Vec<Movement>,
    /// What changed in the window without another last row.
    changes: Vec<StateChange>,
    interrupted: bool,
    #[serde(flatten)]
    verdict: Verdict,
}

/// A shorter window proves little: a batch of ingest may pause longer.
const SHORT_WINDOW_SECONDS: u64 = 60;

impl FreezeReport {
    /// Only a still store is frozen.
    pub fn new(means: String, window_seconds: u64, watched: Watched, entry: Option<u64>) -> Self {
        let (state, movements, changes, interrupted) = match watched {
            Watched::Still(state) => (Some(*state), Vec::new(), Vec::new(), false),
            Watched::Moving(movements) => (None, movements, Vec::new(), false),
            Watched::Changed(changes) => (None, Vec::new(), changes, false),
            Watched::Interrupted => (None, Vec::new(), Vec::new(), true),
        };
        let stopped = interrupted.then_some(Stopped::Interrupted);
        let verdict = Verdict::of(stopped.as_ref(), !interrupted && state.is_none());
        Self { means, window_seconds, entry, state, movements, changes, interrupted, verdict }
    }
}

impl Report for FreezeReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        if self.interrupted {
            return writeln!(out, "NOT FROZEN: interrupted. Nothing was written to the journal.");
        }
        let Some(state) = &self.state else {
            writeln!(out, "NOT FROZEN: the store moves. Nothing was written to the journal.")?;
            for movement in &self.movements {
                writeln!(out, "  {}", moved(movement))?;
            }
            for change in &self.changes {
                writeln!(out, "  {}", changed(change))?;
            }
            return writeln!(
                out,
                "  → find what still writes or deletes, stop it, and run this again with the same --window"
            );
        };
        write_state(out, state)?;
        let entry = self.entry.unwrap_or_default();
        writeln!(
            out,
            "\nFROZEN: nothing moved for {} s. Entry {entry} of the journal says so.",
            self.window_seconds
        )?;
        write_short_window(out, self.window_seconds)?;
        writeln!(
            out,
            "  → migrate and verify what came since. Before each step of the cut-over: `mogile2s3 freeze check`"
        )
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

fn write_short_window(out: &mut String, seconds: u64) -> fmt::Result {
    if seconds >= SHORT_WINDOW_SECONDS {
        return Ok(());
    }
    writeln!(
        out,
        "SHORT WINDOW: a writer may pause for longer than {seconds} s. The default is 10m."
    )
}

/// Whether a freeze holds.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    /// Whether the journal has a freeze and everything is as it was then.
    holds: bool,
    /// The freeze, where the journal has one.
    freeze: Option<Frozen>,
    /// What changed since.
    changes: Vec<StateChange>,
    /// What moved while it was compared.
    movements: Vec<Movement>,
    /// The `rekey` that ended it.
    rekeyed: Option<Rekeyed>,
    /// Whether another entry of the journal came in between.
    overtaken: bool,
    /// The state now, where it was read.
    now: Option<StoreState>,
    #[serde(flatten)]
    verdict: Verdict,
}

/// A freeze in the journal.
#[derive(Debug, Serialize)]
struct Frozen {
    entry: u64,
    at: domain::Timestamp,
    by: String,
    means: String,
    window_seconds: u64,
    state: StoreState,
    /// Unfinished uploads that `tmp delete` deleted since.
    deleted_since: u64,
    /// The entry of a `tmp delete` of which the journal has no end.
    deletion_open: Option<u64>,
}

/// A `rekey` in the journal.
#[derive(Debug, Serialize)]
struct Rekeyed {
    entry: u64,
    fid: domain::Fid,
}

impl CheckReport {
    /// What was found.
    pub fn new(check: FreezeCheck) -> Self {
        let holds = check.holds();
        let is_overtaken = check == FreezeCheck::Overtaken;
        let mut report = Self {
            holds,
            freeze: None,
            changes: Vec::new(),
            movements: Vec::new(),
            rekeyed: None,
            overtaken: is_overtaken,
            now: None,
            verdict: Verdict::of(None, !holds),
        };
        match check {
            FreezeCheck::None | FreezeCheck::Overtaken => {}
            FreezeCheck::Ended(freeze) => {
                let rekeyed = freeze.ended.as_ref();
                report.rekeyed =
                    rekeyed.map(|ended| Rekeyed { entry: ended.sequence, fid: ended.fid });
                report.freeze = Some(Frozen::of(freeze));
            }
            FreezeCheck::OtherSettings { freeze, now } => {
                report.freeze = Some(Frozen::of(freeze));
                (report.changes, report.now) = (vec![StateChange::Settings], Some(now));
            }
            FreezeCheck::Compared { freeze, now, changes, movements } => {
                report.freeze = Some(Frozen::of(freeze));
                (report.changes, report.movements, report.now) = (changes, movements, Some(now));
            }
        }
        report
    }
}

impl Frozen {
    fn of(current: CurrentFreeze) -> Self {
        let state = current.state_now();
        let CurrentFreeze { sequence, at, by, freeze, deleted, .. } = current;
        let (means, window_seconds) = (freeze.means, freeze.window_seconds);
        let (deleted_since, deletion_open) = (deleted.files, deleted.open);
        Self { entry: sequence, at, by, means, window_seconds, state, deleted_since, deletion_open }
    }
}

impl Report for CheckReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        if self.overtaken {
            return writeln!(
                out,
                "NOT KNOWN: an entry was written to the journal meanwhile that changes the store or freezes it \
                 anew.\n  → run this again"
            );
        }
        let Some(freeze) = &self.freeze else {
            return writeln!(
                out,
                "NOT FROZEN: the journal has no freeze.\n  → stop all writes, then `mogile2s3 freeze --means \
                 TEXT`"
            );
        };
        let (entry, at, by) = (freeze.entry, freeze.at, printable(&freeze.by));
        writeln!(out, "Entry {entry} of the journal, written at {at} by {by}:")?;
        writeln!(out, "  writes were stopped by: {}", printable(&freeze.means))?;
        writeln!(out, "  nothing moved for {} s", freeze.window_seconds)?;
        write_short_window(out, freeze.window_seconds)?;
        write_deleted(out, freeze)?;
        if let Some(Rekeyed { entry, fid }) = self.rekeyed {
            writeln!(
                out,
                "\nThe freeze HAS ENDED: entry {entry} says that `rekey` began to change the key of fid \
                 {fid}.\n  → `mogile2s3 freeze --means TEXT`, then migrate and verify again"
            )?;
        }
        let Some(now) = &self.now else { return Ok(()) };
        if self.changes == [StateChange::Settings] {
            return write_settings(out, &freeze.state, now);
        }
        self.write_differences(out, &freeze.state, now)?;
        writeln!(out)?;
        write_state(out, now)?;
        if self.holds {
            return writeln!(out, "\nThe freeze holds.");
        }
        writeln!(
            out,
            "\nThe freeze DOES NOT HOLD.\n  → find what wrote and stop it. Then `mogile2s3 freeze --means \
             TEXT`, then migrate and verify again"
        )
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl CheckReport {
    fn write_differences(
        &self,
        out: &mut String,
        before: &StoreState,
        now: &StoreState,
    ) -> fmt::Result {
        for change in &self.changes {
            let word = if change.breaks_a_freeze() { "CHANGED" } else { "note" };
            writeln!(out, "  {word}: {}", changed(change))?;
            let (then, now) = (value(change, before), value(change, now));
            writeln!(out, "    then {then}\n    now  {now}")?;
        }
        let is_asked = |url: &str| now.nodes.iter().any(|node| node.url == url);
        for node in before.nodes.iter().filter(|node| !is_asked(&node.url)) {
            writeln!(
                out,
                "  not compared: the writes of contentrepo's node {}. Where it is not stopped, name it in \
                 --contentrepo-url",
                printable(&node.url)
            )?;
        }
        for movement in &self.movements {
            writeln!(out, "  MOVES: {}", moved(movement))?;
        }
        Ok(())
    }
}

/// What a change is about, in one state.
fn value(change: &StateChange, state: &StoreState) -> String {
    match change {
        StateChange::Settings => String::new(),
        StateChange::Content => state.content.to_string(),
        StateChange::OtherRows => state.other.to_string(),
        StateChange::FileStored | StateChange::LastFileDeleted => {
            state.highest_fid.map_or_else(|| "no file".to_owned(), |fid| format!("fid {fid}"))
        }
        StateChange::Uploads => format!("{} uploads", state.uploads),
        StateChange::Contentrepo => client(&state.contentrepo),
        StateChange::Rhino => client(&state.rhino),
        StateChange::NodeWrites => {
            let nodes = state.nodes.iter().map(|node| {
                let (url, started) = (printable(&node.url), printable(&node.started));
                format!("{url}: {} writes since {started}", node.writes)
            });
            nodes.collect::<Vec<_>>().join("; ")
        }
    }
}

fn write_state(out: &mut String, state: &StoreState) -> fmt::Result {
    let StoreState { domain, content, other, highest_fid, contentrepo, rhino, .. } = state;
    writeln!(out, "MogileFS domain `{domain}`:")?;
    writeln!(out, "  files of mapped buckets  {content}")?;
    writeln!(out, "  other rows               {other}")?;
    writeln!(out, "  highest fid              {}", highest_fid.unwrap_or_default())?;
    for (name, of) in [("contentrepo", contentrepo), ("rhino", rhino)] {
        writeln!(out, "{name}: {}", client(of))?;
    }
    for node in &state.nodes {
        let (url, started) = (printable(&node.url), printable(&node.started));
        let writes = HumanCount(node.writes);
        writeln!(out, "contentrepo node {url}: {writes} writes since its start, {started}")?;
    }
    Ok(())
}

/// What `tmp delete` did to the other rows.
fn write_deleted(out: &mut String, freeze: &Frozen) -> fmt::Result {
    if freeze.deleted_since > 0 {
        let files = HumanCount(freeze.deleted_since);
        writeln!(out, "  since then `tmp delete` deleted {files} unfinished uploads")?;
    }
    match freeze.deletion_open {
        Some(entry) => writeln!(
            out,
            "  entry {entry}: `tmp delete` began to delete files, and the journal does not have its end. Their rows \
             count as changes"
        ),
        None => Ok(()),
    }
}

fn client(client: &ClientState) -> String {
    let last = client.last.as_deref().unwrap_or("none");
    let rows = client.rows.iter().map(|(class, rows)| format!("{} {class}", HumanCount(*rows)));
    format!("last row {last}; {}", rows.collect::<Vec<_>>().join(", "))
}

fn moved(movement: &Movement) -> String {
    match movement {
        Movement::Uploads { rows, newest } => format!(
            "{rows} uploads to MogileFS are under way, the newest with fid {}: rows of the table `tempfile`. \
             MogileFS deletes the row of one that was given up after an hour",
            newest.unwrap_or_default()
        ),
        Movement::HighestFid { before, now } if now > before => {
            format!("MogileFS stored a file: fid {}", now.unwrap_or_default())
        }
        Movement::HighestFid { before, .. } => {
            format!("fid {}, the highest one, was deleted", before.unwrap_or_default())
        }
        Movement::TrackersAhead(fid) => format!(
            "the trackers have fid {fid}, and MOGILE_DATABASE_URL does not: it is a copy, a replica that lags, or \
             the database of other trackers"
        ),
        Movement::ContentrepoRow(id) => format!("contentrepo has a new row in `objects`: id {id}"),
        Movement::RhinoRow(id) => {
            format!("rhino has another last row in `articleFile`: fileId {id}")
        }
        Movement::NodeWrites { node, before, now } => format!(
            "contentrepo's node {} writes: writesSinceStart was {before} and is {now}",
            printable(node)
        ),
        Movement::NodeRestarted(node) => format!(
            "contentrepo's node {} was started anew. What it wrote before that is not known",
            printable(node)
        ),
    }
}

const fn changed(change: &StateChange) -> &'static str {
    match change {
        StateChange::Settings => "the settings are not those of the freeze",
        StateChange::Content => {
            "files of mapped buckets changed: one was stored, renamed from an upload, or deleted"
        }
        StateChange::OtherRows => {
            "other rows of MogileFS changed: unfinished uploads, files of other buckets, or rows without a key"
        }
        StateChange::FileStored => "MogileFS stored a file: its highest fid rose",
        StateChange::LastFileDeleted => "the file of MogileFS's highest fid was deleted",
        StateChange::Uploads => "an upload to MogileFS is under way",
        StateChange::Contentrepo => "contentrepo's rows changed",
        StateChange::Rhino => "rhino's rows changed",
        StateChange::NodeWrites => "a node of contentrepo has written",
    }
}
