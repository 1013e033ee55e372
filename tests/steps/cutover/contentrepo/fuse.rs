//! Ports that end the process that uses them: before or behind a call of theirs, whichever it is.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::journal::{Content, Entry, SealedEntry, StoredEntry, StoredHead};
use domain::ports::{
    Appended, BackupError, BackupHeader, BackupRow, BackupWriter, Backups, BucketRename,
    ChangeError, ContentRepoChanges, ContentRepoDatabase, DatabaseError, FinishedBackup, Journal,
    LedgerError, OpenBackup, Renaming, Repair, RepoBucket, RepoExtent, RepoMetadata, RepoObject,
    RowId,
};
use tokio::sync::Notify;

/// Counts calls. Each one has two places where a process may end: before it is made, and when it is made.
pub struct Fuse {
    left: Mutex<Option<usize>>,
    blown: Notify,
    calls: Mutex<Vec<String>>,
}

impl Fuse {
    /// Blows at the place of this number, counted from 0; never without a number.
    pub fn new(at: Option<usize>) -> Arc<Self> {
        let (blown, calls) = (Notify::new(), Mutex::default());
        Arc::new(Self { left: Mutex::new(at), blown, calls })
    }

    /// The calls that were made.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().expect("no panic").clone()
    }

    /// Runs until the work is done or the fuse has blown: then the work is dropped where it stands.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.blown.notified() => None,
        }
    }

    async fn place(&self) {
        let is_here = {
            let mut left = self.left.lock().expect("no panic");
            let is_here = *left == Some(0);
            *left = left.and_then(|left| left.checked_sub(1));
            is_here
        };
        if is_here {
            self.blown.notify_one();
            std::future::pending::<()>().await;
        }
    }

    async fn call<T>(&self, name: impl Into<String>, call: impl Future<Output = T>) -> T {
        self.place().await;
        self.calls.lock().expect("no panic").push(name.into());
        let answer = call.await;
        self.place().await;
        answer
    }
}

/// A port with a fuse.
pub struct Fused<T: ?Sized> {
    pub inner: Arc<T>,
    pub fuse: Arc<Fuse>,
}

#[async_trait]
impl ContentRepoDatabase for Fused<dyn ContentRepoDatabase> {
    async fn buckets(&self) -> Result<Vec<RepoBucket>, DatabaseError> {
        self.fuse.call("read", self.inner.buckets()).await
    }

    async fn objects(&self, _: RowId, _: usize) -> Result<Vec<RepoObject>, DatabaseError> {
        unreachable!("no object is read")
    }

    async fn metadata(&self, _: RowId, _: usize) -> Result<Vec<RepoMetadata>, DatabaseError> {
        unreachable!("no object is read")
    }

    async fn extent(&self) -> Result<RepoExtent, DatabaseError> {
        unreachable!("no object is read")
    }
}

#[async_trait]
impl ContentRepoChanges for Fused<dyn ContentRepoChanges> {
    async fn rename_buckets(&self, renames: &[BucketRename]) -> Result<Renaming, ChangeError> {
        self.fuse.call("rename", self.inner.rename_buckets(renames)).await
    }
}

#[async_trait]
impl Journal for Fused<dyn Journal> {
    fn migration(&self) -> &str {
        self.inner.migration()
    }

    async fn head(&self) -> Result<StoredHead, LedgerError> {
        self.inner.head().await
    }

    async fn last(&self) -> Result<Option<StoredEntry>, LedgerError> {
        self.inner.last().await
    }

    async fn append(&self, entry: &SealedEntry) -> Result<Appended, LedgerError> {
        let what = match Entry::parse(&entry.line).map(|entry| entry.content) {
            Ok(Content::CutoverBegun(_)) => "journal: begun",
            Ok(Content::CutoverStatement(_)) => "journal: statement",
            Ok(Content::StepDone { .. }) => "journal: done",
            _ => "journal",
        };
        self.fuse.call(what, self.inner.append(entry)).await
    }

    async fn restore(&self, _: &Repair) -> Result<Appended, LedgerError> {
        unreachable!("nothing is restored")
    }

    async fn read(
        &self,
        after: u64,
        each: &mut (dyn FnMut(StoredEntry) + Send),
    ) -> Result<(), LedgerError> {
        self.inner.read(after, each).await
    }
}

#[async_trait]
impl Backups for Fused<dyn Backups> {
    async fn begin(&self, header: &BackupHeader) -> Result<Box<dyn BackupWriter>, BackupError> {
        let writer = self.fuse.call("backup: begin", self.inner.begin(header)).await?;
        Ok(Box::new(FusedWriter { writer, fuse: self.fuse.clone() }))
    }

    async fn open(&self) -> Result<OpenBackup, BackupError> {
        self.fuse.call("backup: open", self.inner.open()).await
    }
}

struct FusedWriter {
    writer: Box<dyn BackupWriter>,
    fuse: Arc<Fuse>,
}

#[async_trait]
impl BackupWriter for FusedWriter {
    async fn add(&mut self, rows: Vec<BackupRow>) -> Result<(), BackupError> {
        self.fuse.call("backup: rows", self.writer.add(rows)).await
    }

    async fn finish(self: Box<Self>) -> Result<FinishedBackup, BackupError> {
        self.fuse.call("backup: finish", self.writer.finish()).await
    }
}
