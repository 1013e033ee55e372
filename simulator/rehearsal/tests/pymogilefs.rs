//! Another's client, `pymogilefs` from `PyPI`, against the stand-in: it stores, reads, lists, renames
//! and deletes.
//!
//! It runs in a virtual environment of its own. Without Python or the package index the test is
//! skipped, and says so; with `REQUIRE_PYMOGILEFS=1` it fails instead.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use stand_ins::embedded::{DOMAIN, EmbeddedWorld};
use tokio::process::Command;
use tokio::time::timeout;

const PACKAGE: &str = "pymogilefs==0.1.2";

/// For the environment and the package; a package index out of reach is noticed sooner.
const INSTALLATION: Duration = Duration::from_mins(2);

/// For all that the client does.
const SESSION: Duration = Duration::from_secs(30);

#[tokio::test]
async fn pymogilefs_stores_reads_lists_renames_and_deletes() {
    let python = match installed().await {
        Ok(python) => python,
        Err(why) if std::env::var("REQUIRE_PYMOGILEFS").is_ok_and(|set| set == "1") => {
            panic!("pymogilefs cannot be had: {why}");
        }
        Err(why) => return eprintln!("SKIPPED: pymogilefs cannot be had: {why}"),
    };
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let session = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pymogilefs/session.py");
    let mut client = Command::new(python);
    client
        .arg(session)
        .env("TRACKER", &world.environment()["MOGILE_TRACKERS"])
        .env("DOMAIN", DOMAIN)
        .env("NO_PROXY", "127.0.0.1");
    run(client, SESSION).await.expect("every step as it should be");

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

/// The Python of a virtual environment that has the package, made anew where there is none.
async fn installed() -> Result<PathBuf, String> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pymogilefs");
    let python = home.join("bin/python");
    let mut probe = Command::new(&python);
    probe.args(["-c", "import pymogilefs.client"]);
    if run(probe, SESSION).await.is_ok() {
        return Ok(python);
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&home);
    run(make, INSTALLATION).await?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install.args(["--retries", "1", "--timeout", "15", PACKAGE]);
    run(install, INSTALLATION).await?;
    Ok(python)
}

/// Runs a command to its end; what it said is the error of one that failed.
async fn run(mut command: Command, limit: Duration) -> Result<(), String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).kill_on_drop(true);
    let Ok(ended) = timeout(limit, command.output()).await else {
        return Err(format!("{name} took longer than {limit:?}"));
    };
    let output = ended.map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}
