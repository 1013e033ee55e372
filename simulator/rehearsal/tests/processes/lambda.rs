//! The real function in processes of its own, on a queue of the world: what it acknowledges, what
//! it gives back, and what a kill costs.

mod events;
mod formats;
mod kills;
mod stage;
mod starts;

use serde_json::Value;
use stage::{PATIENCE, Stage};
use stand_ins::fault::Service;

#[tokio::test(flavor = "multi_thread")]
async fn every_file_arrives_by_either_route_in_small_batches_and_large() {
    for (batch, synced, invocations) in [(10, false, 4), (100, true, 1)] {
        let stage = Stage::with(35).await;
        if synced {
            stage.sync();
        }
        stage.enqueue_all();
        let service = stage.start_batches(stage.function(), batch);
        service.done(PATIENCE).await.expect("done");
        stage.assert_whole();
        let (counts, mapping) = (service.counts(), service.mapping_counts());
        assert_eq!((counts.invocations, mapping.acknowledged), (invocations, 35), "{counts:?}");
        assert!(counts.cold_starts <= 2, "processes are kept: {counts:?}");
        let logs = service.fleet().logs();
        assert_eq!((logs.metric("Proven"), logs.metric("GivenBack")), (35, 0));
        assert_eq!(logs.metric(if synced { "ByCopy" } else { "ByMogile" }), 35);
        let requests = stage.world.faults.counts();
        let s3 = |operation: &str| requests.get(&(Service::S3, operation.to_owned())).copied();
        assert_eq!(s3(if synced { "COPY" } else { "PUT" }), Some(35), "{requests:?}");
        assert_eq!((s3("HEAD"), s3("GET")), (None, None), "{requests:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_command_enqueues_the_function_moves_in_two_passes() {
    for batch in [10, 100] {
        let mut stage = Stage::with(30).await;
        stage.sync();
        assert_eq!(enqueue(&stage).await["sent"]["files"], 30, "batches of {batch}");
        let service = stage.start_batches(stage.function(), batch);
        service.done(PATIENCE).await.expect("done");
        stage.assert_whole();

        stage.ingest(30..42);
        let second = enqueue(&stage).await;
        assert_eq!(second["sent"]["files"], 12, "only what is new: {second}");
        service.done(PATIENCE).await.expect("done");
        stage.assert_whole();
        let logs = service.fleet().logs();
        assert_eq!((logs.metric("ByCopy"), logs.metric("ByMogile")), (30, 12), "of {batch}");
        assert_eq!((logs.metric("AlreadyThere"), logs.metric("GivenBack")), (0, 0));
        assert!(stage.dead_letters().is_empty());
    }
}

/// `mogile2s3 enqueue migrate`, as an operator runs it.
async fn enqueue(stage: &Stage) -> Value {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_rehearse"))
        .args(["mogile2s3", "enqueue", "migrate", "--json"])
        .env_clear()
        .envs(stage.world.environment())
        .current_dir("/")
        .kill_on_drop(true)
        .output()
        .await
        .expect("started");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    serde_json::from_slice(&output.stdout).expect("a summary")
}
