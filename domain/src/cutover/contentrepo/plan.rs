//! Which of contentrepo's buckets get which names, and what stands in the way.

use std::collections::BTreeMap;

use crate::journal::{NameRename, NamesBefore};
use crate::ports::{BucketRename, RepoBucket};
use crate::{BucketMap, RepoBucketName};

/// What is to become of contentrepo's buckets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepoPlan {
    /// The buckets that get another name, in the order of the map.
    pub renames: Vec<BucketRename>,
    /// Mapped buckets whose S3 bucket has the same name: they need no statement.
    pub same: Vec<RepoBucket>,
    /// Buckets that are ignored: they keep their names.
    pub ignored: Vec<RepoBucket>,
    /// Mapped names that contentrepo does not have.
    pub absent: Vec<String>,
    /// Buckets that differ from a new name by case alone. Whether both can be there, the column's collation
    /// decides.
    pub alike: Vec<(BucketRename, RepoBucket)>,
}

/// Why contentrepo's names are not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepoRefusal {
    /// No bucket bears a mapped name: the database is another store's, or the map is wrong.
    #[error(
        "no bucket of contentrepo bears a name of BUCKETS. It has {}; compare the names with BUCKETS, byte for \
         byte, and the URL with contentrepo's own",
        named(.has)
    )]
    NothingMapped {
        /// The names that it has.
        has: Vec<String>,
    },
    /// A bucket is neither mapped nor ignored.
    #[error(
        "contentrepo's bucket `{}` (bucketId {}) is neither in BUCKETS nor in IGNORE_BUCKETS, byte for byte: {}",
        .0.name, .0.id, known_by(&.0.name)
    )]
    Unmapped(RepoBucket),
    /// A bucket bears the new name of a mapped one already, and the journal knows of no change. It was
    /// renamed by hand, and nothing could be taken back.
    #[error(
        "contentrepo's bucket `{}` (bucketId {}) bears the S3 name of `{old}` already, and the journal has no \
         cut-over of it: it was renamed or made by hand, and no backup has its name of before. Give it the name \
         `{old}` again, or another name where it is another bucket",
        bucket.name, bucket.id
    )]
    BearsNewName {
        /// The bucket.
        bucket: RepoBucket,
        /// The mapped name.
        old: String,
    },
    /// A bucket bears the new name already, except for blanks at its end.
    #[error(
        "contentrepo's bucket `{}` (bucketId {}) is in the way of `{}`, which bucketId {} is to get: blanks at \
         the end do not tell two names apart. Give it another name first",
        with.name, with.id, rename.to, rename.id
    )]
    Collision {
        /// What was to be done.
        rename: BucketRename,
        /// The bucket in its way.
        with: RepoBucket,
    },
    /// No backup was asked for, and this change needs one.
    #[error("no backup: name a new file with --backup FILE")]
    NoBackup,
    /// The backup that is there is of other rows.
    #[error("the backup cannot be used: {0}. Name another file")]
    OtherBackup(String),
    /// The journal says other things than when the gates were looked at.
    #[error(
        "an entry was written to the journal while the gates were looked at. Read it with `mogile2s3 runbook \
         export`, then run this again"
    )]
    Overtaken,
    /// A way back is under way.
    #[error(
        "entry {0} of the journal says that contentrepo's way back was begun, and no entry says that it is done: \
         bring it to its end first, `mogile2s3 cutover contentrepo --revert --execute`"
    )]
    UnderWayBack(u64),
    /// rhino's cut-over is not taken back.
    #[error(
        "rhino's rows bear the S3 names, or may: take them back first, `mogile2s3 cutover rhino --revert`"
    )]
    RhinoFirst,
    /// The journal knows of no cut-over.
    #[error(
        "the journal has no cut-over of contentrepo that could be taken back. Where the journal was lost give the \
         backup: --from FILE"
    )]
    NothingToTakeBack,
    /// The change that the journal knows is of another database.
    #[error(
        "the names of before are of the database `{known}`, and this one is `{now}`: give the URL of the same \
         database. Where it is the same database, which moved or has another host name since, take the change \
         back with `mogile2s3 cutover contentrepo --revert --database-was {known}`"
    )]
    OtherDatabase {
        /// Host, port and name in the journal or in the backup.
        known: String,
        /// Host, port and name now.
        now: String,
    },
    /// The database is not the one that the operator takes it for.
    #[error(
        "`{now}` is not the database that was `{known}` before: {found}. Give the URL of the same database"
    )]
    NotTheSame {
        /// Host, port and name in the journal or in the backup.
        known: String,
        /// Host, port and name now.
        now: String,
        /// A bucket that shows it.
        found: String,
    },
    /// The map is not the one of the change that was begun.
    #[error(
        "the change was begun with BUCKETS={}, and BUCKETS is another one now: set it as it was", known.join(",")
    )]
    OtherMap {
        /// The renames of that change, as `old:new`.
        known: Vec<String>,
    },
    /// The names that the journal or the backup has cannot be used.
    #[error(
        "the names that the journal or the backup has are not whole: give the other one of both"
    )]
    Unusable,
}

/// How the settings come to know a name.
fn known_by(name: &str) -> &'static str {
    if name.contains(char::is_whitespace) {
        "no setting can hold a name with white space, so rename it in contentrepo first"
    } else {
        "add it to one of them"
    }
}

/// Names in an error.
const NAMED: usize = 20;

fn named(names: &[String]) -> String {
    let mut shown: Vec<_> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    if names.len() > NAMED {
        shown.push(format!("and {} more", names.len() - NAMED));
    }
    if shown.is_empty() { "none at all".to_owned() } else { shown.join(", ") }
}

/// Decides which buckets are renamed. All refusals come at once. Names are compared byte for byte.
pub fn plan_contentrepo(
    found: &[RepoBucket],
    buckets: &BucketMap,
) -> Result<RepoPlan, Vec<RepoRefusal>> {
    let (mut plan, mut refused) = (RepoPlan::default(), Vec::new());
    for bucket in found {
        match buckets.repo_bucket(&bucket.name) {
            RepoBucketName::Mapped(_) => {}
            RepoBucketName::Renamed(old) => {
                let (bucket, old) = (bucket.clone(), old.to_string());
                refused.push(RepoRefusal::BearsNewName { bucket, old });
            }
            RepoBucketName::Ignored => plan.ignored.push(bucket.clone()),
            RepoBucketName::Unmapped => refused.push(RepoRefusal::Unmapped(bucket.clone())),
        }
    }
    for (old, new) in buckets.pairs() {
        let Some(bucket) = found.iter().find(|bucket| bucket.name == old.as_str()) else {
            plan.absent.push(old.to_string());
            continue;
        };
        if new.as_str() == bucket.name {
            plan.same.push(bucket.clone());
            continue;
        }
        let (from, to) = (bucket.name.clone(), new.to_string());
        let rename = BucketRename { id: bucket.id, from, to };
        for with in found.iter().filter(|with| with.id != bucket.id && with.name != rename.to) {
            let (rename, with) = (rename.clone(), with.clone());
            if with.name.trim_end_matches(' ') == rename.to {
                refused.push(RepoRefusal::Collision { rename, with });
            } else if with.name.trim_end_matches(' ').eq_ignore_ascii_case(&rename.to) {
                plan.alike.push((rename, with));
            }
        }
        plan.renames.push(rename);
    }
    if plan.renames.is_empty() && plan.same.is_empty() {
        let has = found.iter().map(|bucket| bucket.name.clone()).collect();
        // What is there under a new name is said by itself.
        if !refused.iter().any(|it| matches!(it, RepoRefusal::BearsNewName { .. })) {
            refused.insert(0, RepoRefusal::NothingMapped { has });
        }
    }
    if refused.is_empty() { Ok(plan) } else { Err(refused) }
}

impl RepoPlan {
    /// What the journal and the backup keep. `last` is the highest row id of `objects`.
    pub(super) fn names_before(&self, found: &[RepoBucket], last: Option<String>) -> NamesBefore {
        let rename = |BucketRename { id, from, to }: &BucketRename| NameRename {
            id: Some(id.to_string()),
            from: from.clone(),
            to: to.clone(),
        };
        let mut rows = BTreeMap::new();
        for bucket in found {
            *rows.entry(bucket.name.clone()).or_default() += 1;
        }
        NamesBefore {
            renames: self.renames.iter().map(rename).collect(),
            rows,
            nameless: 0,
            last,
            index: None,
            create_table: None,
            kept: None,
        }
    }
}
