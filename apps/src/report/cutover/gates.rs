//! The gates of a change, one by one.

use std::fmt::{self, Write};

use domain::cutover::{
    FreezeCheck, FreezeSeen, Gate, IngestedSeen, LeftBehind, LeftBehindSeen, OrderSeen,
    UnmappedBucket,
};
use domain::journal::{ClientDatabase, Direction};
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use super::{command, evidence};
use crate::report::shell::{printable, quoted};

/// A gate, in words.
#[derive(Debug, Serialize)]
pub struct GateLine {
    /// Its name.
    pub gate: &'static str,
    /// Whether it lets the change go on.
    pub open: bool,
    /// What was found.
    pub found: Vec<String>,
    /// What opens it.
    pub next: Option<String>,
    /// The operator's reason, where it is closed and overridden.
    pub overridden: Option<String>,
}

/// What becomes of a closed gate that an operator overrides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overriding {
    /// The gate's name.
    pub gate: &'static str,
    /// The operator's reason.
    pub reason: String,
    /// Why it cannot be.
    pub refusal: Option<String>,
}

impl GateLine {
    /// What was found at all gates of a change of this database.
    pub fn all(gates: &[Gate], database: ClientDatabase) -> Vec<Self> {
        let is_so = |gate: &Gate| matches!(gate, Gate::Verified(seen) if seen.without_queue);
        let without_queue = gates.iter().any(is_so);
        gates.iter().map(|gate| Self::new(gate, database, without_queue)).collect()
    }

    /// What was found at a gate.
    pub fn new(gate: &Gate, database: ClientDatabase, without_queue: bool) -> Self {
        let (found, next) = match gate {
            Gate::Freeze(seen) => freeze(seen),
            Gate::Unmapped(all) => unmapped(all),
            Gate::LeftBehind(seen) => left_behind(seen),
            Gate::Order(seen) => order(*seen, database),
            Gate::Ingested(seen) => ingested(*seen),
            Gate::Audit(seen) => evidence::audit(seen, without_queue),
            Gate::Verify(seen) => evidence::verify(seen, without_queue),
            Gate::Verified(seen) => evidence::verified(seen),
            Gate::Queue(seen) => evidence::queue(seen),
        };
        let open = gate.is_open();
        let (next, overridden) = (next.filter(|_| !open), None);
        Self { gate: gate.name(), open, found, next, overridden }
    }

    /// Notes that it is overridden, or why it cannot be.
    pub(super) fn note(&mut self, Overriding { reason, refusal, .. }: &Overriding) {
        match refusal {
            None => self.overridden = Some(reason.clone()),
            Some(why) => self.found.push(format!("--override: {why}")),
        }
    }

    pub(super) fn write(&self, out: &mut String) -> fmt::Result {
        let word = match (self.open, &self.overridden) {
            (true, _) => "ok",
            (false, None) => "REFUSED",
            (false, Some(_)) => "OVERRIDDEN",
        };
        let mut found = self.found.iter();
        let first = found.next().map_or("", String::as_str);
        writeln!(out, "  {word:<8} {:<12} {}", self.gate, printable(first))?;
        for line in found {
            writeln!(out, "{:24}{}", "", printable(line))?;
        }
        if let Some(reason) = &self.overridden {
            writeln!(out, "{:24}OVERRIDDEN, because: {}", "", printable(reason))?;
        }
        self.next.iter().try_for_each(|next| writeln!(out, "{:24}→ {}", "", printable(next)))
    }
}

/// What was found, and what opens the gate.
pub(super) type Words = (Vec<String>, Option<String>);

fn freeze(FreezeSeen { check, is_full }: &FreezeSeen) -> Words {
    let again =
        || Some("`mogile2s3 freeze --means TEXT`, then migrate and verify again".to_owned());
    let (found, next) = match check {
        FreezeCheck::None => (
            "the journal has no freeze".to_owned(),
            Some("stop all writes, then `mogile2s3 freeze --means TEXT`".to_owned()),
        ),
        FreezeCheck::Ended(freeze) => {
            let ended = freeze.ended.as_ref();
            let fid = ended.map(|ended| ended.fid.to_string()).unwrap_or_default();
            let words =
                format!("`rekey` of fid {fid} ended the freeze of entry {}", freeze.sequence);
            (words, again())
        }
        FreezeCheck::OtherSettings { freeze, .. } => (
            format!("the freeze of entry {} is of other settings", freeze.sequence),
            Some(
                "`mogile2s3 freeze check` shows them: set them as they were, or freeze again"
                    .to_owned(),
            ),
        ),
        FreezeCheck::Overtaken => (
            "an entry was written to the journal meanwhile that changes the store".to_owned(),
            Some("run this again".to_owned()),
        ),
        FreezeCheck::Compared { freeze, .. } if check.holds() && *is_full => {
            (format!("the freeze of entry {} holds: every row was read", freeze.sequence), None)
        }
        FreezeCheck::Compared { freeze, .. } if check.holds() => {
            let words = "holds by the last row of each table. `--execute` reads every row";
            (format!("the freeze of entry {} {words}", freeze.sequence), None)
        }
        FreezeCheck::Compared { freeze, .. } => (
            format!("the freeze of entry {} DOES NOT HOLD", freeze.sequence),
            Some("`mogile2s3 freeze check` says what changed".to_owned()),
        ),
    };
    (vec![found], next)
}

fn unmapped(all: &[UnmappedBucket]) -> Words {
    if all.is_empty() {
        return (
            vec!["BUCKETS or IGNORE_BUCKETS names every bucket of both clients".to_owned()],
            None,
        );
    }
    let mut found =
        vec!["neither BUCKETS nor IGNORE_BUCKETS names these, byte for byte:".to_owned()];
    found.extend(all.iter().map(|UnmappedBucket { bucket, is_in_contentrepo, files }| {
        let place = if *is_in_contentrepo { "in contentrepo, " } else { "not in contentrepo, " };
        format!("`{bucket}`: {place}{} of rhino's rows", HumanCount(*files))
    }));
    (found, Some("add each to one of them".to_owned()))
}

fn left_behind(LeftBehindSeen { unnamed, named }: &LeftBehindSeen) -> Words {
    let words = |LeftBehind { bucket, held, files }: &LeftBehind| {
        let unknown = match held.of_unknown_size {
            0 => String::new(),
            rows => format!(" and {} of unknown size", HumanCount(rows)),
        };
        format!(
            "`{bucket}`: {} of contentrepo's objects, {}{unknown}; {} of rhino's rows",
            HumanCount(held.objects),
            HumanBytes(held.bytes),
            HumanCount(*files)
        )
    };
    let mut found = Vec::new();
    if !unnamed.is_empty() {
        let why = "ignored buckets have content. contentrepo has one store: behind its cut-over no client can read";
        found.push(why.to_owned());
        found.extend(unnamed.iter().map(words));
    }
    if !named.is_empty() {
        found.push("left behind, because --left-behind names them:".to_owned());
        found.extend(named.iter().map(words));
    }
    if found.is_empty() {
        found.push("no ignored bucket has content".to_owned());
    }
    let all: Vec<_> = unnamed.iter().chain(named).map(|it| it.bucket.as_str()).collect();
    let next = format!(
        "map and migrate them; or, where no client needs them: --left-behind {}",
        quoted(&all.join(","))
    );
    (found, Some(next))
}

fn order(seen: OrderSeen, database: ClientDatabase) -> Words {
    let (found, next) = match seen {
        OrderSeen::InTurn => {
            return (vec!["contentrepo first, then rhino; back rhino first".to_owned()], None);
        }
        OrderSeen::ContentrepoFirst => (
            "contentrepo's cut-over is not done: rhino's rows would name buckets that it does not have".to_owned(),
            "`mogile2s3 cutover contentrepo`".to_owned(),
        ),
        OrderSeen::RhinoFirst(_) => (
            "rhino's rows bear the S3 names, or some do".to_owned(),
            "`mogile2s3 cutover rhino --revert`".to_owned(),
        ),
        OrderSeen::RhinoHasNewNames(rows) => (
            format!(
                "{} of rhino's rows bear an S3 name, and the journal knows nothing of rhino's cut-over",
                HumanCount(rows)
            ),
            "`mogile2s3 cutover rhino --revert --from FILE`, with rhino's backup".to_owned(),
        ),
        OrderSeen::UnderWayBack => (
            "a way back was begun, and is not at its end".to_owned(),
            format!("`{} --execute`", command(database, Direction::ToMogile)),
        ),
    };
    (vec![found], Some(next))
}

fn ingested(IngestedSeen { objects, files, is_listed }: IngestedSeen) -> Words {
    if objects == 0 && files == 0 {
        return (vec!["no content came since the cut-over".to_owned()], None);
    }
    let mut found = vec![format!(
        "{} of contentrepo's objects and {} of rhino's rows came since the cut-over",
        HumanCount(objects),
        HumanCount(files)
    )];
    if is_listed {
        found.push("they are listed: their content is readable from S3 only".to_owned());
    } else {
        found
            .push("their content is in S3 only: contentrepo on MogileFS cannot read it".to_owned());
    }
    (found, Some("list them, and go back: --leave-behind FILE".to_owned()))
}
