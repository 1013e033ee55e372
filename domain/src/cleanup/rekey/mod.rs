//! Corrects the key of a file whose content hashes to another SHA-1 than the key says.

mod change;
mod evidence;
mod outcome;
mod referring;
mod scan;

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{self, Either};

use self::evidence::NewKey;
use self::outcome::Verdict;
use super::gate::CleanupRefusal;
use super::look::{Look, Looker};
use super::replicas::ReplicaReader;
use super::stop::StopRequest;
use super::witness::Witness;
use crate::migrate::require_domain;
use crate::ports::{
    Clock, ContentRepoDatabase, Journal, KeyChanges, RowId, SourceFiles, SourceIndex,
};
use crate::retried::retried;
use crate::summary::Stopped;
use crate::{BucketMap, Dkey, Fid, IndexRow, Reason, RowClass, Sha1, SourceFile};

pub use self::outcome::{ReadReplica, ReferringRow, RekeyOutcome, Rekeying};
pub use self::scan::{KeyScan, ScanPorts, WrongKey, scan_keys};

/// What the correction of a key reaches.
pub struct RekeyPorts {
    /// The index of MogileFS.
    pub index: Arc<dyn SourceIndex>,
    /// The files of MogileFS.
    pub files: Arc<dyn SourceFiles>,
    /// contentrepo's database.
    pub content_repo: Arc<dyn ContentRepoDatabase>,
    /// The journal of the migration.
    pub journal: Arc<dyn Journal>,
    /// This machine's clock.
    pub clock: Arc<dyn Clock>,
}

/// Which key is to be corrected, and how.
pub struct RekeyPlan<'a> {
    /// The buckets that migrate.
    pub buckets: &'a BucketMap,
    /// The file's number.
    pub fid: Fid,
    /// The key that it has.
    pub from: Dkey,
    /// The SHA-1 that its content is expected to have, where one is.
    pub to: Option<Sha1>,
    /// Whether anything is changed.
    pub mode: RekeyMode,
    /// A random number of this process.
    pub salt: u64,
    /// Ends when somebody asks to stop. A change that is begun is brought to its end.
    pub stop: StopRequest,
}

/// Whether a key is changed.
pub enum RekeyMode {
    /// It is not, and nothing is written into the journal.
    DryRun,
    /// Yes.
    Change {
        /// Who writes into the journal.
        by: String,
        /// What changes it.
        way: RekeyWay,
    },
}

/// What changes a key.
pub enum RekeyWay {
    /// A statement in MogileFS's database.
    Database(Arc<dyn KeyChanges>),
    /// A tracker's rename.
    Tracker,
}

/// A correction whose end the journal does not have.
pub struct Unrecorded {
    /// Why it has not.
    pub why: CleanupRefusal,
    /// What came of it, where it was begun.
    pub rekeying: Option<Box<Rekeying>>,
}

/// Corrects a key, when every replica of the file proves that it is wrong, the new key is free, and
/// contentrepo does not refer to the old one any more. Otherwise nothing is changed, and the outcome says
/// why.
pub async fn rekey(ports: &RekeyPorts, plan: &RekeyPlan<'_>) -> Result<Rekeying, Unrecorded> {
    let rekeying = Rekeying::new(plan.fid, ports.index.domain(), &plan.from);
    let reader = ReplicaReader::new(&*ports.files, &*ports.clock);
    let looker = Looker { index: &*ports.index, files: &*ports.files, clock: &*ports.clock };
    let mut step = Rekey { ports, plan, looker, reader, rekeying, referred_to: RowId::START };
    let examined = match future::select(pin!(step.examine()), plan.stop.clone()).await {
        Either::Left((examined, _)) => examined,
        Either::Right(((), _)) => Err(Verdict::Stopped(Stopped::Interrupted)),
    };
    match examined {
        Ok(()) => step.change().await,
        Err(verdict) => Ok(step.rekeying.with(verdict)),
    }
}

/// One correction.
struct Rekey<'a> {
    ports: &'a RekeyPorts,
    plan: &'a RekeyPlan<'a>,
    looker: Looker<'a>,
    reader: ReplicaReader<'a>,
    rekeying: Rekeying,
    /// The last row of contentrepo that was looked at.
    referred_to: RowId,
}

impl Rekey<'_> {
    /// Looks at everything that must be so before the key is changed. Errors with what ends it.
    async fn examine(&mut self) -> Result<(), Verdict> {
        let Looker { index, clock, .. } = self.looker;
        require_domain(index, clock).await.map_err(Verdict::Stopped)?;
        let file = self.file().await?;
        let key = file.dkey.to_string();
        self.require_as_seen(&key).await?;
        let read = self.witness().read(&file).await;
        let read = read.map_err(|error| evidence::unreadable(&error))?;
        self.rekeying.replicas = read.into_iter().map(ReadReplica::from).collect();
        let sha1 = evidence::content_of(&self.rekeying.replicas, file.length)?;
        self.rekeying.sha1 = Some(sha1);
        self.rekeying.length = Some(file.length);
        if sha1 == file.dkey.sha1 {
            return Err(if key == self.plan.from.to_string() {
                RekeyOutcome::Right.because("its content is what its key says")
            } else {
                self.already_so(&key).await
            });
        }
        if key != self.plan.from.to_string() {
            return Err(other_key(Some(&key)));
        }
        if let Some(wanted) = self.plan.to.filter(|wanted| *wanted != sha1) {
            return Err(RekeyOutcome::OtherContent.because(format!(
                "its content has SHA-1 {sha1}: neither the key says that, nor --to, which says {wanted}"
            )));
        }
        let new = Dkey { sha1, bucket: file.dkey.bucket.clone() };
        self.rekeying.to = Some(new.to_string());
        match self.place(&new).await? {
            NewKey::Free => self.require_unreferred().await,
            // It may be deleted then: the old key must not be needed any more for that, either.
            NewKey::Held(verdict @ Verdict::Ended(RekeyOutcome::Duplicate, _)) => {
                self.require_unreferred().await?;
                Err(verdict)
            }
            NewKey::Held(verdict) => Err(verdict),
        }
    }

    /// Its key is right, and another one than was expected. Where another file has that one, the fid was
    /// mistaken.
    async fn already_so(&mut self, key: &str) -> Verdict {
        match self.looker.ask(&self.plan.from.to_string()).await {
            Ok(None) => {}
            Ok(Some(fid)) => {
                return RekeyOutcome::OtherKey.because(format!(
                    "its row has the key `{key}`, which is right; the key of --from is that of fid {fid}"
                ));
            }
            Err(error) => return RekeyOutcome::Unreadable.because(error.to_string()),
        }
        // The run that changed it may not have been able to look.
        match self.require_unreferred().await {
            Ok(()) => RekeyOutcome::AlreadySo.because(format!(
                "its key is `{key}` by now, and right; no file has the key of --from any more"
            )),
            Err(Verdict::Referred { rows, of, .. }) => {
                self.rekeying.to = Some(key.to_owned());
                Verdict::Referred { rows, of, is_changed: true }
            }
            Err(verdict) => verdict,
        }
    }

    fn witness(&self) -> Witness<'_> {
        Witness { looker: self.looker, reader: &self.reader }
    }

    /// The file, with the key that it has now.
    async fn file(&self) -> Result<SourceFile, Verdict> {
        let fid = self.plan.fid;
        let row = retried(self.looker.clock, fid.0, || self.looker.index.row(fid)).await;
        let row = row.map_err(|error| Verdict::Stopped(Stopped::Trouble(Reason::from(&error))))?;
        let Some(row) = row else {
            let domain = self.looker.index.domain();
            let why = format!("the MogileFS domain `{domain}` has no row of fid {fid}");
            return Err(RekeyOutcome::NoRow.because(why));
        };
        self.source_file(&row)
    }

    fn source_file(&self, row: &IndexRow) -> Result<SourceFile, Verdict> {
        let key = row.dkey.as_deref();
        // Another key of the same bucket may be what an earlier run has made of this one.
        let is_expected = key.and_then(Dkey::parse).is_some_and(|dkey| {
            dkey.bucket == self.plan.from.bucket
                && (dkey == self.plan.from || self.plan.to.is_none_or(|to| dkey.sha1 == to))
        });
        if !is_expected {
            return Err(other_key(key));
        }
        match row.classify(self.plan.buckets) {
            RowClass::Source(file) => Ok(file),
            RowClass::Rejected(why) => Err(RekeyOutcome::NotMigrated.because(why.to_string())),
            RowClass::Ignored | RowClass::Temporary => {
                let bucket = &self.plan.from.bucket;
                let why =
                    format!("its bucket `{bucket}` is ignored: no migration asks for its key");
                Err(RekeyOutcome::NotMigrated.because(why))
            }
        }
    }

    /// Errors unless the index and the trackers have the file under this key.
    async fn require_as_seen(&self, key: &str) -> Result<(), Verdict> {
        match self.looker.look(self.plan.fid, key).await.map_err(Verdict::Stopped)? {
            Look::AsSeen => Ok(()),
            Look::Changed => Err(RekeyOutcome::OtherKey.because("its key was changed meanwhile")),
            Look::Disagreement => {
                Err(RekeyOutcome::Unreadable.because(super::elsewhere::DISAGREEMENT))
            }
            Look::Unknown(why) => Err(RekeyOutcome::Unreadable.because(why)),
        }
    }
}

fn other_key(key: Option<&str>) -> Verdict {
    let found = key.map_or_else(|| "no key".to_owned(), |key| format!("the key `{key}`"));
    RekeyOutcome::OtherKey.because(format!("its row has {found}"))
}
