//! The stand-in on loopback with one file to migrate, and the migration of that file: MogileFS by
//! the client over the wire, all else by the port face.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use adapters::clock::SystemClock;
use domain::migrate::{FileOutcome, FilePlan, Writing, migrate_file};
use domain::ports::Ports;
use domain::{ContentHasher, Dkey, MogileBucket, ObjectMeta, S3Bucket, SourceFile};
use stand_ins::fault::{Fault, Faults, Rule, Service};
use stand_ins::port::{PortFaults, PortWork, PortWorld, VirtualClock};
use stand_ins::wire::{storage_node, tracker};
use stand_ins::world::bucket::{Condition, S3World};
use stand_ins::world::dynamodb::new_database;
use stand_ins::world::mogile::{Content, DeviceId, Dmid, MogileFs, PathOptions};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use adapters::mogile::MogileFiles;

use super::client::{DOMAIN, files_within, timeouts};

const BUCKET: &str = "new-repo";

/// A tracker and three nodes of one device each.
pub struct Stage {
    pub mogile: Arc<MogileFs>,
    pub faults: Arc<Faults>,
    pub devices: Vec<DeviceId>,
    pub tracker: SocketAddr,
    dmid: Dmid,
    s3: Arc<S3World>,
    _services: JoinSet<()>,
}

impl Stage {
    pub async fn start() -> Self {
        let (mogile, faults) = (Arc::<MogileFs>::default(), Arc::<Faults>::default());
        let dmid = mogile.add_domain(DOMAIN);
        let (mut services, mut devices) = (JoinSet::new(), Vec::new());
        for _ in 0..3 {
            let (listener, address) = bind().await;
            let host = mogile.add_host(address.ip(), address.port());
            devices.push(mogile.add_device(host));
            services.spawn(storage_node::serve(listener, mogile.clone(), host, faults.clone()));
        }
        let (listener, tracker) = bind().await;
        services.spawn(tracker::serve(listener, mogile.clone(), faults.clone()));
        let s3 = Arc::new(S3World::default());
        s3.create_bucket(BUCKET).expect("a new world has no buckets");
        Self { mogile, faults, devices, tracker, dmid, s3, _services: services }
    }

    /// Stores a file of any key on the first two devices.
    pub fn plant(&self, key: &str, content: &[u8]) -> u64 {
        let content = Content::from(content.to_vec());
        self.mogile.store(self.dmid, key, &content, &self.devices[..2]).0
    }

    pub fn has(&self, key: &str) -> bool {
        self.mogile.row_by_key(self.dmid, key).is_some()
    }

    /// Stores a file that is to be migrated on the first two devices.
    pub fn store(&self, content: &[u8]) -> SourceFile {
        let digests = ContentHasher::of(content);
        let bucket = MogileBucket::new("repo").expect("a name");
        let dkey = Dkey { sha1: digests.sha1, bucket };
        SourceFile::new(
            domain::Fid(self.plant(&dkey.to_string(), content)),
            dkey,
            digests.length,
            S3Bucket::new(BUCKET).expect("a name"),
        )
    }

    /// The replicas' URLs in the tracker's order.
    pub fn urls(&self, file: &SourceFile) -> Vec<String> {
        let options = PathOptions { noverify: true, pathcount: 9 };
        let key = file.dkey.to_string();
        self.mogile.get_paths(DOMAIN, &key, options).unwrap_or_default()
    }

    /// The devices that hold a file, in the tracker's order.
    pub fn holders(&self, file: &SourceFile) -> Vec<DeviceId> {
        let of = |url: &String| {
            let at = |device: &&DeviceId| url.contains(&format!("/dev{device}/"));
            self.devices.iter().find(at).copied()
        };
        self.urls(file).iter().filter_map(of).collect()
    }

    /// Has every request for one device's replicas struck.
    pub fn strike(&self, device: DeviceId, fault: Fault) {
        let target = Some(format!("/dev{device}/"));
        self.faults.add(Rule { target, ..Rule::always(Service::StorageNode, fault) });
    }

    /// The nodes' addresses.
    pub fn nodes(&self) -> Vec<SocketAddr> {
        self.mogile.host_rows().into_iter().map(|(_, node)| node).collect()
    }

    pub fn files(&self) -> MogileFiles {
        files_within(self.tracker, 4, timeouts())
    }

    /// Migrates a file by the stand-in's tracker and nodes.
    pub async fn migrate(&self, file: &SourceFile) -> FileOutcome {
        self.migrate_by(self.files(), file).await
    }

    /// Migrates a file by these trackers and nodes.
    pub async fn migrate_by(&self, files: MogileFiles, file: &SourceFile) -> FileOutcome {
        let database = new_database().expect("a database in memory");
        let clock = Arc::<VirtualClock>::default();
        let world = PortWorld {
            mogile: Arc::clone(&self.mogile),
            domain: DOMAIN.to_owned(),
            s3: Arc::clone(&self.s3),
            work: PortWork::new(&clock, &database),
            database,
            table: "unused".to_owned(),
            clock,
            faults: Arc::new(PortFaults::instant()),
        };
        let ports = Ports { files: Arc::new(files), clock: Arc::new(SystemClock), ..world.ports() };
        let plan = FilePlan {
            look_first: false,
            copy_from: None,
            copy_length: None,
            mogile: true,
            meta: ObjectMeta::default(),
        };
        migrate_file(&ports, file, &plan, &Writing::default()).await
    }

    /// The bytes at the file's final key.
    pub fn migrated(&self, file: &SourceFile) -> Option<Vec<u8>> {
        let key = file.address().key;
        let object = self.s3.get(BUCKET, key.as_str(), &Condition::None).ok()?;
        Some(object.content.bytes().to_vec())
    }
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}
