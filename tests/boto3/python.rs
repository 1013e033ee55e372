//! A Python with boto3, in a virtual environment of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::time::timeout;

const PACKAGE: &str = "boto3>=1.36";

/// For the environment and the package; a package index out of reach is noticed sooner.
const INSTALLATION: Duration = Duration::from_mins(3);

/// For a look whether the package is there.
const PROBE: Duration = Duration::from_secs(30);

/// The Python of a virtual environment that has the package, made anew where there is none.
///
/// Without Python or the package index there is none: that is said, or fails the test where
/// `REQUIRE_BOTO3` is `1`.
pub async fn installed() -> Option<PathBuf> {
    // Tests run side by side, and share the environment.
    static INSTALLED: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
    match INSTALLED.get_or_init(install).await {
        Ok(python) => Some(python.clone()),
        Err(why) if std::env::var("REQUIRE_BOTO3").is_ok_and(|set| set == "1") => {
            panic!("boto3 cannot be had: {why}");
        }
        Err(why) => {
            say(&format!("SKIPPED: boto3 cannot be had: {why}"));
            None
        }
    }
}

async fn install() -> Result<PathBuf, String> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("boto3");
    let python = home.join("bin/python");
    let mut probe = Command::new(&python);
    probe.args(["-c", "import boto3"]);
    if run(probe, PROBE).await.is_ok() {
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
pub async fn run(mut command: Command, limit: Duration) -> Result<(), String> {
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

/// Writes a line where it is seen: what is printed by a test that passes is swallowed.
fn say(line: &str) {
    // A closed standard error is no reason to fail a test.
    let _ = writeln!(std::io::stderr(), "{line}");
}
