//! Promises about the order of calls, or about calls that are never made, on collaborators that have
//! no state of their own.

#![expect(clippy::ref_option_ref, reason = "mockall writes such types")]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use domain::content::{SourceContent, VerifiedContent};
use domain::engine::{OutageObserver, RunObserver, RunPlan, migrate_run, never};
use domain::migrate::{FileEnd, FilePlan, Page, RoutePolicy, Writing, migrate_file};
use domain::ports::{ObjectContent, ObjectStore, Ports, Replica, SourceFiles, StoreError};
use domain::{
    ByteCount, Condition, ETag, Failure, Fid, Finding, FoundObject, IntermediaryForm, ListPage,
    ObjectAddress, ObjectKey, ObjectMeta, Proof, Reason, S3Bucket, Sha1, SourceError, SourceFile,
    StoredObject, WriteTarget,
};
use futures_util::stream;
use mockall::{Sequence, mock};
use stand_ins::port::{Call, PortFault};

use crate::common::{World, content, plan};

mock! {
    Observer {}

    impl OutageObserver for Observer {
        fn holding(&self, why: &Reason);
        fn going_on(&self);
    }

    impl RunObserver for Observer {
        fn expect(&self, rows: Option<u64>);
        fn read(&self, page: &Page);
        fn settled<'a>(&self, file: &SourceFile, failure: Option<&'a Failure>);
        fn noticed(&self, file: &SourceFile, finding: &Finding);
    }
}

mock! {
    Files {}

    #[async_trait]
    impl SourceFiles for Files {
        async fn replicas(
            &self,
            file: &SourceFile,
        ) -> Result<Vec<Result<Replica, SourceError>>, SourceError>;
        async fn replicas_anew(
            &self,
            fid: Fid,
            key: &str,
        ) -> Result<Vec<Result<Replica, SourceError>>, SourceError>;
        async fn fid_of(&self, key: &str) -> Result<Option<Fid>, SourceError>;
        async fn devices_of(&self, key: &str) -> Result<Option<Vec<u64>>, SourceError>;
        async fn open(&self, replica: &Replica) -> Result<SourceContent, SourceError>;
        async fn delete(&self, key: &str) -> Result<(), SourceError>;
        async fn rename(&self, from: &str, to: &str) -> Result<(), SourceError>;
    }
}

mock! {
    Writes {
        fn put(&self, target: &WriteTarget) -> Result<StoredObject, StoreError>;
        fn copy(&self, source: &ObjectKey, target: &WriteTarget) -> Result<StoredObject, StoreError>;
        fn delete(&self, at: &ObjectAddress, etag: &ETag) -> Result<(), StoreError>;
    }
}

/// A store that is never looked at.
struct Store(MockWrites);

#[async_trait]
impl ObjectStore for Store {
    async fn put(
        &self,
        target: &WriteTarget,
        _content: VerifiedContent,
    ) -> Result<StoredObject, StoreError> {
        self.0.put(target)
    }

    async fn copy(
        &self,
        source: &ObjectKey,
        target: &WriteTarget,
    ) -> Result<StoredObject, StoreError> {
        self.0.copy(source, target)
    }

    async fn head(&self, at: &ObjectAddress) -> Result<Option<FoundObject>, StoreError> {
        panic!("HEAD of {at}")
    }

    async fn read(&self, at: &ObjectAddress, _etag: &ETag) -> Result<ObjectContent, StoreError> {
        panic!("GET of {at}")
    }

    async fn delete(&self, at: &ObjectAddress, etag: &ETag) -> Result<(), StoreError> {
        self.0.delete(at, etag)
    }

    async fn list(
        &self,
        bucket: &S3Bucket,
        _prefix: &str,
        _after: Option<&ObjectKey>,
    ) -> Result<ListPage, StoreError> {
        panic!("LIST of {bucket}")
    }
}

/// A run that lists no bucket.
fn from_mogile() -> RunPlan {
    RunPlan { route: RoutePolicy::Mogile, ..plan() }
}

#[test]
fn an_observer_hears_of_the_count_then_of_the_rows_then_of_each_file_once() {
    let world = World::instant();
    (0..3).for_each(|salt| drop(world.store(&content(salt, 100))));
    let (mut observer, mut order) = (MockObserver::new(), Sequence::new());
    let is_counted = |rows: &Option<u64>| *rows == Some(3);
    observer.expect_expect().withf(is_counted).times(1).in_sequence(&mut order).return_const(());
    observer.expect_read().times(1).in_sequence(&mut order).return_const(());
    // The last page, which is empty.
    observer.expect_read().times(..=1).return_const(());
    let is_well = |_: &SourceFile, failure: &Option<&Failure>| failure.is_none();
    observer.expect_settled().withf(is_well).times(3).in_sequence(&mut order).return_const(());
    observer.expect_holding().never();
    observer.expect_going_on().never();
    let summary = world.run(migrate_run(&world.port.ports(), &from_mogile(), never(), &observer));
    assert!(summary.is_clean(), "{summary:?}");
}

#[test]
fn an_observer_hears_once_of_an_outage_and_once_of_its_end() {
    let world = World::instant();
    (0..30).for_each(|salt| drop(world.store(&content(salt, 100))));
    world.port.faults.strike(Call::Replicas, "", PortFault::RequestLost, 22);
    let (mut observer, mut order) = (MockObserver::new(), Sequence::new());
    observer.expect_expect().times(1).return_const(());
    observer.expect_read().times(1..).return_const(());
    observer.expect_settled().times(30).return_const(());
    observer.expect_holding().times(1).in_sequence(&mut order).return_const(());
    observer.expect_going_on().times(1).in_sequence(&mut order).return_const(());
    let summary = world.run(migrate_run(&world.port.ports(), &from_mogile(), never(), &observer));
    assert!(summary.is_clean(), "{summary:?}");
}

/// A file, and ports that reach nothing but these.
fn stage(files: MockFiles, store: MockWrites) -> (World, SourceFile, Ports) {
    let world = World::instant();
    let file = world.store(CONTENT);
    let mut ports = world.port.ports();
    (ports.files, ports.objects) = (Arc::new(files), Arc::new(Store(store)));
    (world, file, ports)
}

const CONTENT: &[u8] = b"the content of a file";

fn replicas() -> Vec<Result<Replica, SourceError>> {
    vec![Ok(Replica { fid: domain::Fid(1), url: "http://127.0.0.1/".to_owned() })]
}

fn opened() -> SourceContent {
    let stream = Box::pin(stream::iter([Ok(Bytes::from_static(CONTENT))]));
    SourceContent { length: ByteCount(CONTENT.len() as u64), stream }
}

fn file_plan(copy_from: Option<ObjectKey>) -> FilePlan {
    let (copy_length, meta) = (None, ObjectMeta::default());
    FilePlan { mogile: copy_from.is_none(), copy_from, copy_length, meta, look_first: false }
}

/// Neither deleted nor renamed in MogileFS, and in S3 neither looked at nor deleted.
#[test]
fn a_file_that_comes_well_costs_one_write_and_changes_nothing_else() {
    let (mut files, mut store, mut order) = (MockFiles::new(), MockWrites::new(), Sequence::new());
    files.expect_replicas().times(1).in_sequence(&mut order).returning(|_| Ok(replicas()));
    files.expect_open().times(1).in_sequence(&mut order).returning(|_| Ok(opened()));
    store.expect_put().times(1).in_sequence(&mut order).returning(|target| {
        assert_eq!(target.condition, Condition::Absent);
        let sha1 = Some(Sha1::of(CONTENT));
        Ok(StoredObject { etag: ETag("e".to_owned()), sha1, proof: Proof::Put })
    });
    files.expect_delete().never();
    files.expect_rename().never();
    store.expect_delete().never();
    let (world, file, ports) = stage(files, store);
    let writing = Writing::default();
    let outcome = world.run(migrate_file(&ports, &file, &file_plan(None), &writing));
    assert!(matches!(outcome.end, FileEnd::Proven(_)), "{outcome:?}");
}

/// By its own `ETag`, right after the COPY that brought it, and no other object.
#[test]
fn a_copy_of_ours_with_other_content_is_taken_away_again() {
    let (mut store, mut order) = (MockWrites::new(), Sequence::new());
    store.expect_copy().times(1).in_sequence(&mut order).returning(|_, target| {
        assert_eq!(target.condition, Condition::Absent);
        let sha1 = Some(Sha1::of(b"other content"));
        Ok(StoredObject { etag: ETag("ours".to_owned()), sha1, proof: Proof::Copy })
    });
    let is_ours = |_: &ObjectAddress, etag: &ETag| *etag == ETag("ours".to_owned());
    store.expect_delete().withf(is_ours).times(1).in_sequence(&mut order).returning(|_, _| Ok(()));
    store.expect_put().never();
    let (world, file, ports) = stage(MockFiles::new(), store);
    let plan = file_plan(Some(ObjectKey::intermediary(file.fid, IntermediaryForm::Plain)));
    let outcome = world.run(migrate_file(&ports, &file, &plan, &Writing::default()));
    assert!(matches!(outcome.end, FileEnd::Failed(_)), "{outcome:?}");
}
