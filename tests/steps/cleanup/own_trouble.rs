//! What is wrong with one file, or one storage node, stays its own; and what a stop leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use domain::BucketMap;
use domain::cleanup::{Deletion, DeletionObserver, DeletionPlan, delete_temporary};
use domain::content::SourceContent;
use domain::journal::Content as Said;
use domain::ports::{Replica, RepoStatus, SourceFiles};
use domain::{Fid as DomainFid, SourceError, SourceFile, Stopped};
use futures_util::FutureExt;
use stand_ins::port::{Call, PortFault};
use stand_ins::world::mogile::{ClassId, FileRow};
use tokio::sync::oneshot;

use super::{A_DAY, Stage, plan, really, tmp};

/// A stage with so many uploads that are over. contentrepo refers to the content of each, and an object
/// has it.
fn over(uploads: u64) -> Stage {
    let stage = Stage::new();
    for number in 0..uploads {
        let bytes = format!("content {number}");
        stage.store_content(&tmp(number), bytes.as_bytes());
        let sha1 = domain::Sha1::of(bytes.as_bytes());
        stage.world.plant(&sha1, bytes.as_bytes());
        let contentrepo = stage.contentrepo.as_ref().expect("it is there");
        contentrepo.refer(&sha1.to_string(), Some("repo"), RepoStatus::Used);
    }
    stage.list();
    stage.pass(A_DAY);
    stage
}

/// A tracker dies of a row of a class that nobody has registered, and gives all others.
#[test]
fn a_row_that_the_trackers_cannot_give_stays_and_the_others_go() {
    let stage = over(3);
    let mogile = &stage.world.port.mogile;
    let row = mogile.row_by_key(stage.world.dmid, &tmp(1)).expect("stored");
    let fid = row.fid;
    mogile.plant(FileRow { classid: ClassId(9), ..row });
    let deletion = stage.delete();
    assert_eq!((deletion.deleted.files, deletion.unreadable.files), (2, 1), "{deletion:?}");
    assert_eq!(deletion.unreadable.first_fids, [DomainFid(fid.0)]);
    assert!(deletion.stopped.is_none() && stage.has(fid), "{deletion:?}");
}

#[test]
fn an_object_that_cannot_be_looked_at_keeps_its_upload_alone() {
    let stage = over(3);
    let sha1 = domain::Sha1::of(b"content 1").to_string();
    stage.world.port.faults.strike(Call::Head, &sha1, PortFault::RequestLost, 99);
    let deletion = stage.delete();
    assert_eq!((deletion.deleted.files, deletion.unreadable.files), (2, 1), "{deletion:?}");
    assert!(deletion.stopped.is_none(), "{deletion:?}");
    assert!(deletion.unreadable.example.contains("the object that may have its content"));
    stage.world.port.faults.clear();
    assert_eq!(stage.delete().deleted.files, 1);
}

/// Each file has a replica on the node, and one elsewhere.
#[test]
fn a_node_that_does_not_answer_is_waited_for_once() {
    let stage = over(40);
    let device = stage.world.devices[0];
    let node = format!("/dev{device}/");
    stage.world.port.faults.strike(Call::Open, &node, PortFault::RequestLost, 999);
    stage.world.calls();
    let deletion = stage.delete();
    assert_eq!((deletion.deleted.files, &deletion.stopped), (40, &None), "{deletion:?}");
    let opened = stage.world.port.faults.take_counts()[&Call::Open];
    // One for each good replica, and three tries for each of the few that are read at the same time;
    // without a memory for the node there are 160.
    assert!(opened <= 40 + 3 * 8, "{opened}");
}

/// Counts what is said of the progress.
#[derive(Default)]
struct Seen(AtomicU64);

impl DeletionObserver for Seen {
    fn progressed(&self, so_far: &Deletion) {
        self.0.store(so_far.deleted.files, Ordering::Relaxed);
    }
}

/// Some are read and deleted before the next ones are read.
#[test]
fn a_trouble_behind_the_first_uploads_leaves_those_deleted() {
    let stage = over(402);
    stage.world.port.faults.strike(Call::Row, "402", PortFault::RequestLost, 99);
    let buckets = BucketMap::parse("repo:new-repo", "trash").expect("good settings");
    let seen = Seen::default();
    let (ports, mut order) = (stage.ports(), plan(&buckets, &[], really()));
    (order.observer, order.at_once) = (&seen, 400);
    let deletion = stage.world.run(delete_temporary(&ports, &order)).expect("not refused");
    assert!(matches!(deletion.stopped, Some(Stopped::Trouble(_))), "{deletion:?}");
    assert_eq!((deletion.deleted.files, seen.0.load(Ordering::Relaxed)), (400, 400));
    assert_eq!(super::classes(&deletion), 402, "{deletion:?}");
}

/// More than are held at once: all are looked at, though none of the first ones goes.
#[test]
fn those_that_stay_do_not_keep_the_others_from_being_looked_at() {
    let stage = Stage::new();
    let contentrepo = stage.contentrepo.as_ref().expect("it is there");
    for number in 0..5 {
        let bytes = format!("needed {number}");
        stage.store_content(&tmp(number), bytes.as_bytes());
        let sha1 = domain::Sha1::of(bytes.as_bytes()).to_string();
        contentrepo.refer(&sha1, Some("repo"), RepoStatus::Used);
    }
    let last = stage.store_content(&tmp(9), b"nobody's");
    stage.list();
    stage.pass(A_DAY);
    let buckets = BucketMap::parse("repo:new-repo", "trash").expect("good settings");
    let (ports, mut order) = (stage.ports(), plan(&buckets, &[], really()));
    order.at_once = 2;
    let deletion = stage.world.run(delete_temporary(&ports, &order)).expect("not refused");
    let found = (deletion.only_copies.len(), deletion.deleted.files, deletion.not_looked_at);
    assert_eq!((found, &deletion.stopped), ((5, 1, 0), &None), "{deletion:?}");
    assert!(!stage.has(last));
}

/// Files whose second deletion asks the run to stop.
struct Stopping {
    files: Arc<dyn SourceFiles>,
    sender: std::sync::Mutex<Option<oneshot::Sender<()>>>,
    at: String,
}

#[async_trait]
impl SourceFiles for Stopping {
    async fn replicas(
        &self,
        file: &SourceFile,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        self.files.replicas(file).await
    }

    async fn replicas_anew(
        &self,
        fid: DomainFid,
        key: &str,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        self.files.replicas_anew(fid, key).await
    }

    async fn fid_of(&self, key: &str) -> Result<Option<DomainFid>, SourceError> {
        self.files.fid_of(key).await
    }

    async fn devices_of(&self, key: &str) -> Result<Option<Vec<u64>>, SourceError> {
        self.files.devices_of(key).await
    }

    async fn open(&self, replica: &Replica) -> Result<SourceContent, SourceError> {
        self.files.open(replica).await
    }

    async fn delete(&self, key: &str) -> Result<(), SourceError> {
        if key == self.at {
            drop(self.sender.lock().expect("not poisoned").take());
        }
        self.files.delete(key).await
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), SourceError> {
        self.files.rename(from, to).await
    }
}

#[test]
fn a_stop_in_a_batch_is_in_the_journal() {
    let stage = over(4);
    let (sender, receiver) = oneshot::channel::<()>();
    let mut ports = stage.ports();
    let sender = std::sync::Mutex::new(Some(sender));
    ports.files = Arc::new(Stopping { files: ports.files, sender, at: tmp(1) });
    let buckets = BucketMap::parse("repo:new-repo", "trash").expect("good settings");
    let stop = receiver.map(|_| ()).boxed().shared();
    let order = DeletionPlan { stop, ..plan(&buckets, &[], really()) };
    let deletion = stage.world.run(delete_temporary(&ports, &order)).expect("not refused");
    assert_eq!(deletion.stopped, Some(Stopped::Interrupted));
    assert_eq!((deletion.deleted.files, deletion.deletable.files), (2, 2), "{deletion:?}");
    let Some(Said::TemporaryDeleted { deleted: 2, spared }) = stage.said().pop() else {
        panic!("no end")
    };
    assert_eq!(spared.len(), 2);
    assert!(spared.iter().all(|file| file.why == "the run ended before it"), "{spared:?}");
    // One that was asked for before it began reads and deletes nothing.
    let order = DeletionPlan { stop: futures_util::future::ready(()).boxed().shared(), ..order };
    let deletion = stage.world.run(delete_temporary(&stage.ports(), &order)).expect("not refused");
    assert_eq!((deletion.deleted.files, deletion.not_looked_at), (0, 2), "{deletion:?}");
}
