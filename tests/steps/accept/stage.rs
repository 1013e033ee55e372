//! A world with a file of which no replica gives the content, and a journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::accept::{
    AcceptMode, AcceptPlan, AcceptPorts, Accepting, AgainPorts, accept_files, end_proven, try_again,
};
use domain::cleanup::never;
use domain::journal::Content;
use domain::ports::{Clock, Journal};
use domain::runbook::{Decisions, JournalTrouble, JournalWriter, read_decisions};
use domain::{
    Acceptances, BucketMap, ETag, FailureNote, FailureRecord, Fid, JobAction, LedgerRecord, Noted,
    Proof, S3Bucket, Sha1, Since, Timestamp,
};
use stand_ins::port::{Call, PortFault, PortFaults, PortJournal};
use stand_ins::world::dynamodb::{create_journal_table, number, put, text};
use stand_ins::world::mogile::{self, DeviceId, FileRow};

use crate::common::{BUCKET, World, content};

pub const FID: u64 = 7;
pub const DOMAIN: &str = "plos_repo";

pub struct Stage {
    pub world: World,
    pub buckets: BucketMap,
}

pub fn sha1() -> Sha1 {
    Sha1::of(&content(FID, 10))
}

pub fn key() -> String {
    format!("{}-repo", sha1())
}

impl Stage {
    pub fn new() -> Self {
        let world = World::instant();
        create_journal_table(&world.port.database, "journal").expect("a new table");
        let buckets = BucketMap::parse("repo:new-repo", "trash").expect("valid");
        Self { world, buckets }
    }

    /// The file, with no replica on either of its devices.
    pub fn lost() -> Self {
        let stage = Self::new();
        stage.store(FID, &key());
        stage.lose(stage.devices());
        stage
    }

    pub fn devices(&self) -> &[DeviceId] {
        &self.world.devices[..2]
    }

    pub fn store(&self, fid: u64, key: &str) {
        let bytes = mogile::Content::from(content(fid, 10));
        let (mogile, dmid) = (&self.world.port.mogile, self.world.dmid);
        mogile.store_as(mogile::Fid(fid), dmid, key, &bytes, self.devices());
    }

    pub fn lose(&self, devices: &[DeviceId]) {
        for device in devices {
            self.world.port.mogile.remove_replica(mogile::Fid(FID), *device);
        }
    }

    pub fn put_replica(&self, device: DeviceId, bytes: Vec<u8>) {
        let bytes = mogile::Content::from(bytes);
        self.world.port.mogile.set_replica(mogile::Fid(FID), device, bytes);
    }

    pub fn row(&self) -> FileRow {
        self.world.port.mogile.row(mogile::Fid(FID)).expect("a row")
    }

    pub fn change_row(&self, change: impl FnOnce(&mut FileRow)) {
        let mut row = self.row();
        change(&mut row);
        self.world.port.mogile.plant(row);
    }

    /// The storage node of this device never answers.
    pub fn silence(&self, device: DeviceId) {
        let url = self.world.port.mogile.url(mogile::Fid(FID), device).expect("a URL");
        self.world.port.faults.strike(Call::Open, &url, PortFault::RequestLost, 1_000);
    }

    pub fn proof() -> LedgerRecord {
        LedgerRecord {
            fid: Fid(FID),
            sha1: sha1(),
            etag: ETag("e".to_owned()),
            bucket: S3Bucket::new(BUCKET).expect("a name"),
            proof: Some(Proof::Put),
            route: None,
            length: None,
            migrated_at: None,
        }
    }

    pub fn prove(&self) {
        self.world.run(self.ports().ledger.record(&[Self::proof()])).expect("recorded");
    }

    /// A failure record that no version writes.
    pub fn unreadable_failure(&self) {
        let (table, database) = (&self.world.port.work.failures, &self.world.port.database);
        put(database, table, [number("fid", FID), text("attempt", "first")].into()).expect("put");
    }

    pub fn doubt(&self) {
        let record = FailureRecord {
            fid: Fid(FID),
            action: Some(JobAction::Verify),
            dkey: String::new(),
            reason: "missing".to_owned(),
            detail: String::new(),
            attempt: 1,
            failed_at: Timestamp(1),
            doubted: true,
            messages: BTreeMap::new(),
        };
        let note = FailureNote { message: "m".to_owned(), record, what: Noted::Failed };
        self.world.run(self.ports().failures.note(&[note])).expect("noted");
    }

    pub fn journal_in(&self, table: &str) -> Arc<dyn Journal> {
        let (table, faults) = (table.to_owned(), Arc::new(PortFaults::instant()));
        let database = self.world.port.database.clone();
        Arc::new(PortJournal::new(database, table, "ledger".to_owned(), faults))
    }

    pub fn journal(&self) -> Arc<dyn Journal> {
        self.journal_in("journal")
    }

    pub fn clock(&self) -> Arc<dyn Clock> {
        self.world.port.clock.clone()
    }

    pub fn ports(&self) -> AcceptPorts {
        let files = self.world.port.work_ports().files;
        AcceptPorts {
            index: files.index,
            files: files.files,
            ledger: files.ledger,
            failures: files.failures,
            objects: files.objects,
            journal: self.journal(),
            clock: files.clock,
        }
    }

    pub fn plan(&self, fids: &[u64], with_unreachable: bool, mode: AcceptMode) -> AcceptPlan<'_> {
        AcceptPlan {
            buckets: &self.buckets,
            fids: fids.iter().copied().map(Fid).collect(),
            reason: "disks died in 2014".to_owned(),
            with_unreachable,
            mode,
            salt: 1,
            stop: never(),
        }
    }

    pub fn try_to_accept(
        &self,
        fids: &[u64],
        with_unreachable: bool,
    ) -> Result<Accepting, JournalTrouble> {
        let mode = AcceptMode::Accept { by: "ann".to_owned() };
        let plan = self.plan(fids, with_unreachable, mode);
        self.world.run(accept_files(&self.ports(), &plan))
    }

    pub fn accept(&self, fids: &[u64]) -> Accepting {
        self.try_to_accept(fids, false).expect("a journal")
    }

    pub fn decisions(&self) -> Decisions {
        self.decisions_in("journal").expect("as it was written")
    }

    pub fn decisions_in(&self, table: &str) -> Result<Decisions, JournalTrouble> {
        let (journal, clock) = (self.journal_in(table), self.clock());
        self.world.run(read_decisions(&*journal, &*clock, DOMAIN, 1))
    }

    /// What the journal has, and the ledger has not ended since.
    pub fn accepted(&self) -> Acceptances {
        let (mut accepted, ports) = (self.decisions().accepted, self.ports());
        let ended = end_proven(&*ports.ledger, &*ports.clock, &mut accepted);
        self.world.run(ended).expect("it answers");
        accepted
    }

    /// What another look says of the accepted file.
    pub fn again(&self) -> Since {
        let mut accepted = self.accepted();
        let files = self.world.port.work_ports().files;
        let ports = AgainPorts { index: &*files.index, files: &*files.files, clock: &*files.clock };
        self.world.run(try_again(ports, &self.buckets, &mut accepted));
        accepted.find(Fid(FID)).expect("accepted").since.clone()
    }

    pub fn write(&self, content: Content) {
        self.world.run(async {
            let by = ("bob".to_owned(), 9);
            let writer = JournalWriter::open(self.journal(), self.clock(), by).await;
            writer.expect("a writer").append(content).await.expect("written");
        });
    }
}
