//! The world's own state behind a face of it.

use std::sync::Arc;
use std::time::Duration;

use adapters::aws::SdkConfig;
use anyhow::Context;
use async_trait::async_trait;
use bytes::Bytes;
use domain::ports::{JobQueue, ObjectStore};
use domain::{ObjectMeta, S3Bucket};
use dynoxide::Database;
use stand_ins::embedded::EmbeddedWorld;
use stand_ins::world::bucket::S3World;
use stand_ins::world::dynamodb::{self, number, text};
use stand_ins::world::queue::{MessageAttribute, Outgoing, SqsWorld};

use super::settings;
use crate::contract::job_queue::Post;
use crate::contract::object_store::{End, Kind, Seen, Sizes};
use crate::contract::table::{Attribute, Table};

/// How to reach the S3 of a world on the wire.
///
/// # Panics
/// Never: a world names its endpoints and keys.
pub async fn s3_of(world: &EmbeddedWorld) -> SdkConfig {
    reach(world, "AWS_ENDPOINT_URL_S3").await
}

/// How to reach the DynamoDB of a world on the wire.
///
/// # Panics
/// Never: a world names its endpoints and keys.
pub async fn dynamodb_of(world: &EmbeddedWorld) -> SdkConfig {
    reach(world, "AWS_ENDPOINT_URL_DYNAMODB").await
}

/// How to reach the SQS of a world on the wire.
///
/// # Panics
/// Never: a world names its endpoints and keys.
pub async fn sqs_of(world: &EmbeddedWorld) -> SdkConfig {
    reach(world, "AWS_ENDPOINT_URL_SQS").await
}

async fn reach(world: &EmbeddedWorld, endpoint: &str) -> SdkConfig {
    let told = |name| world.environment().get(name).expect("every world tells it").as_str();
    settings(told(endpoint), told("AWS_ACCESS_KEY_ID"), told("AWS_SECRET_ACCESS_KEY")).await
}

/// An object store over the state of a world.
pub struct WorldEnd {
    store: Arc<dyn ObjectStore>,
    s3: Arc<S3World>,
}

impl WorldEnd {
    /// Small enough that tests cross the limit with little.
    pub const SIZES: Sizes = Sizes { single_request_bytes: 50_000, part_bytes: 20_000 };

    const BUCKET: &str = "contract";

    /// Makes a bucket and sets the world's limits to [`WorldEnd::SIZES`].
    ///
    /// # Panics
    /// If the bucket is there already.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, s3: Arc<S3World>) -> Self {
        s3.create_bucket(Self::BUCKET).expect("a world without it");
        s3.configure(|options| {
            options.single_request_limit_bytes = Self::SIZES.single_request_bytes as u64;
            options.minimum_part_bytes = Self::SIZES.part_bytes as u64;
        });
        Self { store, s3 }
    }
}

#[async_trait]
impl End for WorldEnd {
    fn store(&self) -> &dyn ObjectStore {
        &*self.store
    }

    fn bucket(&self) -> S3Bucket {
        S3Bucket::new(Self::BUCKET).expect("a name")
    }

    fn sizes(&self) -> Sizes {
        Self::SIZES
    }

    async fn plant(&self, key: &str, content: Bytes, kind: Kind) -> anyhow::Result<()> {
        match kind {
            Kind::Plain => self.s3.plant_plain(Self::BUCKET, key, content)?,
            Kind::Multipart => self.s3.plant_multipart(Self::BUCKET, key, content, 2)?,
        }
        Ok(())
    }

    async fn seen(&self, key: &str) -> anyhow::Result<Option<Seen>> {
        let object = self.s3.objects(Self::BUCKET)?.remove(key);
        Ok(object.map(|object| Seen {
            content: object.content.bytes().clone(),
            meta: ObjectMeta {
                content_type: object.attributes.content_type,
                content_disposition: object.attributes.content_disposition,
            },
        }))
    }

    async fn unfinished_uploads(&self) -> anyhow::Result<usize> {
        Ok(self.s3.uploads(Self::BUCKET)?.len())
    }
}

/// A table of a world.
pub struct WorldTable {
    database: Database,
    table: String,
}

impl WorldTable {
    /// The one of this name.
    #[must_use]
    pub fn new(database: Database, table: &str) -> Self {
        Self { database, table: table.to_owned() }
    }
}

#[async_trait]
impl Table for WorldTable {
    async fn plant(&self, item: &[(&str, Attribute<'_>)]) -> anyhow::Result<()> {
        let held = |(name, value): &(&str, Attribute<'_>)| match value {
            Attribute::Number(value) => number(name, *value),
            Attribute::Text(value) => text(name, value),
        };
        let item = item.iter().map(held).collect();
        dynamodb::put(&self.database, &self.table, item).context("planting an item")
    }
}

/// A queue of a world and its dead-letter queue.
pub struct WorldPost<S> {
    queue: Arc<dyn JobQueue>,
    dead_letters: Arc<dyn JobQueue>,
    sqs: Arc<SqsWorld>,
    name: String,
    sleep: S,
}

impl<F: Future<Output = ()> + Send, S: Fn(Duration) -> F + Sync> WorldPost<S> {
    /// The queue of this name, in a world whose time passes by `sleep`.
    #[must_use]
    pub fn new(
        queue: Arc<dyn JobQueue>,
        dead_letters: Arc<dyn JobQueue>,
        sqs: Arc<SqsWorld>,
        name: &str,
        sleep: S,
    ) -> Self {
        Self { queue, dead_letters, sqs, name: name.to_owned(), sleep }
    }
}

#[async_trait]
impl<F: Future<Output = ()> + Send, S: Fn(Duration) -> F + Sync> Post for WorldPost<S> {
    fn queue(&self) -> &dyn JobQueue {
        &*self.queue
    }

    fn dead_letters(&self) -> &dyn JobQueue {
        &*self.dead_letters
    }

    async fn plant(&self, body: &str, attributes: &[(&str, &str)]) -> anyhow::Result<()> {
        let attributes = attributes.iter();
        let attributes = attributes
            .map(|(name, value)| ((*name).to_owned(), MessageAttribute::text(*value)))
            .collect();
        let message = Outgoing { body: body.to_owned(), attributes, delay: None };
        self.sqs.send(&self.name, message).map(drop).context("planting a message")
    }

    async fn pass(&self, time: Duration) {
        (self.sleep)(time).await;
    }
}
