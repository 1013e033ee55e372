//! The real function in processes of its own, on a queue of the world: what it acknowledges, what
//! it gives back, and what a kill costs.

mod events;
mod kills;
mod stage;
mod starts;

use simulator::fault::Service;

use stage::{PATIENCE, Stage};

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
