//! A bucket's objects in the order of their keys, a page in memory.

use std::collections::VecDeque;

use super::patience::Patience;
use crate::ports::{ObjectStore, StoreError};
use crate::{ListPage, ListedObject, ObjectKey, S3Bucket, System};

/// The listing of one bucket from a key on.
pub(super) struct Listing<'a> {
    objects: &'a dyn ObjectStore,
    patience: &'a Patience<'a>,
    bucket: &'a S3Bucket,
    page: VecDeque<ListedObject>,
    last: Option<ObjectKey>,
    more: bool,
}

impl<'a> Listing<'a> {
    /// Begins behind `from`, or with the first key.
    pub(super) fn new(
        objects: &'a dyn ObjectStore,
        patience: &'a Patience<'a>,
        bucket: &'a S3Bucket,
        from: Option<&str>,
    ) -> Self {
        let last = from.map(|from| ObjectKey::new(from.to_owned()));
        Self { objects, patience, bucket, page: VecDeque::new(), last, more: true }
    }

    /// Returns the next object whose key is not behind `end`; [`None`] where the next key is, or where
    /// the bucket ends.
    pub(super) async fn next_until(
        &mut self,
        end: Option<&str>,
    ) -> Result<Option<ListedObject>, StoreError> {
        while self.page.is_empty() && self.more {
            self.ask().await?;
        }
        let is_here = |object: &ListedObject| end.is_none_or(|end| object.key.as_str() <= end);
        Ok(self.page.pop_front_if(|object| is_here(object)))
    }

    async fn ask(&mut self) -> Result<(), StoreError> {
        let ask = || self.objects.list(self.bucket, "", self.last.as_ref());
        let page = self.patience.ask(System::S3, 0, ask).await?;
        self.require_order(&page)?;
        self.more = page.more;
        if let Some(object) = page.objects.last() {
            self.last = Some(object.key.clone());
        }
        self.page = page.objects.into();
        Ok(())
    }

    /// Errors where the page does not go on behind the last key in the order of keys: what is passed
    /// over would count as missing, and what comes again as an object too many.
    fn require_order(&self, page: &ListPage) -> Result<(), StoreError> {
        let keys = || page.objects.iter().map(|object| &object.key);
        let is_first_behind = keys().next().is_none_or(|key| self.last.as_ref() < Some(key));
        let ascends = keys().zip(keys().skip(1)).all(|(one, next)| one < next);
        let why = if !is_first_behind || !ascends {
            "a page of its listing is not in the order of keys"
        } else if page.more && page.objects.is_empty() {
            "a page of its listing has no key and says that more follow"
        } else {
            return Ok(());
        };
        Err(StoreError::Refused { at: format!("s3://{}/", self.bucket), why: why.to_owned() })
    }
}
