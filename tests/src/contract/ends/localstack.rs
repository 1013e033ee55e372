//! LocalStack's services, and what a client of its own sees there.

mod post;
mod table;

use std::sync::Arc;

use adapters::aws::SdkConfig;
use anyhow::Context;
use async_trait::async_trait;
use aws_sdk_s3::config::RequestChecksumCalculation;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use domain::ports::ObjectStore;
use domain::{ObjectMeta, S3Bucket};

pub use self::post::LocalstackPost;
pub use self::table::{LocalstackTable, number, text};
use super::settings;
use crate::containers::Localstack;
use crate::contract::object_store::{End, Kind, Seen, Sizes};

/// How to reach a LocalStack, which takes any keys.
pub async fn settings_of(localstack: &Localstack) -> SdkConfig {
    settings(&localstack.endpoint(), "test", "test").await
}

/// An object store over a bucket of a LocalStack.
pub struct LocalstackEnd {
    store: Arc<dyn ObjectStore>,
    client: aws_sdk_s3::Client,
    bucket: S3Bucket,
}

impl LocalstackEnd {
    /// The least that it takes: its parts have five MiB, as Amazon's.
    pub const SIZES: Sizes = Sizes { single_request_bytes: 5 << 20, part_bytes: 5 << 20 };

    /// Makes a bucket.
    pub async fn new(
        store: Arc<dyn ObjectStore>,
        config: &SdkConfig,
        bucket: S3Bucket,
    ) -> anyhow::Result<Self> {
        let config = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        let client = aws_sdk_s3::Client::from_conf(config);
        client.create_bucket().bucket(bucket.as_str()).send().await.context("making a bucket")?;
        Ok(Self { store, client, bucket })
    }

    /// What lies in the bucket: keys, the first thousand.
    pub async fn keys(&self) -> anyhow::Result<Vec<String>> {
        let page = self.client.list_objects_v2().bucket(self.bucket.as_str()).send().await?;
        let keys = page.contents().iter().filter_map(|object| object.key());
        Ok(keys.map(str::to_owned).collect())
    }

    async fn plant_in_parts(&self, key: &str, content: &Bytes) -> anyhow::Result<()> {
        let bucket = self.bucket.as_str();
        let begun = self.client.create_multipart_upload().bucket(bucket).key(key);
        let begun = begun.checksum_algorithm(ChecksumAlgorithm::Sha1).send().await?;
        let id = begun.upload_id().context("an upload's id")?;
        let mut parts = CompletedMultipartUpload::builder();
        for (number, part) in (1..).zip(content.chunks(Self::SIZES.part_bytes)) {
            let part = content.slice_ref(part);
            let sha1 = domain::Sha1::of(&part).to_base64();
            let sent = self.client.upload_part().bucket(bucket).key(key).upload_id(id);
            let sent = sent.part_number(number).checksum_sha1(&sha1).body(part.into());
            let sent = sent.send().await?;
            let done = CompletedPart::builder().part_number(number).checksum_sha1(sha1);
            parts = parts.parts(done.set_e_tag(sent.e_tag).build());
        }
        let end = self.client.complete_multipart_upload().bucket(bucket).key(key).upload_id(id);
        end.multipart_upload(parts.build()).send().await?;
        Ok(())
    }
}

#[async_trait]
impl End for LocalstackEnd {
    fn store(&self) -> &dyn ObjectStore {
        &*self.store
    }

    fn bucket(&self) -> S3Bucket {
        self.bucket.clone()
    }

    fn sizes(&self) -> Sizes {
        Self::SIZES
    }

    async fn plant(&self, key: &str, content: Bytes, kind: Kind) -> anyhow::Result<()> {
        match kind {
            Kind::Plain => {
                let put = self.client.put_object().bucket(self.bucket.as_str()).key(key);
                put.body(content.into()).send().await?;
                Ok(())
            }
            Kind::Multipart => self.plant_in_parts(key, &content).await,
        }
    }

    async fn seen(&self, key: &str) -> anyhow::Result<Option<Seen>> {
        let answer = self.client.get_object().bucket(self.bucket.as_str()).key(key).send().await;
        let object = match answer {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let meta = ObjectMeta {
            content_type: object.content_type().map(str::to_owned),
            content_disposition: object.content_disposition().map(str::to_owned),
        };
        Ok(Some(Seen { content: object.body.collect().await?.into_bytes(), meta }))
    }

    async fn unfinished_uploads(&self) -> anyhow::Result<usize> {
        let listed = self.client.list_multipart_uploads().bucket(self.bucket.as_str()).send();
        Ok(listed.await?.uploads().len())
    }
}
