//! LocalStack 4.14 differs from Amazon S3 in these, and in nothing else that the contract asks:
//!
//! - a COPY with `If-None-Match: *` onto an object is refused, and has overwritten it;
//! - DELETE knows no conditions (501).
//!
//! With [`Conditionals::Unsound`] the adapter keeps the whole contract there.

use std::sync::Arc;

use adapters::calls::Calls;
use adapters::s3::{Conditionals, Parts, S3ObjectStore};
use domain::ports::ObjectStore;
use domain::{S3Bucket, Timestamp};
use tests::containers::{Localstack, engine_answers};
use tests::contract::ends::{LocalstackEnd, settings_of};
use tests::contract::object_store::{End, holds};

use super::canaries::bad;

/// The promises that it breaks.
const BROKEN: [&str; 2] = [
    "a COPY onto an object is refused and leaves it alone",
    "a DELETE with another object's ETag is refused and leaves the object alone",
];

async fn end(
    localstack: &Localstack,
    conditionals: Conditionals,
    bucket: &str,
) -> anyhow::Result<(Arc<S3ObjectStore>, LocalstackEnd)> {
    let config = settings_of(localstack).await;
    let sizes = LocalstackEnd::SIZES;
    let (single, part) = (sizes.single_request_bytes as u64, sizes.part_bytes as u64);
    let parts = Parts::new(single, part, part * 2);
    let store = S3ObjectStore::new(&config, conditionals, parts, Arc::new(Calls::default()));
    let store = Arc::new(store);
    let bucket = S3Bucket::new(bucket).expect("a name");
    let examined: Arc<dyn ObjectStore> = store.clone();
    let end = LocalstackEnd::new(examined, &config, bucket).await?;
    Ok((store, end))
}

#[tokio::test]
async fn the_adapter_keeps_the_contract_where_it_looks_first() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let localstack = Localstack::start().await?;
    let (_, end) = end(&localstack, Conditionals::Unsound, "contract").await?;
    holds(&end).await;
    Ok(())
}

#[tokio::test]
async fn the_canaries_tell_exactly_what_is_unsound() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let localstack = Localstack::start().await?;
    for (conditionals, bucket, wanted) in [
        (Conditionals::Sound, "as-sound", BROKEN.as_slice()),
        (Conditionals::Unsound, "as-unsound", &[]),
    ] {
        let (store, end) = end(&localstack, conditionals, bucket).await?;
        let checks = store.canaries(&end.bucket(), Timestamp(1_767_225_600_123)).await;
        assert_eq!(bad(&checks), wanted, "{conditionals:?}: {checks:#?}");
        assert_eq!(end.keys().await?, [""; 0], "{conditionals:?}");
        assert_eq!(end.unfinished_uploads().await?, 0, "{conditionals:?}");
    }
    Ok(())
}
