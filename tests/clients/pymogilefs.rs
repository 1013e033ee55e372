//! Another's client, `pymogilefs` from `PyPI`, against the stand-in: it stores, reads, lists, renames
//! and deletes.
//!
//! It runs in a virtual environment of its own. Without Python or the package index the test is
//! skipped, and says so; with `REQUIRE_PYMOGILEFS=1` it fails instead.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rehearsal::hazard::Hazards;
use rehearsal::stage::{Options, Stage};
use stand_ins::embedded::{DOMAIN, EmbeddedWorld};
use stand_ins::world::mogile::OpenFile;
use tests::python::{self, Package};
use tokio::process::Command;

pub(crate) const PYMOGILEFS: Package = Package {
    module: "pymogilefs.client",
    wanted: "pymogilefs==0.1.2",
    required_by: "REQUIRE_PYMOGILEFS",
};

/// For all that the client does.
const SESSION: Duration = Duration::from_secs(30);

#[tokio::test]
async fn pymogilefs_stores_reads_lists_renames_and_deletes() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(python) = python::with(PYMOGILEFS, home).await else { return };
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    check_session(python, &world).await;
}

/// The world of `rehearse serve`, and that of a whole rehearsal, without the faults that strike
/// requests: this client tries nothing twice.
#[tokio::test]
async fn pymogilefs_stores_files_in_a_world_with_hazards() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(python) = python::with(PYMOGILEFS, home).await else { return };
    for hazards in [Hazards::Mild, Hazards::All] {
        let options = Options { seed: 1, files: 60, folder: None, hazards };
        let stage = Stage::set(&options).await.expect("a world");
        stage.world.faults.clear();
        check_session(python.clone(), &stage.world).await;
    }
}

#[tokio::test]
async fn no_address_of_a_world_with_hazards_is_outside_loopback() {
    let options = Options { seed: 1, files: 300, folder: None, hazards: Hazards::All };
    let stage = Stage::set(&options).await.expect("a world");
    let mogile = &stage.world.mogile;
    for (host, address) in mogile.host_rows() {
        assert!(address.ip().is_loopback(), "host {host} is at {address}");
    }
    // Of every new file, wherever the tracker sends it, a node takes the bytes.
    let nodes: BTreeSet<_> = stage.world.devices.iter().collect();
    for number in 0..200 {
        let key = format!("new-{number}");
        let open = OpenFile { domain: DOMAIN, key: &key, multi_dest: true, ..OpenFile::default() };
        let opened = mogile.create_open(open).expect("devices are alive");
        for place in opened.destinations {
            assert!(nodes.contains(&place.device), "{} is no node's", place.path);
        }
    }
}

/// Does all that the client can do, against this tracker.
pub(crate) async fn run_session(python: &Path, tracker: &str) {
    let session = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/pymogilefs/session.py");
    let mut client = Command::new(python);
    client.arg(session).env("TRACKER", tracker).env("DOMAIN", DOMAIN).env("NO_PROXY", "127.0.0.1");
    python::run(client, SESSION).await.expect("every step as it should be");
}

async fn check_session(python: PathBuf, world: &EmbeddedWorld) {
    run_session(&python, &world.environment()["MOGILE_TRACKERS"]).await;
    let keys: Vec<_> = ["one", "two", "three", "odd key=&%"]
        .into_iter()
        .filter(|key| world.mogile.row_by_key(world.dmid, key).is_some())
        .collect();
    assert_eq!(keys, ["three", "odd key=&%"]);
    let row = world.mogile.row_by_key(world.dmid, "three").expect("stored again");
    assert_eq!(row.length, Some(5));
    let held = row.devids.iter().map(|device| world.mogile.replica(row.fid, *device));
    let held: Vec<_> = held.flatten().map(|content| content.read().expect("in memory")).collect();
    assert_eq!(held, ["again"]);
    assert_eq!(world.mogile.uploads().len(), 0, "each was closed");
}
