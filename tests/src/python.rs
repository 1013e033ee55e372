//! A Python with a package from `PyPI`, in a virtual environment of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// A package that a test needs.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// The module by which it is seen.
    pub module: &'static str,
    /// What is asked of the package index: `boto3>=1.36`.
    pub wanted: &'static str,
    /// The variable that, set to 1, makes its absence a failure.
    pub required_by: &'static str,
}

/// For the environment and the package; a package index out of reach is noticed sooner.
const INSTALLATION: Duration = Duration::from_mins(3);

/// For a look whether the package is there.
const PROBE: Duration = Duration::from_secs(30);

/// The Python of a virtual environment that has the package, made anew where there is none. Without
/// Python or the package index there is none: the test should end at once, this has said so.
///
/// # Panics
/// If the package is required and cannot be had.
pub async fn with(package: Package, home: &Path) -> Option<PathBuf> {
    // Tests run side by side, and share the environment.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    let _turn = ONE_AT_A_TIME.lock().await;
    match installed(package, home).await {
        Ok(python) => Some(python),
        Err(why) if std::env::var(package.required_by).is_ok_and(|set| set == "1") => {
            panic!("{} cannot be had: {why}", package.module);
        }
        Err(why) => {
            say(&format!("SKIPPED: {} cannot be had: {why}", package.module));
            None
        }
    }
}

async fn installed(package: Package, home: &Path) -> Result<PathBuf, String> {
    let home = home.join(package.module);
    let python = home.join("bin/python");
    let mut probe = Command::new(&python);
    probe.args(["-c", &format!("import {}", package.module)]);
    if run(probe, PROBE).await.is_ok() {
        return Ok(python);
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&home);
    run(make, INSTALLATION).await?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install.args(["--retries", "1", "--timeout", "15", package.wanted]);
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
    let (out, err) = (output.stdout, output.stderr);
    let said = [out, err].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    Err(format!("{name}: {}\n{said}", output.status))
}

/// Writes a line where it is seen: what is printed by a test that passes is swallowed.
pub fn say(line: &str) {
    // A closed standard error is no reason to fail a test.
    let _ = writeln!(std::io::stderr(), "{line}");
}
