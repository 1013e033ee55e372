//! A small world to migrate, and what can be asked of it afterwards.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use domain::engine::RunPlan;
use domain::migrate::{RoutePolicy, Selection};
use domain::{BucketMap, ContentHasher, Dkey, MogileBucket, ObjectKey, SourceFile, limits};
use stand_ins::port::{Call, PortFaults, PortWork, PortWorld, VirtualClock};
use stand_ins::world::bucket::{Condition, S3World};
use stand_ins::world::dynamodb::{create_ledger_table, new_database};
use stand_ins::world::mogile::{Content, DeviceId, Dmid, Fid, MogileFs};

/// The one S3 bucket, to which files of the MogileFS bucket `repo` go.
pub const BUCKET: &str = "new-repo";

/// A world with one domain, three storage hosts of one device each, one bucket and a ledger.
pub struct World {
    pub port: PortWorld,
    pub dmid: Dmid,
    pub devices: [DeviceId; 3],
}

impl World {
    /// Where calls take no time.
    pub fn instant() -> Self {
        Self::new(Arc::default(), PortFaults::instant())
    }

    /// Where calls take their time, by the seed.
    pub fn paced(seed: u64) -> Self {
        let clock = Arc::<VirtualClock>::default();
        Self::new(Arc::clone(&clock), PortFaults::paced(clock, seed))
    }

    fn new(clock: Arc<VirtualClock>, faults: PortFaults) -> Self {
        let mogile = Arc::new(MogileFs::default());
        let dmid = mogile.add_domain("plos_repo");
        let devices = [1, 2, 3].map(|last| {
            mogile.add_device(mogile.add_host(Ipv4Addr::new(127, 0, 0, last).into(), 7500))
        });
        let now = Arc::clone(&clock);
        let s3 = Arc::new(S3World::with_clock(Arc::new(move || now.system_time())));
        s3.create_bucket(BUCKET).expect("a new world has no buckets");
        let database = new_database().expect("a database in memory");
        create_ledger_table(&database, "ledger").expect("a new database has no tables");
        let port = PortWorld {
            mogile,
            domain: "plos_repo".to_owned(),
            s3,
            work: PortWork::new(&clock, &database),
            database,
            table: "ledger".to_owned(),
            clock,
            faults: Arc::new(faults),
        };
        Self { port, dmid, devices }
    }

    /// Stores a file with replicas on the first two devices.
    pub fn store(&self, content: &[u8]) -> SourceFile {
        let digests = ContentHasher::of(content);
        let bucket = MogileBucket::new("repo").expect("a name");
        let dkey = Dkey { sha1: digests.sha1, bucket };
        let bytes = Content::from(content.to_vec());
        let fid = self.port.mogile.store(self.dmid, &dkey.to_string(), &bytes, &self.devices[..2]);
        SourceFile::new(
            domain::Fid(fid.0),
            dkey,
            digests.length,
            domain::S3Bucket::new(BUCKET).expect("a name"),
        )
    }

    /// The devices that hold a file, in the order in which the tracker names them.
    pub fn holders(&self, file: &SourceFile) -> Vec<DeviceId> {
        let key = file.dkey.to_string();
        let options = stand_ins::world::mogile::PathOptions { noverify: true, pathcount: 9 };
        let paths = self.port.mogile.get_paths("plos_repo", &key, options).unwrap_or_default();
        let holds = |path: &String| {
            let of = |device: &&DeviceId| path.contains(&format!("/dev{device}/"));
            self.devices.iter().find(of).copied()
        };
        paths.iter().filter_map(holds).collect()
    }

    /// Puts other bytes in place of one replica's.
    pub fn spoil(&self, file: &SourceFile, device: DeviceId, bytes: &[u8]) {
        self.port.mogile.set_replica(Fid(file.fid.0), device, Content::from(bytes.to_vec()));
    }

    /// Plants an object without a checksum, as others left it.
    pub fn plant(&self, key: &impl Display, bytes: &[u8]) {
        let planted = self.port.s3.plant_plain(BUCKET, &key.to_string(), bytes.to_vec());
        planted.expect("the bucket is there");
    }

    /// The bytes at a key.
    pub fn at(&self, key: &ObjectKey) -> Option<Bytes> {
        let object = self.port.s3.get(BUCKET, key.as_str(), &Condition::None).ok()?;
        Some(object.content.bytes().clone())
    }

    /// The calls since this was last asked, each once with its count: `copy 1, head 2`.
    pub fn calls(&self) -> String {
        told(&self.port.faults.take_counts())
    }

    /// Runs a step to its end.
    pub fn run<F: Future>(&self, step: F) -> F::Output {
        self.port.clock.run(step).expect("something always goes on")
    }
}

/// Counts of calls, in words.
pub fn told(counts: &BTreeMap<Call, u64>) -> String {
    let each = counts.iter().map(|(call, count)| format!("{call:?} {count}").to_lowercase());
    each.collect::<Vec<_>>().join(", ")
}

/// Content of this length that is like no other's of another salt.
pub fn content(salt: u64, length: usize) -> Vec<u8> {
    let bytes =
        (0_u64..).flat_map(|at| salt.wrapping_mul(0x9e37_79b9).wrapping_add(at * 31).to_le_bytes());
    bytes.take(length).collect()
}

/// A run over all that are pending, by the usual routes, four at a time.
pub fn plan() -> RunPlan {
    RunPlan {
        buckets: BucketMap::parse("repo:new-repo", "trash").expect("good settings"),
        route: RoutePolicy::Auto,
        selection: Selection::default(),
        concurrency: 4,
        max_failures: None,
        wait: limits::OUTAGE_WAIT,
        keep_going: false,
        moved_from: <_>::default(),
        single_request_bytes: limits::SINGLE_REQUEST_BYTES,
        types: None,
        guard: None,
    }
}
