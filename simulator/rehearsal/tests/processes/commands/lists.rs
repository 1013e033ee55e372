//! The list of failures, written by one process and fed back to the next.

use stand_ins::fault::{Fault, Rule, Service};

use crate::cli::{json, mogile2s3, stage, text};

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_listed_and_the_list_is_taken_back() {
    let stage = stage(42, 60).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("failures.tsv");
    let (path, fed_back) = (file.display().to_string(), format!("@{}", file.display()));
    let environment = stage.world.environment();
    stage.world.faults.add(Rule::always(Service::StorageNode, Fault::TruncateBody(0)));
    let first = mogile2s3(environment, &["migrate", "--failures", &path]).await;
    let said = text(&first.stdout);
    assert_eq!(first.status.code(), Some(1), "{said}");
    let next = format!("mogile2s3 migrate --fids {fed_back}");
    assert!(said.contains(&next), "{said}");
    let list = std::fs::read_to_string(&file).expect("a list");
    let failed = list.lines().filter(|line| !line.starts_with('#')).count();
    assert!(failed > 0 && list.contains("\tno-replica\t"), "{list}");

    stage.world.faults.clear();
    let refused = mogile2s3(environment, &["migrate", "--failures", &path]).await;
    assert_eq!(refused.status.code(), Some(2), "the list of before is not to be lost");
    let second = mogile2s3(environment, &["migrate", "--json", "--fids", &fed_back]).await;
    let summary = json(&second);
    assert_eq!(second.status.code(), Some(0), "{summary}");
    assert_eq!(summary["rows"].as_u64(), Some(failed as u64), "{summary}");
    assert!(stage.judge().is_content());

    std::fs::write(&file, "7\nseven\n").expect("written");
    let wrong = mogile2s3(environment, &["migrate", "--fids", &fed_back]).await;
    assert_eq!(wrong.status.code(), Some(2));
    let said = text(&wrong.stderr);
    assert!(said.contains(&format!("`{path}`, line 2: `seven` is no fid")), "{said}");
}
