//! Ports whose calls that change something are watched, and at each of which a process can be ended.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::digest::Sha256;
use domain::journal::{Content, Entry, SealedEntry, Statement, StoredEntry, StoredHead};
use domain::name_changes::NameChanges;
use domain::ports::{
    Appended, BackupError, BackupHeader, BackupReader, BackupRow, BackupWriter, Backups,
    ChangeError, DatabaseError, FinishedBackup, IndexChange, IndexDefinition, Journal, LedgerError,
    OpenBackup, Repair, RhinoChanges, RhinoFacts, RhinoSession, RowId, RowRange, TableHolders,
};

/// Sees a call before it is made.
type Before = Box<dyn Fn(&str) + Send + Sync>;

/// Ends a process at one of its calls, or does something else there.
#[derive(Default)]
pub struct Watch {
    calls: AtomicU64,
    /// The call, counted from 0, and whether its effect comes before the end.
    kill: Option<(u64, bool)>,
    killed: tokio::sync::Notify,
    log: Mutex<Vec<String>>,
    /// Sees each call before it is made.
    before: Option<Before>,
}

impl Watch {
    /// Ends the process at this call, counted from 0, before its effect or behind it.
    #[must_use]
    pub fn killing(at: u64, has_effect: bool) -> Arc<Self> {
        Arc::new(Self { kill: Some((at, has_effect)), ..Self::default() })
    }

    /// Shows each call before it is made.
    #[must_use]
    pub fn seeing(before: impl Fn(&str) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { before: Some(Box::new(before)), ..Self::default() })
    }

    /// Makes a call. One at which the process ends never returns.
    ///
    /// # Panics
    /// Where another thread has panicked.
    pub async fn call<T>(&self, what: String, call: impl Future<Output = T>) -> T {
        if let Some(before) = &self.before {
            before(&what);
        }
        self.log.lock().expect("no panic").push(what);
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        if self.kill == Some((number, false)) {
            self.end().await;
        }
        let answer = call.await;
        if self.kill == Some((number, true)) {
            self.end().await;
        }
        answer
    }

    async fn end(&self) {
        self.killed.notify_one();
        std::future::pending::<()>().await;
    }

    /// The calls so far.
    ///
    /// # Panics
    /// Where another thread has panicked.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.lock().expect("no panic").clone()
    }

    /// Runs a step until its process ends: then there is nothing.
    pub async fn run<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.killed.notified() => None,
            done = step => Some(done),
        }
    }
}

/// A journal whose writes are watched.
pub struct WatchedJournal {
    /// The journal.
    pub inner: Arc<dyn Journal>,
    /// Who watches.
    pub watch: Arc<Watch>,
}

/// What an entry says, in a few words.
#[expect(clippy::wildcard_enum_match_arm, reason = "a cut-over writes no other entries")]
fn in_words(entry: &SealedEntry) -> String {
    match Entry::parse(&entry.line).expect("an entry").content {
        Content::CutoverBegun(begun) => format!("journal: begun {:?}", begun.direction),
        Content::CutoverStatement(statement) => match statement.does {
            Statement::DropIndex => "journal: drop index".to_owned(),
            Statement::AddIndex => "journal: add index".to_owned(),
            Statement::RenameRows { first, last } => format!("journal: rename {first}..={last}"),
            other => format!("journal: {other:?}"),
        },
        Content::StepDone { step } => format!("journal: {step} is done"),
        Content::Data(data) => format!("journal: part {} of {}", data.part, data.of),
        other => format!("journal: {other:?}"),
    }
}

#[async_trait]
impl Journal for WatchedJournal {
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
        self.watch.call(in_words(entry), self.inner.append(entry)).await
    }

    async fn restore(&self, repair: &Repair) -> Result<Appended, LedgerError> {
        self.inner.restore(repair).await
    }

    async fn read(
        &self,
        after: u64,
        each: &mut (dyn FnMut(StoredEntry) + Send),
    ) -> Result<(), LedgerError> {
        self.inner.read(after, each).await
    }
}

/// Changes of rhino that are watched.
pub struct WatchedChanges<C> {
    /// The changes.
    pub inner: C,
    /// Who watches.
    pub watch: Arc<Watch>,
}

#[async_trait]
impl<C: RhinoChanges> RhinoChanges for WatchedChanges<C> {
    async fn facts(&self) -> Result<RhinoFacts, DatabaseError> {
        self.inner.facts().await
    }

    async fn holders(&self) -> Result<TableHolders, DatabaseError> {
        self.inner.holders().await
    }

    async fn statements(
        &self,
        rows: RowRange,
        changes: &NameChanges,
        index: Option<&IndexDefinition>,
    ) -> Result<Vec<String>, DatabaseError> {
        self.inner.statements(rows, changes, index).await
    }

    async fn lock(&self) -> Result<Box<dyn RhinoSession>, ChangeError> {
        let inner = self.watch.call("lock".to_owned(), self.inner.lock()).await?;
        Ok(Box::new(WatchedSession { inner, watch: self.watch.clone() }))
    }
}

struct WatchedSession {
    inner: Box<dyn RhinoSession>,
    watch: Arc<Watch>,
}

#[async_trait]
impl RhinoSession for WatchedSession {
    async fn drop_index(&mut self) -> Result<IndexChange, ChangeError> {
        self.watch.call("drop index".to_owned(), self.inner.drop_index()).await
    }

    async fn add_index(&mut self, index: &IndexDefinition) -> Result<IndexChange, ChangeError> {
        self.watch.call("add index".to_owned(), self.inner.add_index(index)).await
    }

    async fn rename_buckets(
        &mut self,
        rows: RowRange,
        changes: &NameChanges,
        kept: &[RowId],
    ) -> Result<Vec<u64>, ChangeError> {
        let what = format!("rename {}..={}", rows.first, rows.last);
        self.watch.call(what, self.inner.rename_buckets(rows, changes, kept)).await
    }

    async fn rows_by_bucket(
        &mut self,
        rows: RowRange,
    ) -> Result<BTreeMap<Option<String>, u64>, ChangeError> {
        self.inner.rows_by_bucket(rows).await
    }
}

/// The file of a backup, in memory.
#[derive(Default)]
pub struct Kept(
    /// Its first line and its rows, where it is whole.
    pub Mutex<Option<(BackupHeader, Vec<BackupRow>)>>,
);

impl Kept {
    /// The number of its rows, where it is whole.
    ///
    /// # Panics
    /// Where another thread has panicked.
    #[must_use]
    pub fn rows(&self) -> Option<usize> {
        self.0.lock().expect("no panic").as_ref().map(|(_, rows)| rows.len())
    }
}

/// Backups whose writes are watched.
pub struct WatchedBackups {
    /// The file.
    pub kept: Arc<Kept>,
    /// Who watches.
    pub watch: Arc<Watch>,
}

fn finished(rows: &[BackupRow]) -> FinishedBackup {
    let sha256 = Sha256::of(format!("{rows:?}").as_bytes());
    FinishedBackup { path: "/tmp/b/rhino.gz".to_owned(), sha256, rows: rows.len() as u64, bytes: 1 }
}

#[async_trait]
impl Backups for WatchedBackups {
    async fn begin(&self, header: &BackupHeader) -> Result<Box<dyn BackupWriter>, BackupError> {
        if self.kept.rows().is_some() {
            return Err(BackupError::Exists("rhino.gz".to_owned()));
        }
        let (header, kept) = (header.clone(), self.kept.clone());
        Ok(Box::new(Writer { header, rows: Vec::new(), kept, watch: self.watch.clone() }))
    }

    async fn open(&self) -> Result<OpenBackup, BackupError> {
        let kept = self.kept.0.lock().expect("no panic").clone();
        let (path, why) = ("rhino.gz".to_owned(), "there is none".to_owned());
        let (header, rows) = kept.ok_or(BackupError::Damaged { path, why })?;
        Ok(OpenBackup { header, file: finished(&rows), rows: Box::new(Reader(rows)) })
    }
}

struct Writer {
    header: BackupHeader,
    rows: Vec<BackupRow>,
    kept: Arc<Kept>,
    watch: Arc<Watch>,
}

#[async_trait]
impl BackupWriter for Writer {
    async fn add(&mut self, rows: Vec<BackupRow>) -> Result<(), BackupError> {
        self.rows.extend(rows);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<FinishedBackup, BackupError> {
        let Self { header, rows, kept, watch } = *self;
        let keep = async {
            let file = finished(&rows);
            *kept.0.lock().expect("no panic") = Some((header, rows));
            Ok(file)
        };
        watch.call("backup".to_owned(), keep).await
    }
}

struct Reader(Vec<BackupRow>);

#[async_trait]
impl BackupReader for Reader {
    async fn next(&mut self, limit: usize) -> Result<Vec<BackupRow>, BackupError> {
        // Few at once, so that pages of both sides end at other places.
        let some = limit.min(7).min(self.0.len());
        Ok(self.0.drain(..some).collect())
    }
}
