//! A world with a queue, a plan, and what can be asked of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::engine::{Stop, Unobserved, WorkPlan, never, work_queue};
use domain::migrate::{RoutePolicy, Selection};
use domain::ports::{FailureLog, Ledger, Segment};
use domain::queue::{EnqueueObserver, EnqueuePlan, EnqueueSummary, enqueue};
use domain::{
    BucketMap, FailureItem, FailureRecord, Fid, IntermediaryForm, JobAction, LedgerItem,
    LedgerRecord, ObjectKey, QueueDepth, SourceFile, Tally, WorkSummary, limits,
};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use stand_ins::port::{PortFailures, PortLedger};
use stand_ins::world::mogile::{self, Content};
use stand_ins::world::queue::{MessageAttribute, MessageAttributes, Outgoing};

use crate::common::{BUCKET, World, content};

/// Bytes of every file.
pub const LENGTH: usize = 100;

/// So many files.
pub fn tally(files: u64) -> Tally {
    Tally { files, bytes: files * LENGTH as u64 }
}

pub struct Stage {
    pub world: World,
    pub plan: WorkPlan,
}

struct NoObserver;

impl EnqueueObserver for NoObserver {
    fn expect(&self, _rows: Option<u64>, _queue: &QueueDepth) {}
    fn dealt_with(&self, _rows: u64, _sent: u64) {}
}

impl Stage {
    /// Where calls take no time.
    pub fn instant() -> Self {
        Self::on(World::instant())
    }

    /// Where calls take their time, by the seed.
    pub fn paced(seed: u64) -> Self {
        Self::on(World::paced(seed))
    }

    fn on(world: World) -> Self {
        let plan = WorkPlan {
            domain: world.port.domain.clone(),
            buckets: buckets(),
            route: RoutePolicy::Auto,
            single_request_bytes: limits::SINGLE_REQUEST_BYTES,
            concurrency: 8,
            wait: None,
            alike: Some(Arc::default()),
        };
        Self { world, plan }
    }

    /// So many files, and their raw copies of this form if they have any.
    pub fn files(&self, count: u64, raw: Option<IntermediaryForm>) -> Vec<SourceFile> {
        let salts = self.world.port.mogile.row_count() as u64..;
        let stored = salts.take(usize::try_from(count).expect("small")).map(|salt| {
            let bytes = content(salt, LENGTH);
            let file = self.world.store(&bytes);
            if let Some(form) = raw {
                self.world.plant(&ObjectKey::intermediary(file.fid, form), &bytes);
            }
            file
        });
        stored.collect()
    }

    /// A file under any key.
    pub fn store_as(&self, key: &str, salt: u64) -> Vec<u8> {
        let bytes = content(salt + 1_000_000, LENGTH);
        let devices = &self.world.devices[..2];
        self.world.port.mogile.store(self.world.dmid, key, &Content::from(bytes.clone()), devices);
        bytes
    }

    /// Gives a file the key of its content, as the end of an ingest does.
    pub fn rename(&self, content: &[u8], from: &str) {
        let to = format!("{}-repo", domain::ContentHasher::of(content).sha1);
        self.world.port.mogile.rename("plos_repo", from, &to).expect("it is there");
    }

    /// Purges a file and ingests it again: it has another fid then.
    pub fn ingest_again(&self, file: &SourceFile) {
        let device = self.world.holders(file)[0];
        let fid = mogile::Fid(file.fid.0);
        let bytes = self.world.port.mogile.replica(fid, device).expect("a replica");
        self.delete(file);
        let devices = &self.world.devices[..2];
        self.world.port.mogile.store(self.world.dmid, &file.dkey.to_string(), &bytes, devices);
    }

    pub fn delete(&self, file: &SourceFile) {
        let key = file.dkey.to_string();
        self.world.port.mogile.delete("plos_repo", &key).expect("it is there");
    }

    pub fn remove_intermediary(&self, file: &SourceFile) {
        let key = ObjectKey::intermediary(file.fid, IntermediaryForm::Plain);
        self.world
            .port
            .s3
            .delete(BUCKET, key.as_str(), &stand_ins::world::bucket::Condition::None)
            .expect("it is there");
    }

    pub fn enqueue(&self) -> EnqueueSummary {
        self.enqueue_by(&enqueue_plan())
    }

    pub fn enqueue_by(&self, plan: &EnqueuePlan) -> EnqueueSummary {
        self.enqueue_until(plan, never().boxed())
    }

    /// Sends until it is told to stop.
    pub fn enqueue_until(&self, plan: &EnqueuePlan, stops: BoxStream<'_, Stop>) -> EnqueueSummary {
        let ports = self.world.port.work_ports();
        let sent = self.world.run(enqueue(&ports, plan, stops, &NoObserver));
        assert!(sent.adds_up(), "{sent:?}");
        sent
    }

    /// Works until the queue has nothing more, in anybody's hands or delayed.
    pub fn work(&self) -> WorkSummary {
        let ports = self.world.port.work_ports();
        let stop = never().boxed();
        let summary = self.world.run(work_queue(&ports, &self.plan, true, &Unobserved, stop));
        assert!(summary.adds_up(), "{summary:?}");
        summary
    }

    /// Sends a message as anybody may.
    pub fn send_raw(&self, body: &str, action: Option<&str>) {
        let mut attributes = MessageAttributes::new();
        if let Some(action) = action {
            attributes.insert("action".to_owned(), MessageAttribute::text(action));
        }
        let work = &self.world.port.work;
        let outgoing = Outgoing { body: body.to_owned(), attributes, delay: None };
        work.sqs.send(&work.queue, outgoing).expect("a message that SQS takes");
    }

    /// Lays a message among the dead letters.
    pub fn send_dead(&self, body: &str) {
        let action = ("action".to_owned(), MessageAttribute::text("migrate"));
        let outgoing = Outgoing { body: body.to_owned(), attributes: [action].into(), delay: None };
        let work = &self.world.port.work;
        work.sqs.send(&work.dead_letters, outgoing).expect("a message that SQS takes");
    }

    /// Messages in the queue, in whatever state.
    pub fn in_queue(&self) -> usize {
        let work = &self.world.port.work;
        work.sqs.counts(&work.queue).expect("it is there").all()
    }

    /// Dead letters.
    pub fn dead(&self) -> usize {
        let work = &self.world.port.work;
        work.sqs.counts(&work.dead_letters).expect("it is there").all()
    }

    /// The ledger, read past the faults.
    pub fn records(&self) -> BTreeMap<Fid, LedgerRecord> {
        let port = &self.world.port;
        let judge = PortLedger::new(port.database.clone(), port.table.clone(), Arc::default());
        let mut records = BTreeMap::new();
        let mut keep = |item: LedgerItem| {
            let Ok(record) = item else { return };
            records.insert(record.fid, record);
        };
        let whole = Segment { number: 0, of: 1 };
        self.world.run(judge.scan(whole, &mut keep)).expect("without faults it answers");
        records
    }

    /// The failures table, read past the faults.
    pub fn failures(&self) -> BTreeMap<Fid, FailureRecord> {
        let port = &self.world.port;
        let table = port.work.failures.clone();
        let judge = PortFailures::new(port.database.clone(), table, Arc::default());
        let mut failures = BTreeMap::new();
        let mut keep = |item: FailureItem| {
            let record = item.expect("a readable item");
            failures.insert(record.fid, record);
        };
        self.world.run(judge.scan(&mut keep)).expect("without faults it answers");
        failures
    }

    /// Every file of the index is whole at its final key, and has a proven record.
    pub fn everything_is_there(&self) {
        let records = self.records();
        for row in self.world.port.mogile.rows_after(mogile::Fid(0), usize::MAX) {
            let key = row.dkey.expect("a key");
            let Some(sha1) = key.strip_suffix("-repo") else { continue };
            let found = self.world.port.s3.get(BUCKET, sha1, &<_>::default());
            let found = found.unwrap_or_else(|error| panic!("{key}: {error}"));
            let is = domain::ContentHasher::of(found.content.bytes()).sha1;
            assert_eq!(is.to_string(), sha1);
            let record = records.get(&Fid(row.fid.0)).expect("a record");
            assert!(record.proof.is_some(), "{record:?}");
        }
    }
}

fn buckets() -> BucketMap {
    BucketMap::parse("repo:new-repo", "trash").expect("good settings")
}

/// Everything that is pending.
pub fn enqueue_plan() -> EnqueuePlan {
    EnqueuePlan {
        types: None,
        guard: None,
        action: JobAction::Migrate,
        buckets: buckets(),
        selection: Selection::default(),
        moved_from: <_>::default(),
        route: RoutePolicy::Auto,
        single_request_bytes: limits::SINGLE_REQUEST_BYTES,
        most_bytes: 1 << 30,
        concurrency: 4,
        run: None,
    }
}

/// The body of a job's message.
pub fn body(file: &SourceFile) -> String {
    let (length, fid, dkey) = (file.length, file.fid, &file.dkey);
    format!(r#"{{"length": {length}, "fid": {fid}, "dkey": "{dkey}"}}"#)
}
