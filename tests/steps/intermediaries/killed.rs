//! A process that is killed at any request.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::content::VerifiedContent;
use domain::cutover::{IntermediaryPorts, delete_intermediaries};
use domain::ports::{ObjectContent, ObjectStore, StoreError};
use domain::{
    ETag, FoundObject, ListPage, ObjectAddress, ObjectKey, S3Bucket, StoredObject, WriteTarget,
};
use futures_util::future::{Either, pending, select};

use super::{Stage, buckets, plan, really};

type Happening = Pin<Box<dyn Future<Output = ()> + Send>>;

/// S3, with something that happens before each deletion and look, by their number.
pub struct Watched {
    objects: Arc<dyn ObjectStore>,
    before: Box<dyn Fn(usize) -> Happening + Send + Sync>,
    after: Box<dyn Fn(usize) -> Happening + Send + Sync>,
    requests: AtomicUsize,
}

impl Watched {
    pub fn new(
        objects: Arc<dyn ObjectStore>,
        before: impl Fn(usize) -> Happening + Send + Sync + 'static,
    ) -> Self {
        let after = |_| Box::pin(async {}) as Happening;
        let (before, after) = (Box::new(before), Box::new(after));
        Self { objects, before, after, requests: AtomicUsize::new(0) }
    }

    async fn around<T>(&self, call: impl Future<Output = T> + Send) -> T {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        (self.before)(number).await;
        let answer = call.await;
        (self.after)(number).await;
        answer
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put(
        &self,
        target: &WriteTarget,
        content: VerifiedContent,
    ) -> Result<StoredObject, StoreError> {
        self.objects.put(target, content).await
    }

    async fn copy(
        &self,
        source: &ObjectKey,
        target: &WriteTarget,
    ) -> Result<StoredObject, StoreError> {
        self.objects.copy(source, target).await
    }

    async fn head(&self, at: &ObjectAddress) -> Result<Option<FoundObject>, StoreError> {
        self.around(self.objects.head(at)).await
    }

    async fn read(&self, at: &ObjectAddress, etag: &ETag) -> Result<ObjectContent, StoreError> {
        self.objects.read(at, etag).await
    }

    async fn delete(&self, at: &ObjectAddress, etag: &ETag) -> Result<(), StoreError> {
        self.around(self.objects.delete(at, etag)).await
    }

    async fn list(
        &self,
        bucket: &S3Bucket,
        prefix: &str,
        after: Option<&ObjectKey>,
    ) -> Result<ListPage, StoreError> {
        self.objects.list(bucket, prefix, after).await
    }
}

/// Runs it until the request of this number, and ends it there, before the request or behind it. Returns
/// whether it was killed.
fn kill(stage: &Stage, at: usize, behind: bool) -> bool {
    let (alive, killed) = tokio::sync::oneshot::channel::<()>();
    let alive = Mutex::new(Some(alive));
    let strike = move |number: usize| -> Happening {
        if number != at {
            return Box::pin(async {});
        }
        drop(alive.lock().expect("not poisoned").take());
        Box::pin(pending())
    };
    let mut watched = Watched::new(stage.ports().objects, |_| Box::pin(async {}));
    let place = if behind { &mut watched.after } else { &mut watched.before };
    *place = Box::new(strike);
    let ports = IntermediaryPorts { objects: Arc::new(watched), ..stage.ports() };
    let buckets = buckets();
    let plan = plan(&buckets, really(), false);
    let step = Box::pin(delete_intermediaries(&ports, &plan));
    stage.world.run(async { matches!(select(step, killed).await, Either::Right(_)) })
}

#[test]
fn killed_at_any_request_it_loses_nothing_and_the_next_run_ends_it() {
    let mut kills = 0;
    for behind in [false, true] {
        for at in 0..14 {
            let stage = Stage::new(7);
            kills += usize::from(kill(&stage, at, behind));
            stage.require_final_objects();
            let left = stage.intermediaries().len() as u64;
            assert_eq!(stage.delete().deleted.files, left, "killed at request {at}");
            assert_eq!(stage.intermediaries(), BTreeSet::new());
            stage.require_final_objects();
        }
    }
    // Seven files, with a look and a deletion each.
    assert_eq!(kills, 28);
}
