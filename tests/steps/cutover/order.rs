//! The order of the calls that change something, and the ports that show it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::cutover::rhino::{RhinoEnd, RhinoTrouble};
use domain::digest::Sha256;
use domain::journal::{Content, Entry, SealedEntry, Statement, StoredEntry, StoredHead};
use domain::name_changes::NameChanges;
use domain::ports::{
    Appended, BackupError, BackupHeader, BackupReader, BackupRow, BackupWriter, Backups,
    ChangeError, DatabaseError, FinishedBackup, IndexChange, IndexDefinition, Journal, LedgerError,
    OpenBackup, Repair, RhinoChanges, RhinoFacts, RhinoSession, RowId, RowRange, TableHolders,
};
use mockall::{Sequence, mock};

use super::stage::{Stage, Watch, rows};

/// A journal whose writes are watched.
pub struct WatchedJournal {
    pub inner: Arc<dyn Journal>,
    pub watch: Arc<Watch>,
}

/// What an entry says, in a few words.
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
    pub inner: C,
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
pub struct Kept(pub Mutex<Option<(BackupHeader, Vec<BackupRow>)>>);

impl Kept {
    pub fn rows(&self) -> Option<usize> {
        self.0.lock().expect("no panic").as_ref().map(|(_, rows)| rows.len())
    }
}

/// Backups whose writes are watched.
pub struct WatchedBackups {
    pub kept: Arc<Kept>,
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

mock! {
    Calls {
        fn call(&self, what: &str);
    }
}

/// Expects these calls in this order, and no other.
fn expecting(calls: &'static [&'static str]) -> Arc<Watch> {
    let (mut mock, mut sequence) = (MockCalls::new(), Sequence::new());
    for call in calls {
        let expected = mock.expect_call().times(1).in_sequence(&mut sequence);
        expected.withf(move |what| what == *call).return_const(());
    }
    let mock = Mutex::new(mock);
    let before = move |what: &str| mock.lock().expect("no panic").call(what);
    Watch::seeing(before)
}

#[tokio::test]
async fn backup_comes_before_journal_before_statement_and_drop_before_rename_before_add() {
    let stage = Stage::usual().await;
    let watch = expecting(&[
        "lock",
        "backup",
        "journal: begun ToS3",
        "journal: drop index",
        "drop index",
        "journal: rename 1..=8",
        "rename 1..=8",
        "journal: rename 9..=109",
        "rename 9..=109",
        "journal: rename 112..=9223372036854775806",
        "rename 112..=9223372036854775806",
        "journal: add index",
        "add index",
        "journal: cutover rhino is done",
    ]);
    let end = stage.step(watch).cut_over().await.expect("not ended");
    assert!(matches!(end, Ok(RhinoEnd::Done { backup: Some(_), .. })), "{end:?}");
    let back = expecting(&[
        "lock",
        "journal: begun ToMogile",
        "journal: drop index",
        "drop index",
        "journal: rename 1..=8",
        "rename 1..=8",
        "journal: rename 9..=109",
        "rename 9..=109",
        "journal: rename 112..=9223372036854775806",
        "rename 112..=9223372036854775806",
        "journal: add index",
        "add index",
        "journal: revert rhino is done",
    ]);
    let end = stage.step(back).revert(false).await.expect("not ended");
    assert!(matches!(&end, Ok(RhinoEnd::Done { verified, .. }) if verified.is_exact()), "{end:?}");
}

#[tokio::test]
async fn ids_that_are_kept_are_in_the_journal_before_the_beginning() {
    let stage = Stage::new(&rows(true)).await;
    let watch = Arc::new(Watch::default());
    let mut step = stage.step(watch.clone());
    step.keep_existing = true;
    let end = step.cut_over().await.expect("not ended");
    assert!(matches!(end, Ok(RhinoEnd::Done { .. })), "{end:?}");
    let log = watch.log();
    assert_eq!(log[..4], ["lock", "backup", "journal: part 1 of 1", "journal: begun ToS3"]);
}

/// Nothing is sent, written or locked.
#[tokio::test]
async fn nothing_comes_behind_a_refusal() {
    let stage = Stage::new(&rows(true)).await;
    let before = stage.dump().await;
    for by_backup in [None, Some(false)] {
        let step = stage.step(expecting(&[]));
        let refused = match by_backup {
            None => step.cut_over().await,
            Some(by_backup) => step.revert(by_backup).await,
        };
        let refused = refused.expect("not ended").expect_err("refused");
        assert!(matches!(refused, RhinoTrouble::Refused(_)), "{refused}");
    }
    assert_eq!((stage.dump().await, stage.entries().await), (before, Vec::new()));
    assert_eq!(stage.backups.rows(), None);
    // A backup that does not come to its end: no statement either.
    let watch = Watch::seeing(|what: &str| assert!(what == "lock", "{what}"));
    *stage.backups.0.lock().expect("no panic") = Some(other_backup());
    let mut step = stage.step(watch);
    step.keep_existing = true;
    let refused = step.cut_over().await.expect("not ended").expect_err("no backup");
    assert!(matches!(refused, RhinoTrouble::Backup(BackupError::Exists(_))), "{refused}");
}

/// A backup of something else under the same name.
fn other_backup() -> (BackupHeader, Vec<BackupRow>) {
    let header = BackupHeader {
        migration: "ledger".to_owned(),
        database: domain::journal::ClientDatabase::Rhino,
        server: "elsewhere".to_owned(),
        names: domain::journal::NamesBefore {
            renames: Vec::new(),
            rows: BTreeMap::new(),
            nameless: 0,
            last: None,
            index: None,
            create_table: None,
            kept: None,
        },
    };
    (header, Vec::new())
}
