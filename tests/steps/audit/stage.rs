//! A world with an index, a ledger, failures and verifications that a test writes one by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::audit::{AuditPlan, AuditPorts, AuditSummary, Comparison, ListedFile, list_files};
use domain::journal::{AcceptedFile, Content, Entry, LedgerThen};
use domain::ports::{ContentRepoDatabase, WorkPorts};
use domain::{
    Acceptances, BucketMap, ByteCount, Destination, ETag, FailureNote, FailureRecord, Fid,
    JobAction, LedgerRecord, Noted, Proof, S3Bucket, Sha1, Sight, Since, Timestamp, Verification,
};
use dynoxide::AttributeValue;
use stand_ins::world::dynamodb::{number, put, text};
use stand_ins::world::mogile;

use crate::cleanup::contentrepo::ContentRepo;
use crate::common::{World, content};

pub const RUN: &str = "first";

pub struct Stage {
    pub world: World,
    ports: WorkPorts,
    pub buckets: BucketMap,
    pub repo: Option<Arc<ContentRepo>>,
    /// Fids that the operator has decided about.
    pub excluded: Vec<u64>,
    /// Files that the operator accepts.
    pub accepted: Acceptances,
}

fn bucket(name: &str) -> S3Bucket {
    S3Bucket::new(name).expect("a name")
}

pub fn sha1(salt: u64) -> Sha1 {
    Sha1::of(&content(salt, 10))
}

impl Stage {
    pub fn new() -> Self {
        let world = World::instant();
        let ports = world.port.work_ports();
        let buckets = BucketMap::parse("repo:new-repo,corpus:new-corpus", "trash").expect("valid");
        Self {
            world,
            ports,
            buckets,
            repo: None,
            excluded: Vec::new(),
            accepted: Acceptances::default(),
        }
    }

    /// A file under any key.
    pub fn store(&self, fid: u64, key: &str) {
        let (fid, devices) = (mogile::Fid(fid), &self.world.devices[..2]);
        let bytes = mogile::Content::from(content(fid.0, 10));
        self.world.port.mogile.store_as(fid, self.world.dmid, key, &bytes, devices);
    }

    pub fn file(&self, fid: u64) {
        self.store(fid, &format!("{}-repo", sha1(fid)));
    }

    pub fn record(&self, fid: u64, in_bucket: &str, content: Sha1, proof: Option<Proof>) {
        self.record_at(None, (fid, in_bucket, content), proof);
    }

    fn record_at(
        &self,
        migrated_at: Option<Timestamp>,
        (fid, in_bucket, sha1): (u64, &str, Sha1),
        proof: Option<Proof>,
    ) {
        let record = LedgerRecord {
            fid: Fid(fid),
            sha1,
            etag: ETag("e".to_owned()),
            bucket: bucket(in_bucket),
            proof,
            route: None,
            length: None,
            migrated_at,
        };
        self.world.run(self.ports.files.ledger.record(&[record])).expect("recorded");
    }

    pub fn proven(&self, fid: u64) {
        self.record(fid, "new-repo", sha1(fid), Some(Proof::Put));
    }

    /// The same at another time.
    pub fn proven_at(&self, fid: u64, at: u64) {
        let what = (fid, "new-repo", sha1(fid));
        self.record_at(Some(Timestamp(at)), what, Some(Proof::Put));
    }

    /// An item as early versions of s3migrate left them.
    pub fn unreadable(&self, fid: u64) {
        let (table, database) = (&self.world.port.table, &self.world.port.database);
        let md5 = ("md5".to_owned(), AttributeValue::BOOL(false));
        let item = [number("fid", fid), text("sha1", &sha1(fid).to_string()), md5];
        put(database, table, item.into()).expect("put");
    }

    pub fn pass(&self, fid: u64, in_bucket: &str, content: Sha1) {
        let verification = Verification {
            run: RUN.to_owned(),
            fid: Fid(fid),
            sha1: content,
            bucket: bucket(in_bucket),
            length: ByteCount(10),
            sight: Sight::Head,
            verified_at: Timestamp(1),
        };
        self.world.run(self.ports.verifications.record(&[verification])).expect("recorded");
    }

    pub fn passed(&self, fid: u64) {
        self.pass(fid, "new-repo", sha1(fid));
    }

    pub fn doubt(&self, fid: u64) {
        self.doubt_by(fid, "missing");
    }

    /// A verification has found the file as this reason says.
    pub fn doubt_by(&self, fid: u64, reason: &str) {
        let record = FailureRecord {
            fid: Fid(fid),
            action: Some(JobAction::Verify),
            dkey: String::new(),
            reason: reason.to_owned(),
            detail: String::new(),
            attempt: 1,
            failed_at: Timestamp(1),
            doubted: true,
            messages: BTreeMap::new(),
        };
        let note = FailureNote { message: "m".to_owned(), record, what: Noted::Failed };
        self.world.run(self.ports.files.failures.note(&[note])).expect("noted");
    }

    /// A failure record that nobody can read.
    pub fn unreadable_failure(&self, fid: u64) {
        let (table, database) = (&self.world.port.work.failures, &self.world.port.database);
        put(database, table, [number("fid", fid), text("attempt", "first")].into()).expect("put");
    }

    /// An entry of the journal accepts a row with this key and this class, as the ledger is now.
    pub fn accept(&mut self, fid: u64, key: &str, class: &str) {
        let dkey = domain::Dkey::parse(key);
        let s3_bucket = dkey.and_then(|dkey| match self.buckets.destination(&dkey.bucket) {
            Destination::Bucket(bucket) => Some(bucket.to_string()),
            Destination::Ignored | Destination::Unmapped => None,
        });
        let records = self.world.run(self.ports.files.ledger.read(&[Fid(fid)])).expect("read");
        let file = AcceptedFile {
            fid: Fid(fid),
            key: Some(key.to_owned()),
            class: class.to_owned(),
            ledger: s3_bucket.is_some().then(|| LedgerThen::of(records.first())),
            bucket: s3_bucket,
            replicas: Vec::new(),
        };
        let entry = Entry {
            migration: "ledger".to_owned(),
            sequence: fid,
            previous: None,
            at: Timestamp(1),
            by: "ann".to_owned(),
            writer: 7,
            content: Content::FilesAccepted {
                domain: "plos_repo".to_owned(),
                reason: "lost".to_owned(),
                files: vec![file],
            },
        };
        self.accepted.take("plos_repo", entry);
    }

    /// The same of a file under its own key.
    pub fn accept_file(&mut self, fid: u64) {
        self.accept(fid, &format!("{}-repo", sha1(fid)), AcceptedFile::MISSING);
    }

    /// What another look at the replicas of an accepted file says.
    pub fn since(&mut self, fid: u64, since: Since) {
        let mut all = self.accepted.iter_mut();
        all.find(|one| one.file.fid == Fid(fid)).expect("accepted").since = since;
    }

    pub fn with<T>(
        &self,
        run: Option<&str>,
        act: impl AsyncFnOnce(&AuditPorts<'_>, &AuditPlan<'_>) -> T,
    ) -> T {
        let content_repo = self.repo.as_deref().map(|repo| repo as &dyn ContentRepoDatabase);
        let ports = AuditPorts {
            index: &*self.ports.files.index,
            ledger: &*self.ports.files.ledger,
            failures: &*self.ports.files.failures,
            verifications: &*self.ports.verifications,
            content_repo,
            clock: &*self.ports.files.clock,
        };
        let plan = AuditPlan {
            buckets: &self.buckets,
            run,
            excluded: self.excluded.iter().collect(),
            accepted: self.accepted.clone(),
        };
        self.world.run(act(&ports, &plan))
    }

    pub fn audit(&self, run: Option<&str>) -> AuditSummary {
        self.with(run, async |ports, plan| {
            Comparison::make(ports, plan, &|_| ()).await.summary().clone()
        })
    }

    /// Every line of the list: a fid and what is said of it.
    pub fn list(&self, run: Option<&str>) -> BTreeMap<u64, String> {
        let mut lines = BTreeMap::new();
        let listed = self.with(run, async |ports, plan| {
            let comparison = Comparison::make(ports, plan, &|_| ()).await;
            let each = |file| {
                let (fid, words) = match file {
                    ListedFile::Judged(file, verdict) => (file.fid, format!("{verdict:?}")),
                    ListedFile::Changed(file) => (file.fid, "Changed".to_owned()),
                    ListedFile::Rejected(fid, why, _) => (fid, why.name().to_owned()),
                    ListedFile::AcceptedRow(fid, why, _) => {
                        (fid, format!("Accepted {}", why.name()))
                    }
                    ListedFile::Unreadable(fid) => (fid, "Unreadable".to_owned()),
                };
                assert_eq!(lines.insert(fid.0, words), None, "fid {fid} once");
                Ok::<_, ()>(())
            };
            list_files(&comparison, ports, plan, each).await
        });
        assert_eq!(listed, Ok(Ok(())));
        lines
    }
}
