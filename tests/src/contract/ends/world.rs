//! The world's own state behind a face of it.

use std::collections::HashMap;
use std::sync::Arc;

use adapters::aws::SdkConfig;
use anyhow::Context;
use async_trait::async_trait;
use bytes::Bytes;
use domain::S3Bucket;
use domain::ports::{Ledger, ObjectMeta, ObjectStore};
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::{AttributeValue, Database};
use simulator::embedded::EmbeddedWorld;
use simulator::world::bucket::S3World;

use super::settings;
use crate::contract::ledger::{Attribute, Table};
use crate::contract::object_store::{End, Kind, Seen, Sizes};

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

/// A ledger over a table of a world.
pub struct WorldTable {
    ledger: Arc<dyn Ledger>,
    database: Database,
    table: String,
}

impl WorldTable {
    /// Over this table.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>, database: Database, table: &str) -> Self {
        Self { ledger, database, table: table.to_owned() }
    }
}

#[async_trait]
impl Table for WorldTable {
    fn ledger(&self) -> &dyn Ledger {
        &*self.ledger
    }

    async fn plant(&self, item: &[(&str, Attribute<'_>)]) -> anyhow::Result<()> {
        let value = |value: Attribute<'_>| match value {
            Attribute::Number(number) => AttributeValue::N(number.to_string()),
            Attribute::Text(text) => AttributeValue::S(text.to_owned()),
        };
        let item = item.iter().map(|(name, held)| ((*name).to_owned(), value(*held)));
        let request = PutItemRequest {
            table_name: self.table.clone(),
            item: item.collect::<HashMap<_, _>>(),
            ..PutItemRequest::default()
        };
        self.database.put_item(request).map(drop).context("planting an item")
    }
}
