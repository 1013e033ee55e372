//! Another's client, `pymogilefs` from `PyPI`, against the stand-in: it stores, reads, lists, renames
//! and deletes.
//!
//! It runs in a virtual environment of its own. Without Python or the package index the test is
//! skipped, and says so; with `REQUIRE_PYMOGILEFS=1` it fails instead.

use std::path::Path;
use std::time::Duration;

use stand_ins::embedded::{DOMAIN, EmbeddedWorld};
use tests::python::{self, Package};
use tokio::process::Command;

const PYMOGILEFS: Package = Package {
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
    let session = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/pymogilefs/session.py");
    let mut client = Command::new(python);
    client
        .arg(session)
        .env("TRACKER", &world.environment()["MOGILE_TRACKERS"])
        .env("DOMAIN", DOMAIN)
        .env("NO_PROXY", "127.0.0.1");
    python::run(client, SESSION).await.expect("every step as it should be");

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
