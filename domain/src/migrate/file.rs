use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::TryStreamExt;

use crate::migrate::decision::{Action, Ending, Evidence, Seen, State, Ways};
use crate::ports::{Ports, StoreError};
use crate::retried::{Tries, retried};
use crate::retry::backoff;
use crate::{
    ByteCount, Condition, ContentDigests, ContentHasher, ETag, Failure, Finding, FindingKind,
    LedgerRecord, ObjectAddress, ObjectKey, ObjectMeta, Proof, Reason, Route, SourceFile,
    StoredObject, WriteTarget,
};

/// The plan for one file: where its content may come from, and what is written with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePlan {
    /// The intermediary to copy, when one is known to be in the bucket.
    pub copy_from: Option<ObjectKey>,
    /// The intermediary's length according to a listing. Without a listing it is [`None`], and the
    /// record of a copied file has the length from the index.
    pub copy_length: Option<ByteCount>,
    /// Whether MogileFS may be asked.
    pub mogile: bool,
    /// The content type and disposition that S3 gives to readers.
    pub meta: ObjectMeta,
    /// Whether the final key is looked at before anything is written.
    pub look_first: bool,
}

/// The end of one file's migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileEnd {
    /// Its content is proven at the final key. The caller writes this record into the ledger.
    Proven(LedgerRecord),
    /// MogileFS no longer has the file.
    Gone,
    /// The migration of the file was given up, for this reason.
    Failed(Failure),
}

/// The result of one file's migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOutcome {
    /// How the migration of the file ended.
    pub end: FileEnd,
    /// What an operator should know, whatever the end was.
    pub findings: Vec<Finding>,
}

/// Whether a write of a file is under way. Of a file that is abandoned during a write it is unknown
/// what the write left in the bucket.
#[derive(Debug, Default)]
pub struct Writing(AtomicBool);

impl Writing {
    /// Whether a write is under way now.
    pub fn is_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// `write`, which is under way meanwhile. It stays so where the answer was lost.
    pub(super) async fn during<T>(
        &self,
        write: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.0.store(true, Ordering::Relaxed);
        let answer = write.await;
        let is_uncertain = matches!(answer, Err(StoreError::Uncertain { .. }));
        self.0.store(is_uncertain, Ordering::Relaxed);
        answer
    }
}

/// Brings one file to S3: asks the decision what to do next and does it, until it ends.
pub async fn migrate_file(
    ports: &Ports,
    file: &SourceFile,
    plan: &FilePlan,
    writing: &Writing,
) -> FileOutcome {
    FileMigration::to(file.address(), ports, file, plan, writing).run().await
}

/// The state of one file's migration.
pub struct FileMigration<'a> {
    pub(super) ports: &'a Ports,
    pub(super) file: &'a SourceFile,
    plan: &'a FilePlan,
    pub(super) writing: &'a Writing,
    pub(super) address: ObjectAddress,
    /// Digests of content that a PUT of this run has streamed to its end.
    pub(super) streamed: Option<ContentDigests>,
    /// Digests of the object that was last downloaded from S3.
    downloaded: Option<ContentDigests>,
    found_length: Option<ByteCount>,
    /// The finding for an object of another writer that this run may have replaced: the answer to
    /// the write was lost.
    perhaps_replaced: Option<Finding>,
    /// Whether any storage node began to send the content when the replicas were last tried.
    pub(super) opened: bool,
    /// The `ETag` of each object that this run has written.
    written: Vec<ETag>,
    pub(super) findings: Vec<Finding>,
}

impl<'a> FileMigration<'a> {
    /// The way of a file's content to this address.
    pub(super) const fn to(
        address: ObjectAddress,
        ports: &'a Ports,
        file: &'a SourceFile,
        plan: &'a FilePlan,
        writing: &'a Writing,
    ) -> Self {
        Self {
            ports,
            file,
            plan,
            writing,
            address,
            streamed: None,
            downloaded: None,
            found_length: None,
            perhaps_replaced: None,
            opened: false,
            written: Vec::new(),
            findings: Vec::new(),
        }
    }

    pub(super) async fn run(mut self) -> FileOutcome {
        let ways = Ways { copy: self.plan.copy_from.is_some(), mogile: self.plan.mogile };
        let (mut state, mut action) = State::begin(self.file.dkey.sha1, ways, self.plan.look_first);
        let mut uncertain = 0;
        loop {
            if let Action::End(ending) = action {
                let end = self.end(ending);
                return FileOutcome { end, findings: self.findings };
            }
            let seen = self.carry_out(&action).await;
            self.note_replaced(&action, &seen);
            if matches!(seen, Seen::Uncertain(_)) {
                uncertain += 1;
                self.ports.clock.sleep(backoff(uncertain, self.file.fid.0)).await;
            }
            (state, action) = state.next(seen);
        }
    }

    async fn carry_out(&mut self, action: &Action) -> Seen {
        match action {
            Action::Copy => self.copy().await,
            Action::Create => self.stream_from_mogile(&self.target(Condition::Absent)).await,
            Action::Replace(etag) => {
                self.stream_from_mogile(&self.target(Condition::Is(etag.clone()))).await
            }
            Action::Look => self.look().await,
            Action::Download(etag) => self.download(etag).await,
            Action::Undo(etag) => self.undo(etag).await,
            Action::CheckRow => self.check_row().await,
            Action::End(ending) => unreachable!("{ending:?} is not carried out"),
        }
    }

    fn target(&self, condition: Condition) -> WriteTarget {
        WriteTarget {
            address: self.address.clone(),
            condition,
            meta: self.plan.meta.clone(),
            length: self.file.length,
        }
    }

    async fn copy(&mut self) -> Seen {
        let Some(source) = &self.plan.copy_from else { return Seen::NoIntermediary };
        let target = self.target(Condition::Absent);
        let copy = || self.writing.during(self.ports.objects.copy(source, &target));
        match self.until_served(copy).await {
            Ok(object) => {
                self.note_bad_copy(source, &object);
                Seen::Stored(object)
            }
            Err(StoreError::NoSuchKey(_)) => Seen::NoIntermediary,
            Err(error @ (StoreError::Denied { .. } | StoreError::Refused { .. })) => {
                let detail = format!(
                    "intermediary `{source}` of bucket `{}` cannot be copied: {error}",
                    self.file.bucket
                );
                self.findings.push(Finding { kind: FindingKind::CopyRefused, detail });
                Seen::CopyRefused(Reason::from(&error))
            }
            Err(error) => write_refused(&error),
        }
    }

    fn note_bad_copy(&mut self, source: &ObjectKey, object: &StoredObject) {
        if let Some(sha1) = object.sha1.filter(|sha1| *sha1 != self.file.dkey.sha1) {
            let detail = format!(
                "intermediary `{source}` of bucket `{}` has SHA-1 {sha1}",
                self.file.bucket
            );
            self.findings.push(Finding { kind: FindingKind::BadIntermediary, detail });
        }
    }

    /// Notes a finding where this run replaces an object of another writer. The finding has the
    /// ETag and the length, since the object itself is gone.
    fn note_replaced(&mut self, action: &Action, seen: &Seen) {
        if let Action::Replace(etag) = action
            && !self.written.contains(etag)
        {
            let length = self.found_length.map_or_else(String::new, |n| format!(", {n} bytes"));
            let detail = format!(
                "the object at `{}` (ETag {etag}{length}) had other content, and was replaced",
                self.address
            );
            let finding = Finding { kind: FindingKind::Replaced, detail };
            if let Seen::Stored(_) = seen {
                self.perhaps_replaced = None;
                self.findings.push(finding);
            } else if let Seen::Uncertain(_) = seen {
                self.perhaps_replaced = Some(finding);
            }
        }
        if let Seen::Stored(object) = seen {
            self.written.push(object.etag.clone());
        }
    }

    async fn look(&mut self) -> Seen {
        let salt = self.file.fid.0;
        let clock = self.ports.clock.as_ref();
        match retried(clock, salt, || self.ports.objects.head(&self.address)).await {
            Ok(None) => Seen::Absent,
            Ok(Some(object)) => {
                self.found_length = Some(object.length);
                Seen::Found(object)
            }
            Err(error) => Seen::Failed(Reason::from(&error)),
        }
    }

    async fn download(&mut self, etag: &ETag) -> Seen {
        let salt = self.file.fid.0;
        let hash = || async {
            let mut bytes = self.ports.objects.read(&self.address, etag).await?;
            let mut hasher = ContentHasher::default();
            while let Some(chunk) = bytes.try_next().await? {
                hasher.update(&chunk);
            }
            Ok(hasher.finish())
        };
        match retried(self.ports.clock.as_ref(), salt, hash).await {
            Ok(digests) => {
                self.downloaded = Some(digests);
                Seen::Downloaded(digests.sha1)
            }
            Err(StoreError::Occupied(_)) => Seen::Occupied,
            Err(StoreError::NoSuchKey(_)) => Seen::Absent,
            Err(error) => Seen::Failed(Reason::from(&error)),
        }
    }

    async fn undo(&self, etag: &ETag) -> Seen {
        match self.until_served(|| self.ports.objects.delete(&self.address, etag)).await {
            Ok(()) => Seen::Removed,
            Err(error) => write_refused(&error),
        }
    }

    async fn check_row(&self) -> Seen {
        let fid = self.file.fid;
        let clock = self.ports.clock.as_ref();
        match retried(clock, fid.0, || self.ports.index.row(fid)).await {
            // Under another key by now: what was to be migrated is gone, and the new key's row, which is
            // this one, says what is to be migrated now.
            Ok(Some(row)) if row.dkey != Some(self.file.dkey.to_string()) => Seen::RowAbsent,
            Ok(None) => Seen::RowAbsent,
            Ok(Some(_)) => Seen::RowPresent,
            Err(error) => Seen::Failed(Reason::from(&error)),
        }
    }

    /// Repeats a write only while S3 answers that it did nothing. A lost answer goes to the
    /// decision.
    async fn until_served<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        mut write: impl FnMut() -> F,
    ) -> Result<T, StoreError> {
        let mut tries = self.tries();
        loop {
            let answer = write().await;
            if !matches!(answer, Err(StoreError::Busy { .. })) || !tries.another().await {
                return answer;
            }
        }
    }

    pub(super) fn tries(&self) -> Tries<'a> {
        Tries::new(self.ports.clock.as_ref(), self.file.fid.0)
    }

    fn end(&mut self, ending: Ending) -> FileEnd {
        match ending {
            Ending::Proven(evidence) => FileEnd::Proven(self.record(evidence)),
            Ending::Gone => FileEnd::Gone,
            Ending::Failed(failure) => FileEnd::Failed(failure),
        }
    }

    fn record(&mut self, evidence: Evidence) -> LedgerRecord {
        self.findings.extend(self.perhaps_replaced.take().filter(|_| evidence.route.is_some()));
        let ours = evidence.route == Some(Route::Mogile);
        let read_back = self.downloaded.filter(|_| evidence.proof == Proof::Download);
        let streamed = read_back.or(self.streamed.filter(|_| ours));
        let seen_of_object = self.found_length.filter(|_| evidence.proof != Proof::Copy);
        let copied = self.plan.copy_length.filter(|_| evidence.proof == Proof::Copy);
        let seen = streamed.map(|digests| digests.length).or(seen_of_object).or(copied);
        let told = self.file.length;
        if let Some(actual) = seen.filter(|actual| *actual != told) {
            let detail = format!(
                "the index tells {told} bytes for fid {}, its content has {actual}",
                self.file.fid
            );
            self.findings.push(Finding { kind: FindingKind::IndexLength, detail });
        }
        LedgerRecord {
            fid: self.file.fid,
            sha1: self.file.dkey.sha1,
            etag: evidence.etag,
            bucket: self.file.bucket.clone(),
            proof: Some(evidence.proof),
            route: evidence.route,
            length: Some(seen.unwrap_or(told)),
            migrated_at: Some(self.ports.clock.now()),
        }
    }
}

/// Translates the error of a write or delete for the decision.
pub(super) fn write_refused(error: &StoreError) -> Seen {
    match error {
        StoreError::Occupied(_) => Seen::Occupied,
        StoreError::NoSuchKey(_) => Seen::Absent,
        StoreError::Uncertain { .. } => Seen::Uncertain(Reason::from(error)),
        StoreError::NoSuchBucket(_)
        | StoreError::Denied { .. }
        | StoreError::Keys { .. }
        | StoreError::BadDigest(_)
        | StoreError::Source(_)
        | StoreError::Busy { .. }
        | StoreError::Refused { .. } => Seen::Failed(Reason::from(error)),
    }
}
