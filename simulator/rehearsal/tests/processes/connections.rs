//! Connections are bounded: by what is under way, and by what the settings allow a tracker and a
//! node. The world counts them.

use std::collections::BTreeMap;

use rehearsal::stage::Stage;
use stand_ins::fault::Service;

use crate::cli::{is_honest, mogile2s3, stage, text};

const FILES: usize = 120;

/// Migrates with so many files at once, and tells the most connections that each kind of service
/// had at one listener.
async fn migrate(stage: &Stage, concurrency: usize, more: &[&str]) -> BTreeMap<Service, usize> {
    let concurrency = concurrency.to_string();
    let arguments =
        [&["migrate", "--json", "--route", "mogile", "--concurrency", &concurrency], more].concat();
    let output = mogile2s3(stage.world.environment(), &arguments).await;
    assert!(output.status.success() && is_honest(&output), "{}", text(&output.stderr));
    let mut most = BTreeMap::new();
    for ((service, _), count) in stage.world.faults.most_connections() {
        let of_service = most.entry(service).or_default();
        *of_service = count.max(*of_service);
    }
    most
}

#[tokio::test(flavor = "multi_thread")]
async fn few_files_at_once_need_few_connections() {
    for concurrency in [1, 3] {
        let most = migrate(&stage(5, FILES).await, concurrency, &[]).await;
        // The index is read meanwhile.
        assert!(most[&Service::Tracker] <= concurrency + 1, "{concurrency}: {most:?}");
        assert!(most[&Service::StorageNode] <= concurrency, "{concurrency}: {most:?}");
        // Four scan the ledger, one the failures, and two look at the tables' keys.
        assert!(most[&Service::DynamoDb] <= 7, "{most:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_files_at_once_keep_to_the_settings() {
    let most = migrate(&stage(5, FILES).await, 64, &[]).await;
    assert!(most[&Service::Tracker] <= 8, "{most:?}");
    assert!(most[&Service::StorageNode] <= 16, "{most:?}");
    let narrow = ["--tracker-connections", "2", "--node-connections", "3"];
    let most = migrate(&stage(5, FILES).await, 64, &narrow).await;
    assert!(most[&Service::Tracker] <= 2, "{most:?}");
    assert!(most[&Service::StorageNode] <= 3, "{most:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_used_where_there_is_work_for_them() {
    let most = migrate(&stage(5, FILES).await, 64, &["--node-connections", "64"]).await;
    assert!(most[&Service::StorageNode] > 3, "the bounds above are no accident: {most:?}");
    assert!(most[&Service::Tracker] > 2, "the bounds above are no accident: {most:?}");
}
