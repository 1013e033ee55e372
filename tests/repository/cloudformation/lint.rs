use std::path::Path;
use std::time::Duration;

use tests::python::{self, Package};
use tokio::process::Command;

use super::template::PATH;

/// One version: another may know more to complain of.
const CFN_LINT: Package =
    Package { module: "cfnlint", wanted: "cfn-lint==1.58.0", required_by: "REQUIRE_CFN_LINT" };

#[tokio::test]
async fn cfn_lint_finds_nothing() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(python) = python::with(CFN_LINT, home).await else { return };
    let mut lint = Command::new(python.with_file_name("cfn-lint"));
    lint.args(["--", PATH]);
    python::run(lint, Duration::from_mins(2)).await.unwrap_or_else(|said| panic!("{said}"));
}
