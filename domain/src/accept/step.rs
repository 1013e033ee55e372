//! Looks at every file that is to be accepted, and writes all of them into the journal, or none.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::evidence::{Evidence, in_s3};
use super::ledger::{end_proven, is_doubted, proven_since, record_of};
use super::plan::{
    AcceptMode, AcceptPlan, AcceptPorts, Accepting, AcceptingEnds, RefusalKind, RefusedFile,
};
use crate::cleanup::look::{Looker, Unseen};
use crate::cleanup::replicas::ReplicaReader;
use crate::cleanup::stop::is_asked;
use crate::cleanup::witness::{NamedReplica, Witness};
use crate::journal::{AcceptedFile, Content, LedgerThen};
use crate::migrate::require_domain;
use crate::ports::IndexError;
use crate::retried::retried;
use crate::runbook::{JournalWriter, read_decisions};
use crate::{
    Acceptances, BucketMap, Destination, Dkey, Fid, IndexRow, LedgerRecord, Reason, Rejection,
    RowClass, SourceFile, Stopped, limits,
};

/// What is said of one file.
enum Answer {
    Acceptable(AcceptedFile),
    Before,
    Refused(RefusalKind, String),
    NotLookedAt,
}

/// Looks at the files, and accepts them where every one of them may be.
///
/// The journal is opened before the first look: where another process writes into it meanwhile, nothing is
/// written. The ledger is asked once more when every file was looked at: a run may have proven one of them
/// meanwhile. A long list goes as several entries, each of which stands by itself: what was written before a
/// process ended is accepted, and the same command again writes the rest.
pub async fn accept_files(ports: &AcceptPorts, plan: &AcceptPlan<'_>) -> AcceptingEnds<Accepting> {
    let (journal, clock) = (Arc::clone(&ports.journal), Arc::clone(&ports.clock));
    let writer = match &plan.mode {
        AcceptMode::DryRun => None,
        AcceptMode::Accept { by } => {
            Some(JournalWriter::open(journal, clock, (by.clone(), plan.salt)).await?)
        }
    };
    let domain = ports.index.domain().to_owned();
    let decisions = read_decisions(&*ports.journal, &*ports.clock, &domain, plan.salt).await?;
    let mut before = decisions.accepted;
    before.retain(|one| plan.fids.contains(&one.file.fid));
    let mut accepting = Accepting { domain, named: plan.fids.len() as u64, ..Accepting::default() };
    accepting.look(ports, plan, &mut before).await;
    if accepting.takes_all()
        && let Some(writer) = writer
    {
        accepting.look_again(ports).await;
        if accepting.takes_all() {
            accepting.write(writer, &plan.reason).await?;
        }
    }
    Ok(accepting)
}

impl Accepting {
    async fn look(&mut self, ports: &AcceptPorts, plan: &AcceptPlan<'_>, before: &mut Acceptances) {
        self.not_looked_at = self.named;
        if let Err(stopped) = require_domain(&*ports.index, &*ports.clock).await {
            self.stopped = Some(stopped);
            return;
        }
        if let Err(why) = end_proven(&*ports.ledger, &*ports.clock, before).await {
            self.stopped = Some(Stopped::Trouble(Reason::from(&why)));
            return;
        }
        let looker = Looker { index: &*ports.index, files: &*ports.files, clock: &*ports.clock };
        let reader = ReplicaReader::new(&*ports.files, &*ports.clock);
        let witness = Witness { looker, reader: &reader };
        let look = Look { ports, plan, before, witness: &witness };
        let mut answers = stream::iter(plan.fids.iter().copied())
            .map(|fid| look.answer(fid))
            .buffered(limits::FILES_LOOKED_AT_ONCE);
        loop {
            match answers.try_next().await {
                Ok(Some((fid, answer))) => self.take(fid, answer),
                Ok(None) => break,
                Err(stopped) => {
                    self.stopped = Some(stopped);
                    break;
                }
            }
        }
        if self.stopped.is_none() && self.not_looked_at > 0 {
            self.stopped = Some(Stopped::Interrupted);
        }
    }

    fn take(&mut self, fid: Fid, answer: Answer) {
        match answer {
            Answer::Acceptable(file) => self.files.push(file),
            Answer::Before => self.accepted_before.push(fid),
            Answer::Refused(kind, why) => self.refused.push(RefusedFile { fid, kind, why }),
            Answer::NotLookedAt => return,
        }
        self.not_looked_at -= 1;
    }

    fn takes_all(&self) -> bool {
        self.stopped.is_none() && self.refused.is_empty()
    }

    /// Refuses the files that the ledger has proven since their replicas were tried.
    async fn look_again(&mut self, ports: &AcceptPorts) {
        match proven_since(ports, &self.files).await {
            Ok(proven) => {
                self.files.retain(|file| !proven.contains(&file.fid));
                self.refused.extend(proven.into_iter().map(|fid| {
                    let why = "the ledger has proven its content while its replicas were tried";
                    RefusedFile { fid, kind: RefusalKind::Proven, why: why.to_owned() }
                }));
            }
            Err(stopped) => self.stopped = Some(stopped),
        }
    }

    /// Writes the files, as many in an entry as it takes.
    async fn write(&mut self, mut writer: JournalWriter, reason: &str) -> AcceptingEnds<()> {
        for files in in_entries(&self.files) {
            let (domain, reason) = (self.domain.clone(), reason.to_owned());
            let head = writer.append(Content::FilesAccepted { domain, reason, files }).await?;
            self.entries.push(head.sequence);
        }
        Ok(())
    }
}

/// The files, in parts that each fit into one entry.
fn in_entries(files: &[AcceptedFile]) -> Vec<Vec<AcceptedFile>> {
    let mut entries: Vec<Vec<AcceptedFile>> = Vec::new();
    let mut bytes = 0;
    for file in files {
        let size = serde_json::to_string(file).map_or(0, |line| line.len());
        if entries.is_empty() || bytes + size > limits::JOURNAL_PART_BYTES {
            entries.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(last) = entries.last_mut() {
            last.push(file.clone());
        }
    }
    entries
}

/// Looks at one file after the other.
struct Look<'a> {
    ports: &'a AcceptPorts,
    plan: &'a AcceptPlan<'a>,
    before: &'a Acceptances,
    witness: &'a Witness<'a>,
}

/// A refusal, as the error of a look.
type Refused = (RefusalKind, String);

impl Look<'_> {
    async fn answer(&self, fid: Fid) -> Result<(Fid, Answer), Stopped> {
        if is_asked(&self.plan.stop) {
            return Ok((fid, Answer::NotLookedAt));
        }
        let (index, clock) = (&self.ports.index, &*self.ports.clock);
        let row = match retried(clock, fid.0, || index.row(fid)).await {
            Ok(Some(row)) => row,
            Ok(None) => {
                let why = "the index has no row of this domain with this fid";
                return Ok((fid, Answer::Refused(RefusalKind::NoRow, why.to_owned())));
            }
            Err(error @ IndexError::UnreadableRow { .. }) => {
                let why = error.to_string();
                return Ok((fid, Answer::Refused(RefusalKind::UnreadableRow, why)));
            }
            Err(error) => return Err(Stopped::Trouble(Reason::from(&error))),
        };
        let answer = match self.of_row(row).await? {
            Ok(answer) => answer,
            Err((kind, why)) => Answer::Refused(kind, why),
        };
        Ok((fid, answer))
    }

    async fn of_row(&self, row: IndexRow) -> Result<Result<Answer, Refused>, Stopped> {
        let class = row.classify(self.plan.buckets);
        let name = match &class {
            RowClass::Source(_) => AcceptedFile::MISSING,
            RowClass::Rejected(why) => why.name(),
            RowClass::Temporary | RowClass::Ignored => "",
        };
        let (key, buckets) = (row.dkey.as_deref(), self.plan.buckets);
        if self.before.of_row(row.fid, key, name, buckets).is_accepted() {
            return Ok(Ok(Answer::Before));
        }
        let content = key.and_then(|key| file_of(row.fid, key, buckets));
        let record = match &content {
            Some(_) => record_of(self.ports, row.fid).await?,
            None => None,
        };
        let evidence = match class {
            RowClass::Temporary => {
                return Ok(refused(RefusalKind::BlocksNothing, "it is an unfinished upload"));
            }
            RowClass::Ignored => {
                let why = "its bucket is in IGNORE_BUCKETS";
                return Ok(refused(RefusalKind::BlocksNothing, why));
            }
            RowClass::Rejected(Rejection::UnmappedBucket(bucket)) => {
                let why = format!("its bucket `{bucket}` is neither mapped nor ignored");
                return Ok(refused(RefusalKind::UnmappedBucket, why));
            }
            RowClass::Rejected(why @ Rejection::Unreadable(_)) => {
                return Ok(refused(RefusalKind::UnreadableRow, why.to_string()));
            }
            RowClass::Rejected(Rejection::NoKey) => Ok(Evidence::default()),
            RowClass::Rejected(Rejection::NotContentAddressed(key)) => {
                Ok(self.of_odd_key(row.fid, &key).await?)
            }
            RowClass::Rejected(Rejection::NoLength(key)) => match file_of(row.fid, &key, buckets) {
                None => Ok(Evidence::default()),
                Some(file) => self.of_content(&file, RefusalKind::GoodWithoutLength).await?,
            },
            RowClass::Source(file) => match self.of_file(&file, record.as_ref()).await? {
                Ok(()) => self.of_content(&file, RefusalKind::GoodReplica).await?,
                Err(refused) => Err(refused),
            },
        };
        let bucket = content.as_ref().map(|file| file.bucket.to_string());
        let ledger = content.map(|_| LedgerThen::of(record.as_ref()));
        let accept = |Evidence { tried: replicas, .. }| {
            let (fid, key, class) = (row.fid, row.dkey.clone(), name.to_owned());
            Answer::Acceptable(AcceptedFile { fid, key, class, bucket, ledger, replicas })
        };
        Ok(evidence.map(accept))
    }

    /// Refuses a file that the ledger proves, and that no verification doubts.
    async fn of_file(
        &self,
        file: &SourceFile,
        record: Option<&LedgerRecord>,
    ) -> Result<Result<(), Refused>, Stopped> {
        let is_its = |record: &&LedgerRecord| {
            (&record.bucket, record.sha1) == (&file.bucket, file.dkey.sha1)
        };
        let is_proven = record.filter(is_its).is_some_and(|record| record.proof.is_some());
        if !is_proven || is_doubted(self.ports, file.fid).await? {
            return Ok(Ok(()));
        }
        let why = format!("the ledger proves that `{}` has its content", file.address());
        Ok(refused(RefusalKind::Proven, why))
    }

    /// The evidence that a content is lost; a refusal where something has it, or was not asked.
    async fn of_content(
        &self,
        file: &SourceFile,
        where_good: RefusalKind,
    ) -> Result<Result<Evidence, Refused>, Stopped> {
        let (objects, clock) = (&*self.ports.objects, &*self.ports.clock);
        if let Some((kind, why)) = in_s3(objects, clock, file).await?.refusal() {
            return Ok(refused(kind, why));
        }
        if let Err((kind, why)) = self.known(file.fid, &file.dkey.to_string()).await? {
            return Ok(refused(kind, why));
        }
        let replicas = match self.witness.replicas_of(file).await {
            Ok(replicas) => replicas,
            Err(error) => return Err(Stopped::Trouble(Reason::from(&error))),
        };
        let evidence = Evidence::of(self.witness, replicas, Some(file.dkey.sha1)).await;
        if let Some(replica) = &evidence.gives {
            return Ok(refused(where_good, format!("{replica} gives its content")));
        }
        let not_asked: Vec<_> = evidence.not_asked().map(named).collect();
        if !not_asked.is_empty() && !self.plan.with_unreachable {
            return Ok(refused(RefusalKind::ReplicaNotAsked, not_asked.join("; ")));
        }
        Ok(Ok(evidence))
    }

    /// What the replicas of a row give whose key names no content. Nothing that they give could be proven.
    async fn of_odd_key(&self, fid: Fid, key: &str) -> Result<Evidence, Stopped> {
        if self.known(fid, key).await?.is_err() {
            return Ok(Evidence::default());
        }
        let replicas = match self.witness.replicas_under(fid, key, Vec::new()).await {
            Ok(replicas) => replicas,
            Err(error) => return Err(Stopped::Trouble(Reason::from(&error))),
        };
        let in_index = replicas.into_iter().filter(|it: &NamedReplica| it.is_in_index).collect();
        Ok(Evidence::of(self.witness, in_index, None).await)
    }

    /// Whether the trackers have this fid under this key.
    async fn known(&self, fid: Fid, key: &str) -> Result<Result<(), Refused>, Stopped> {
        match self.witness.looker.fid_of(key).await {
            Ok(Some(found)) if found == fid => Ok(Ok(())),
            Ok(found) => {
                let of = found.map_or_else(
                    || "do not know it".to_owned(),
                    |found| format!("have it under fid {found}"),
                );
                let why = format!("the index has the key `{key}`, and the trackers {of}");
                Ok(refused(RefusalKind::KeyUnknown, why))
            }
            Err(Unseen::Alone(why)) => Ok(refused(RefusalKind::NotGiven, why)),
            Err(Unseen::All(stopped)) => Err(stopped),
        }
    }
}

fn refused<T>(kind: RefusalKind, why: impl Into<String>) -> Result<T, Refused> {
    Err((kind, why.into()))
}

/// What came of a replica, with its name once.
fn named(tried: &crate::journal::TriedReplica) -> String {
    let crate::journal::TriedReplica { replica, why, .. } = tried;
    if why.contains(replica) { why.clone() } else { format!("{replica}: {why}") }
}

/// The file of a key that names content of a mapped bucket, whatever its length is.
pub(super) fn file_of(fid: Fid, key: &str, buckets: &BucketMap) -> Option<SourceFile> {
    let dkey = Dkey::parse(key)?;
    let Destination::Bucket(bucket) = buckets.destination(&dkey.bucket) else { return None };
    let bucket = bucket.clone();
    Some(SourceFile::new(fid, dkey, crate::ByteCount(0), bucket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::digest::Sha256;
    use crate::journal::{Found, Head, SealedEntry, TriedReplica};

    /// The longest reason, and files with as much to say as a file can have.
    #[test]
    fn every_part_fits_into_an_entry() {
        let tried = |device| TriedReplica {
            replica: "h".repeat(100),
            device: Some(device),
            found: Found::OtherContent,
            why: "w".repeat(limits::EVIDENCE_BYTES),
        };
        let file = |fid| AcceptedFile {
            fid: Fid(fid),
            key: Some("k".repeat(255)),
            class: AcceptedFile::MISSING.to_owned(),
            bucket: Some("b".repeat(63)),
            ledger: Some(LedgerThen::Record(Sha256::of(b""))),
            replicas: (0..20).map(tried).collect(),
        };
        let files: Vec<_> = (1..=200).map(file).collect();
        let entries = in_entries(&files);
        assert!(entries.len() > 5 && entries.len() < 20, "{}", entries.len());
        for files in &entries {
            let (domain, reason) = ("d".to_owned(), "r".repeat(limits::LONGEST_REASON_BYTES));
            let behind = Some(Head { sequence: u64::MAX - 1, hash: Sha256::of(b"") });
            let content = Content::FilesAccepted { domain, reason, files: files.clone() };
            let by = ("b", u64::MAX);
            SealedEntry::new("ledger", behind, Timestamp(1), by, content).expect("it fits");
        }
        assert_eq!(entries.concat(), files);
    }
}
