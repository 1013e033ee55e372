//! One MogileFS behind either face, and its troubles.

use std::net::Ipv4Addr;
use std::sync::Arc;

use adapters::calls::Calls;
use adapters::mogile::{MogileFiles, NodeRegistry, StorageNodes, Timeouts, Trackers};
use domain::ports::SourceFiles;
use domain::{ContentHasher, Dkey, Fid, MogileBucket, S3Bucket, SourceFile};
use stand_ins::fault::{Fault, Faults, Rule, Service};
use stand_ins::port::{Call, PortFault, PortFaults, PortFiles};
use stand_ins::wire::{storage_node, tracker};
use stand_ins::world::mogile::{
    Content, DeviceId, DeviceStatus, Dmid, MogileFs, PathOptions, parse_fid_path,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const DOMAIN: &str = "plos_repo";

/// The faces by name.
pub const FACES: [&str; 2] = ["port", "wire"];

/// How one call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// It never arrives.
    Request,
    /// It is carried out, and the answer does not come.
    Answer,
    /// The other side says that it cannot now.
    Busy,
}

/// Where the troubles come from.
enum Script {
    Port(Arc<PortFaults>),
    Wire(Arc<Faults>),
}

/// A MogileFS of three hosts with a device each, and the files in it.
pub struct Face {
    pub mogile: Arc<MogileFs>,
    pub files: Box<dyn SourceFiles>,
    dmid: Dmid,
    devices: Vec<DeviceId>,
    script: Script,
    _services: JoinSet<()>,
}

impl Face {
    pub async fn start(name: &str) -> Self {
        let mogile = Arc::new(MogileFs::default());
        let dmid = mogile.add_domain(DOMAIN);
        let faults = Arc::new(Faults::default());
        let (mut services, mut devices) = (JoinSet::new(), Vec::new());
        for _ in 0..3 {
            let listener = bind().await;
            let address = listener.local_addr().expect("bound");
            let host = mogile.add_host(address.ip(), address.port());
            devices.push(mogile.add_device(host));
            services.spawn(storage_node::serve(listener, mogile.clone(), host, faults.clone()));
        }
        let (files, script): (Box<dyn SourceFiles>, _) = if name == "port" {
            let faults = Arc::new(PortFaults::instant());
            let files = PortFiles::new(mogile.clone(), DOMAIN.to_owned(), faults.clone());
            (Box::new(files), Script::Port(faults))
        } else {
            let listener = bind().await;
            let at = listener.local_addr().expect("bound").to_string();
            services.spawn(tracker::serve(listener, mogile.clone(), faults.clone()));
            (Box::new(client(at)), Script::Wire(faults))
        };
        Self { mogile, files, dmid, devices, script, _services: services }
    }

    /// Stores a file on the first two devices.
    pub fn store(&self, content: &[u8]) -> SourceFile {
        let digests = ContentHasher::of(content);
        let bucket = MogileBucket::new("repo").expect("a name");
        let dkey = Dkey { sha1: digests.sha1, bucket };
        let bytes = Content::from(content.to_vec());
        let fid = self.mogile.store(self.dmid, &dkey.to_string(), &bytes, &self.devices[..2]);
        SourceFile::new(
            Fid(fid.0),
            dkey,
            digests.length,
            S3Bucket::new("new-repo").expect("a name"),
        )
    }

    /// The replicas' URLs in the tracker's order.
    pub fn urls(&self, file: &SourceFile) -> Vec<String> {
        let options = PathOptions { noverify: true, pathcount: 9 };
        let paths = self.mogile.get_paths(DOMAIN, &file.dkey.to_string(), options);
        paths.expect("the tracker knows it")
    }

    /// The device of a replica's URL.
    pub fn device(url: &str) -> DeviceId {
        let path = url.splitn(4, '/').nth(3).expect("a path");
        let (device, _) = parse_fid_path(&format!("/{path}")).expect("a replica's");
        device
    }

    /// What the tracker believes of the device of a replica's URL.
    pub fn set_status(&self, url: &str, status: DeviceStatus) {
        self.mogile.set_device_status(Self::device(url), status);
    }

    /// Every call of this operation (as the wire names it) goes wrong, until all is well again.
    pub fn lose(&self, operation: &str, loss: Loss) {
        match &self.script {
            Script::Port(faults) => {
                let call = match operation {
                    "get_paths" => Call::Replicas,
                    "GET" => Call::Open,
                    "delete" => Call::DeleteFile,
                    "rename" => Call::RenameFile,
                    operation => panic!("no call does {operation}"),
                };
                let fault = match loss {
                    Loss::Request => PortFault::RequestLost,
                    Loss::Answer => PortFault::AnswerLost,
                    Loss::Busy => PortFault::Busy,
                };
                faults.strike(call, "", fault, u32::MAX);
            }
            Script::Wire(faults) => {
                let of_a_node = operation == "GET";
                let service = if of_a_node { Service::StorageNode } else { Service::Tracker };
                let fault = match loss {
                    Loss::Request => Fault::RequestLost,
                    Loss::Answer => Fault::AnswerLost,
                    Loss::Busy => Fault::Refuse { status: 503, code: "failure".to_owned() },
                };
                let operation = Some(operation.to_owned());
                faults.add(Rule { operation, ..Rule::always(service, fault) });
            }
        }
    }

    /// All is well again.
    pub fn heal(&self) {
        match &self.script {
            Script::Port(faults) => faults.clear(),
            Script::Wire(faults) => faults.clear(),
        }
    }

    /// The next content breaks off in the middle.
    pub fn break_off(&self) {
        match &self.script {
            Script::Port(faults) => faults.strike(Call::Open, "", PortFault::AnswerLost, 1),
            Script::Wire(faults) => {
                let fault = Fault::TruncateBody(100_000);
                faults.add(Rule::once(Service::StorageNode, "GET", "", fault));
            }
        }
    }
}

/// The adapter, for a tracker at this address.
fn client(at: String) -> MogileFiles {
    let calls = Arc::<Calls>::default();
    let trackers = Arc::new(Trackers::new(&[at], 4, calls.clone()));
    let nodes = StorageNodes::new(4, calls);
    let hosts = "127.0.0.1".parse().expect("an address");
    let registry = NodeRegistry::new(trackers.clone(), hosts, Timeouts::default());
    MogileFiles::new(trackers, nodes, registry, DOMAIN.to_owned())
}

async fn bind() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port")
}
