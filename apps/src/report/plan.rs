//! What `plan` prints.

mod alike;
mod arrived;
mod bill;
mod clients;
pub mod compare;
mod in_parts;
mod refused;
mod replicas;
mod time;
mod unmapped;
mod verdicts;
mod window;

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use domain::doctor::{
    Arrived, Census, CostLine, DataCosts, KeysAlike, Pace, RequestsNeeded, RhinoRows, Stage,
    TimeNeeded, TypesPlanned, VerdictNeeded, VerdictSize, Window, WindowSize, costs, verdicts,
};
use domain::ports::DatabaseError;
use domain::prices::Unit;
use domain::{BucketMap, Prices, Reason, Stopped, Tally};
use indicatif::{HumanBytes, HumanCount};
use serde::{Serialize, Serializer};

use self::alike::write_alike;
use self::arrived::{write_arrived, write_not_listed};
use self::bill::{write_beside, write_stages, write_to_be_read, write_without_job};
use self::clients::of_clients;
use self::in_parts::write_in_parts;
use self::refused::write_refused;
use self::replicas::write_below_mindevcount;
use self::time::{batches_outlast, write_time};
use self::unmapped::write_unmapped;
use self::verdicts::write_verdicts;
use self::window::write_window;
use super::Report;
use super::sample::{write_rejected, write_stopped};
use super::shell::printable;
use super::table::{Table, write_other_domains};
use crate::exit::Verdict;

/// The whole index, counted.
#[derive(Debug, Serialize)]
pub struct PlanReport {
    #[serde(flatten)]
    census: Census,
    /// What the settings alone show to be wrong with the way after the migration, and the ways out.
    hazards: Vec<String>,
    /// What would keep a stock contentrepo from the buckets, where no setting says that it reads them.
    cautions: Vec<String>,
    /// Keys that differ only in case.
    keys_alike: KeysAlike,
    /// Why not all of them could be looked for.
    keys_unread: Option<String>,
    costs: Vec<CostLine>,
    /// The lines of what is left; none where S3 was not listed.
    costs_left: Option<Vec<CostLine>>,
    /// Why S3 could not be listed, or the ledger not be read.
    unlisted: Option<String>,
    data_costs: DataCosts,
    /// How long a first migration takes.
    time: TimeNeeded,
    /// The same of what is left; none where S3 was not listed.
    time_left: Option<TimeNeeded>,
    /// What both rest on.
    pace: Pace,
    /// What `audit` and `verify` cost and take behind a first migration.
    verdicts: Vec<VerdictNeeded>,
    /// What contentrepo's database has of types and names; none where it is not named or not read.
    types: Option<TypesPlanned>,
    /// Why it could not be read.
    types_unread: Option<String>,
    /// The maintenance window; none where it was not asked for, or not every row was counted.
    window: Option<Window>,
    /// Why the rows of rhino could not be counted.
    rhino_unread: Option<String>,
    #[serde(serialize_with = "by_region")]
    prices: Prices,
    /// The old name of each S3 bucket.
    #[serde(skip)]
    old_names: BTreeMap<String, String>,
    #[serde(flatten)]
    verdict: Verdict,
}

/// What the window depends on beside the counts.
#[derive(Debug, Clone, Copy)]
pub struct WindowAsked {
    /// How many files come in before it.
    pub ingested: u64,
    /// Whether the index is read through the trackers.
    pub by_trackers: bool,
}

/// What was found beside the index.
#[derive(Default)]
pub struct Beside {
    /// What contentrepo's database has of types and names, where it is named.
    pub types: Option<Result<TypesPlanned, Reason>>,
    /// Why S3 could not be listed.
    pub unlisted: Option<Reason>,
    /// What the window depends on, where it is asked for.
    pub window: Option<WindowAsked>,
    /// The rows of rhino, where its database is named and the window is asked for.
    pub rhino: Option<Result<RhinoRows, DatabaseError>>,
    /// What the time depends on.
    pub pace: Pace,
    /// Keys that differ only in case.
    pub alike: KeysAlike,
    /// Why not all of them could be looked for.
    pub alike_unread: Option<Reason>,
    /// What hinders a stock contentrepo, if there is one.
    pub cautions: Vec<String>,
}

/// The lines of what is left. Files are verified whether they are left or not.
fn costs_left(
    arrived: &Arrived,
    (pace, time): (Pace, &TimeNeeded),
    prices: &Prices,
) -> Vec<CostLine> {
    let mut lines = costs(&arrived.requests_left, (pace, time), prices);
    lines.retain(|line| line.stage != Stage::Verification);
    lines
}

fn by_region<S: Serializer>(prices: &Prices, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{}, {}", prices.region, prices.as_of))
}

impl PlanReport {
    /// What the census costs by these prices. Rejected rows and hazards are findings.
    pub fn new(
        census: Census,
        mut hazards: Vec<String>,
        prices: &Prices,
        buckets: &BucketMap,
        Beside { types, unlisted, window, rhino, pace, alike, alike_unread, mut cautions }: Beside,
    ) -> Self {
        let (types, unread) = match types.transpose() {
            Ok(types) => (types, None),
            Err(reason) => (None, Some(reason)),
        };
        let (rhino, rhino_unread) = match rhino.transpose() {
            Ok(rows) => (rows, None),
            Err(error) => (None, Some(error.to_string())),
        };
        hazards.extend(of_clients(types.as_ref(), rhino.as_ref()));
        let absent = census.arrived.as_ref().map_or(0, |it| it.proven_and_absent.files);
        let differs = !census.rejected.is_empty() || !hazards.is_empty() || absent > 0;
        let types_unread = unread.as_ref().map(ToString::to_string);
        let keys_unread = alike_unread.as_ref().map(ToString::to_string);
        let troubles = unread.or_else(|| unlisted.clone()).or(alike_unread).map(Stopped::Trouble);
        let stopped = census.stopped.clone().or(troubles);
        let mut files = Tally::default();
        census.source.values().for_each(|tally| files.merge(*tally));
        let window = window.filter(|_| census.stopped.is_none()).map(|asked| {
            Window::of(WindowSize {
                index_rows: census.rows + census.other_domains,
                files: census.requests_needed.files(),
                ingested: asked.ingested,
                repo_rows: types.as_ref().map_or(0, |types| types.rows_read),
                by_trackers: asked.by_trackers,
                rhino_rows: rhino.map(|rows| rows.changing),
            })
        });
        let verdict = match (&stopped, &rhino_unread) {
            (None, Some(_)) => Verdict::of_checks(true, differs),
            (stopped, _) => Verdict::of(stopped.as_ref(), differs),
        };
        let needed = &census.requests_needed;
        let time = TimeNeeded::of(needed, pace);
        let arrived = census.arrived.as_ref();
        let time_left = arrived.map(|it| TimeNeeded::of(&it.requests_left, pace));
        let left = arrived.zip(time_left.as_ref());
        cautions.extend(batches_outlast(time_left.as_ref().unwrap_or(&time), pace));
        Self {
            verdict,
            window,
            rhino_unread,
            costs: costs(needed, (pace, &time), prices),
            costs_left: left.map(|(it, time)| costs_left(it, (pace, time), prices)),
            unlisted: unlisted.map(|why| why.to_string()),
            data_costs: DataCosts::of(files, needed, &time, prices),
            time,
            time_left,
            pace,
            verdicts: verdicts(VerdictSize::of(&census, buckets), pace, prices),
            prices: prices.clone(),
            types,
            types_unread,
            old_names: buckets
                .pairs()
                .map(|(old, new)| (new.to_string(), old.to_string()))
                .collect(),
            census,
            hazards,
            cautions,
            keys_alike: alike,
            keys_unread,
        }
    }

    /// A bill for people. Nothing where not every row was counted: it would be too small.
    fn write_costs(&self, out: &mut String) -> fmt::Result {
        if self.census.stopped.is_some() || self.costs.is_empty() {
            return Ok(());
        }
        let Prices { region, as_of, .. } = &self.prices;
        writeln!(
            out,
            "What it costs by the prices of {region} ({as_of}), where every try succeeds:"
        )?;
        let stages = [
            (Stage::Migration, "a first migration, and a pass that finds nothing to do"),
            (Stage::Queue, "and by the queue and the function"),
            (Stage::Verification, "a verification by the function"),
        ];
        write_stages(out, &self.costs, &stages, &self.prices)?;
        let rejected: u64 = self.census.rejected.values().map(|sample| sample.files).sum();
        if rejected > 0 {
            writeln!(out, "  The {} rejected rows are not in these sums.", HumanCount(rejected))?;
        }
        write_without_job(out, self.census.requests_needed.without_job)?;
        write_beside(out, self.data_costs, &self.prices)?;
        self.write_way(out)?;
        write_time(out, &self.time, self.pace)?;
        write_verdicts(out, &self.verdicts, &self.prices)?;
        self.write_left(out)
    }

    /// The same of what is left, where S3 was listed.
    fn write_left(&self, out: &mut String) -> fmt::Result {
        let (Some(arrived), Some(lines)) = (&self.census.arrived, &self.costs_left) else {
            return Ok(());
        };
        let files = arrived.requests_left.files();
        if files == 0 {
            return writeln!(out, "Nothing of it is left: the ledger has a proof of each file.");
        }
        writeln!(
            out,
            "What is left of it: {} files that the ledger has no proof of, or that are not there:",
            HumanCount(files)
        )?;
        let stages = [
            (Stage::Migration, "their migration, and a pass that finds nothing to do"),
            (Stage::Queue, "and by the queue and the function"),
        ];
        write_stages(out, lines, &stages, &self.prices)?;
        write_to_be_read(out, arrived.requests_left.to_be_read, &self.prices)?;
        self.time_left.iter().try_for_each(|time| write_time(out, time, self.pace))
    }

    /// By which way the files come.
    fn write_way(&self, out: &mut String) -> fmt::Result {
        let RequestsNeeded { by_copy, by_mogile, .. } = &self.census.requests_needed;
        let assumed = match &self.census.arrived {
            Some(_) => "by the listing",
            None => "assumed: S3 was not looked at",
        };
        writeln!(
            out,
            "  {} files ({}) come by copy, and {} ({}) from MogileFS, {assumed}.",
            HumanCount(by_copy.files),
            HumanBytes(by_copy.bytes),
            HumanCount(by_mogile.files),
            HumanBytes(by_mogile.bytes)
        )
    }

    /// What is in S3 already, or why nobody knows.
    fn write_arrived(&self, out: &mut String) -> fmt::Result {
        if let Some(why) = &self.unlisted {
            return writeln!(
                out,
                "WHAT IS IN S3 IS UNKNOWN: {}\n  → `mogile2s3 doctor` checks buckets, table and permissions. \
                 Then run this again",
                printable(why)
            );
        }
        if self.census.stopped.is_some() {
            return Ok(());
        }
        if let Some(arrived) = &self.census.arrived {
            let files = self.census.requests_needed.files();
            return write_arrived(out, arrived, files, &self.prices);
        }
        let buckets = self.old_names.len() as u64;
        write_not_listed(out, self.census.requests_needed.files(), buckets, &self.prices)
    }

    /// Where types and names come from, or what it costs to do without.
    fn write_types(&self, out: &mut String) -> fmt::Result {
        if let Some(types) = &self.types {
            let (rows, kept) = (HumanCount(types.rows), HumanCount(types.rows_kept));
            writeln!(
                out,
                "Types and names come from {rows} rows of contentrepo's database. While they are used, {kept} \
                 rows of the buckets that migrate take about {} in --spool-dir.",
                HumanBytes(types.spool_bytes)
            )?;
            return write_refused(out, types);
        }
        if let Some(why) = &self.types_unread {
            return writeln!(
                out,
                "TYPES AND NAMES ARE UNKNOWN: {why}\n  → start the database, or correct \
                 CONTENTREPO_DATABASE_URL, then run this again"
            );
        }
        let files: u64 = self.census.source.values().map(|tally| tally.files).sum();
        writeln!(
            out,
            "The objects get no content types and download names: CONTENTREPO_DATABASE_URL is not set. To \
             give them to {} objects later costs {} of COPYs.",
            HumanCount(files),
            self.prices.of(files, Unit::S3Write)
        )
    }
}

impl Report for PlanReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let census = &self.census;
        let highest = census.highest_fid.map(|fid| format!(", up to fid {fid}"));
        writeln!(out, "{} rows{}", HumanCount(census.rows), highest.unwrap_or_default())?;
        let mut table = Table::of_buckets(out);
        for (bucket, tally) in &census.source {
            let old = self.old_names.get(bucket).map(|old| format!("{old} ")).unwrap_or_default();
            table.tally(&format!("{old}to {bucket}"), *tally)?;
        }
        table.tally("temporary (.tmp)", census.temporary)?;
        table.tally("in ignored buckets", census.ignored)?;
        table.count("rejected", census.rejected.values().map(|sample| sample.files).sum())?;
        write_in_parts(out, census.in_parts)?;
        if census.one_replica.files > 0 {
            let files = HumanCount(census.one_replica.files);
            writeln!(out, "Of the files to be migrated {files} have one replica alone.")?;
        }
        write_below_mindevcount(out, census)?;
        write_other_domains(out, census.other_domains)?;
        write_rejected(out, &census.rejected)?;
        write_unmapped(out, census)?;
        for bucket in &census.without_rows {
            let bucket = printable(bucket);
            writeln!(out, "No row of the index is in `{bucket}`, which BUCKETS names.")?;
        }
        self.write_arrived(out)?;
        self.write_costs(out)?;
        self.write_types(out)?;
        self.window.iter().try_for_each(|window| write_window(out, window))?;
        if let Some(why) = &self.rhino_unread {
            writeln!(
                out,
                "THE ROWS OF RHINO ARE NOT COUNTED: {}\n  → start the database, or correct \
                 RHINO_DATABASE_URL, then run this again",
                printable(why)
            )?;
        }
        write_alike(out, &self.keys_alike, self.keys_unread.as_deref())?;
        self.cautions.iter().try_for_each(|caution| writeln!(out, "CAUTION: {caution}"))?;
        self.hazards.iter().try_for_each(|hazard| writeln!(out, "HAZARD: {hazard}"))?;
        census.stopped.iter().try_for_each(|stopped| write_stopped(out, stopped))
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}
