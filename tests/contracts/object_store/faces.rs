use std::sync::Arc;

use adapters::calls::Calls;
use adapters::s3::{Conditionals, Parts, S3ObjectStore};
use stand_ins::embedded::EmbeddedWorld;
use stand_ins::port::{PortFaults, PortObjects, VirtualClock};
use stand_ins::world::bucket::{Encryption, S3World};
use tests::contract::ends::{WorldEnd, s3_of};
use tests::contract::object_store::holds;

#[test]
fn the_port_face_keeps_the_contract() {
    let s3 = Arc::new(S3World::default());
    let store = PortObjects::new(s3.clone(), Arc::new(PortFaults::instant()));
    let end = WorldEnd::new(Arc::new(store), s3);
    VirtualClock::default().run(holds(&end)).expect("nothing to wait for");
}

#[tokio::test]
async fn the_adapter_keeps_the_contract_on_a_sound_end() {
    on_the_wire(Conditionals::Sound, |_| ()).await;
}

#[tokio::test]
async fn the_adapter_keeps_the_contract_where_it_looks_first() {
    on_the_wire(Conditionals::Unsound, |_| ()).await;
}

#[tokio::test]
async fn etags_that_are_no_md5_and_older_versions_change_nothing() {
    on_the_wire(Conditionals::Sound, |s3| {
        s3.configure(|options| {
            options.encryption = Encryption::Kms;
            options.versioned = true;
        });
    })
    .await;
}

async fn on_the_wire(conditionals: Conditionals, prepare: fn(&S3World)) {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    prepare(&world.s3);
    let sizes = WorldEnd::SIZES;
    let (single, part) = (sizes.single_request_bytes as u64, sizes.part_bytes as u64);
    let parts = Parts::new(single, part, part * 2);
    let config = s3_of(&world).await;
    let store = S3ObjectStore::new(&config, conditionals, parts, Arc::new(Calls::default()));
    holds(&WorldEnd::new(Arc::new(store), world.s3.clone())).await;
}
