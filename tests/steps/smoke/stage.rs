//! The embedded world behind a cut-over: two buckets with three files, their rows in both clients, and
//! contentrepo on S3.

use std::sync::Arc;
use std::time::Duration;

use super::doubles::{OfToday, Refusing, Today};
use adapters::calls::Calls;
use adapters::content_repo_api::ContentRepoService;
use adapters::mysql::{MysqlContentRepo, MysqlRhino};
use async_trait::async_trait;
use domain::journal::{Content, Entry};
use domain::ports::{AnonymousReads, Clock, ContentRepoDatabase, Journal, RepoService, SiteError};
use domain::runbook::{JournalTrouble, JournalWriter};
use domain::smoke::{
    IngestPlan, SamplePlan, ShadowPlan, ShadowPorts, SmokePlan, SmokePorts, SmokeSummary, shadow,
    smoke, smoke_write, trial,
};
use domain::{Acceptances, BucketMap, ObjectKey, S3Bucket, Timestamp};
use stand_ins::embedded::{BUCKETS, DOMAIN, EmbeddedWorld, IGNORED_BUCKET, JOURNAL, LEDGER};
use stand_ins::port::{PortFaults, PortFiles, PortJournal, PortObjects};
use stand_ins::world::bucket::{self, BucketSettings, Condition, PutRequest, S3World};
use stand_ins::world::content_repo::{Signature, Store};
use stand_ins::world::databases::{ArticleFileRow, Database, ObjectRow, Status};
use stand_ins::world::mogile::{self, Fid};

pub const BUCKET: &str = BUCKETS[0].1;
pub const OTHER: &str = BUCKETS[1].1;

pub fn content(number: u32) -> Vec<u8> {
    format!("content {number}").into_bytes()
}

pub fn sha1(number: u32) -> String {
    domain::Sha1::of(&content(number)).to_string()
}

fn map() -> BucketMap {
    let pairs = BUCKETS.map(|(old, new)| format!("{old}:{new}")).join(",");
    BucketMap::parse(&pairs, IGNORED_BUCKET).expect("a map")
}

pub struct Stage {
    pub world: EmbeddedWorld,
}

impl Stage {
    pub async fn new() -> Self {
        let world = EmbeddedWorld::start().await.expect("a world");
        for number in 1..=3 {
            let dkey = format!("{}-{}", sha1(number), BUCKETS[0].0);
            let bytes = mogile::Content::from(content(number));
            world.mogile.store(world.dmid, &dkey, &bytes, &world.devices[..2]);
        }
        let planted = world.databases.plant(|rows| {
            let (bucket, _) = (rows.bucket(BUCKET)?, rows.bucket(OTHER)?);
            for number in 1..=3 {
                let status = if number == 3 { Status::Deleted } else { Status::InUse };
                let key = format!("10.1371/{number}");
                let uuid = format!("b2d3a0c4-0000-4000-8000-{number:012}");
                let size = content(number).len() as u64;
                rows.object(&ObjectRow {
                    bucket,
                    key: &key,
                    version: 0,
                    sha1: &sha1(number),
                    size,
                    name: None,
                    content_type: None,
                    status,
                    uuid: &uuid,
                })?;
                if number < 3 {
                    rows.article_file(&ArticleFileRow {
                        ingestion: 1,
                        item: None,
                        file_type: None,
                        bucket: BUCKET,
                        key: &key,
                        uuid: &uuid,
                        size,
                        name: &key,
                    })?;
                }
            }
            Ok(())
        });
        planted.expect("planted");
        let stage = Self { world };
        for name in [BUCKET, OTHER] {
            stage.set_up(name, |it| {
                (it.ownership, it.public_access_block) = (None, None);
                it.takes_signature_v2 = true;
            });
        }
        (1..=3).for_each(|number| stage.put(BUCKET, &sha1(number), &content(number)));
        stage.store(Store::S3 { signs: Signature::V4, has_valid_keys: true });
        stage
    }

    pub fn put(&self, bucket: &str, key: &str, bytes: &[u8]) {
        let put = PutRequest::new(bucket::Content::of(bytes.to_vec()));
        self.world.s3.put(bucket, key, put).expect("written");
    }

    pub fn remove(&self, bucket: &str, number: u32) {
        self.world.s3.delete(bucket, &sha1(number), &Condition::None).expect("deleted");
    }

    pub fn set_up(&self, bucket: &str, change: impl FnOnce(&mut BucketSettings)) {
        self.world.s3.set_up(bucket, change).expect("a bucket");
    }

    pub fn store(&self, store: Store) {
        let restarted = self.world.content_repo.restart(|settings| settings.store = store);
        restarted.expect("started");
    }

    pub fn reproxy(&self) {
        let restarted = self.world.content_repo.restart(|settings| settings.reproxies = true);
        restarted.expect("started");
    }

    pub fn mogile_store(&self) -> Store {
        let (domain, dmid) = (DOMAIN.to_owned(), self.world.dmid);
        Store::MogileFs { domain, dmid, devices: self.world.devices[..1].to_vec() }
    }

    pub fn spoil_in_mogile(&self, fid: u64) {
        for device in &self.world.devices {
            if self.world.mogile.replica(Fid(fid), *device).is_some() {
                let bytes = mogile::Content::from(b"0ther   1".to_vec());
                self.world.mogile.set_replica(Fid(fid), *device, bytes);
            }
        }
    }

    pub fn last_fid(&self) -> Option<u64> {
        self.world.mogile.rows_after(Fid(0), 1_000).last().map(|row| row.fid.0)
    }

    pub fn execute_repo(&self, sql: &str) {
        self.execute(Database::ContentRepo, sql);
    }

    pub fn execute_rhino(&self, sql: &str) {
        self.execute(Database::Rhino, sql);
    }

    fn execute(&self, database: Database, sql: &str) {
        let connection = self.world.databases.open(database).expect("opened");
        connection.execute(sql, []).expect("executed");
    }

    /// The keys of all objects.
    pub fn keys(&self) -> Vec<String> {
        let keys = |bucket| self.world.s3.objects(bucket).expect("a bucket").into_keys();
        [BUCKET, OTHER].into_iter().flat_map(keys).collect()
    }

    fn journal(&self) -> Arc<dyn Journal> {
        let (table, migration) = (JOURNAL.to_owned(), LEDGER.to_owned());
        let faults = Arc::new(PortFaults::instant());
        Arc::new(PortJournal::new(self.world.database.clone(), table, migration, faults))
    }

    /// What the journal's entries say.
    pub async fn journalled(&self) -> Vec<Content> {
        let mut entries = Vec::new();
        let mut take = |stored: domain::journal::StoredEntry| {
            entries.push(Entry::parse(&stored.line).expect("an entry").content);
        };
        self.journal().read(0, &mut take).await.expect("read");
        entries
    }

    async fn writer(&self) -> JournalWriter {
        let by = ("an operator".to_owned(), 1);
        JournalWriter::open(self.journal(), Arc::new(NoPauses), by).await.expect("opened")
    }

    fn node(&self) -> Vec<Arc<dyn RepoService>> {
        let url = self.world.content_repo_url.parse().expect("a URL");
        let service = ContentRepoService::new(url, Duration::from_secs(5), Arc::default());
        vec![Arc::new(service.expect("made"))]
    }

    fn objects(&self) -> PortObjects {
        PortObjects::new(self.world.s3.clone(), Arc::new(PortFaults::instant()))
    }

    fn databases(&self) -> (MysqlContentRepo, MysqlRhino) {
        let url = |name: &str| self.world.environment()[name].parse().expect("a URL");
        let calls = || Arc::new(Calls::default());
        let content_repo = MysqlContentRepo::new(url("CONTENTREPO_DATABASE_URL"), calls());
        (content_repo, MysqlRhino::new(url("RHINO_DATABASE_URL"), calls()))
    }

    fn plan(without_api: bool) -> SmokePlan {
        SmokePlan {
            buckets: map(),
            sample: SamplePlan { rows: 10, seed: 1 },
            accepted: Acceptances::default(),
            without_rhino: false,
            without_api,
        }
    }

    pub async fn smoke(&self) -> SmokeSummary {
        self.smoke_by(self.node()).await
    }

    pub async fn smoke_without_api(&self) -> SmokeSummary {
        self.smoke_by(Vec::new()).await
    }

    /// The node of contentrepo refuses each creation after its content is in S3.
    pub async fn smoke_where_creations_are_refused(&self, status: u16) -> SmokeSummary {
        let s3 = self.world.s3.clone();
        let refusing = |node| Arc::new(Refusing { node, s3: s3.clone(), status }) as _;
        self.smoke_by(self.node().into_iter().map(refusing).collect()).await
    }

    /// Neither contentrepo's API nor rhino's database is named, and neither is left out on purpose.
    pub async fn smoke_of_one_database(&self) -> SmokeSummary {
        let (content_repo, _) = self.databases();
        let (objects, anonymous) = (self.objects(), Anonymous(self.world.s3.clone()));
        let ports = SmokePorts {
            content_repo: Some(&content_repo),
            rhino: None,
            objects: &objects,
            anonymous: &anonymous,
            nodes: &[],
            clock: &NoPauses,
        };
        smoke(ports, &Self::plan(false)).await
    }

    async fn smoke_by(&self, nodes: Vec<Arc<dyn RepoService>>) -> SmokeSummary {
        let (content_repo, rhino) = self.databases();
        let (objects, anonymous) = (self.objects(), Anonymous(self.world.s3.clone()));
        let ports = SmokePorts {
            content_repo: Some(&content_repo),
            rhino: Some(&rhino),
            objects: &objects,
            anonymous: &anonymous,
            nodes: &nodes,
            clock: &NoPauses,
        };
        let plan = Self::plan(nodes.is_empty());
        let mut summary = smoke(ports, &plan).await;
        if !nodes.is_empty() {
            let mut writer = self.writer().await;
            let random = writer.head().map_or(0, |head| head.sequence);
            let ingest = IngestPlan { random };
            let written = smoke_write(ports, &plan.buckets, ingest, &mut writer, &mut summary);
            written.await.expect("journalled");
        }
        summary
    }

    /// A trial of the one contentrepo that there is, by the names that differ, without a look at the rows.
    pub async fn trial(&self) -> SmokeSummary {
        self.trial_of(&map(), None).await
    }

    /// A trial where `rows` are those of today's contentrepo.
    pub async fn trial_of(&self, map: &BucketMap, rows: Option<Today>) -> SmokeSummary {
        let (objects, anonymous) = (self.objects(), Anonymous(self.world.s3.clone()));
        let nodes = self.node();
        let (content_repo, _) = self.databases();
        let today = rows.map(|rows| OfToday { content_repo, rows });
        let content_repo = today.as_ref().map(|it| it as &dyn ContentRepoDatabase);
        let ports = SmokePorts {
            content_repo,
            rhino: None,
            objects: &objects,
            anonymous: &anonymous,
            nodes: &nodes,
            clock: &NoPauses,
        };
        let (ingest, mut summary) = (IngestPlan { random: 7 }, SmokeSummary::default());
        let tried = trial(ports, map, ingest, &mut self.writer().await, &mut summary).await;
        tried.expect("journalled");
        summary
    }

    /// The write of a smoke test, before which `taken_over` appends an entry of its own.
    pub async fn write_taken_over(&self) -> (SmokeSummary, Result<(), JournalTrouble>) {
        let (objects, anonymous) = (self.objects(), Anonymous(self.world.s3.clone()));
        let nodes = self.node();
        let ports = SmokePorts {
            content_repo: None,
            rhino: None,
            objects: &objects,
            anonymous: &anonymous,
            nodes: &nodes,
            clock: &NoPauses,
        };
        let mut summary = SmokeSummary::default();
        summary.nodes.insert(nodes[0].url().to_owned(), String::new());
        let (mut writer, mut other) = (self.writer().await, self.writer().await);
        other.append(Content::StepDone { step: "x".to_owned() }).await.expect("written");
        let (map, ingest) = (map(), IngestPlan { random: 7 });
        let written = smoke_write(ports, &map, ingest, &mut writer, &mut summary).await;
        (summary, written)
    }

    pub async fn shadow(&self, keys: &[&str]) -> SmokeSummary {
        let (content_repo, rhino) = self.databases();
        let faults = Arc::new(PortFaults::instant());
        let files = PortFiles::new(self.world.mogile.clone(), DOMAIN.to_owned(), faults);
        let objects = self.objects();
        let ports = ShadowPorts {
            content_repo: Some(&content_repo),
            rhino: Some(&rhino),
            files: &files,
            objects: &objects,
            clock: &NoPauses,
        };
        let plan = ShadowPlan {
            buckets: map(),
            sample: SamplePlan { rows: 10, seed: 1 },
            accepted: Acceptances::default(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            without_rhino: false,
        };
        shadow(ports, &plan).await
    }
}

/// A clock whose pauses take no time.
struct NoPauses;

#[async_trait]
impl Clock for NoPauses {
    fn now(&self) -> Timestamp {
        Timestamp(1)
    }

    async fn sleep(&self, _: Duration) {}
}

/// S3 without keys.
struct Anonymous(Arc<S3World>);

#[async_trait]
impl AnonymousReads for Anonymous {
    async fn gives(&self, bucket: &S3Bucket, key: &ObjectKey) -> Result<bool, SiteError> {
        Ok(self.0.lets_anybody_read(bucket.as_str(), key.as_str()))
    }

    async fn gives_canary(&self, _: &S3Bucket) -> Result<bool, SiteError> {
        Ok(false)
    }
}
