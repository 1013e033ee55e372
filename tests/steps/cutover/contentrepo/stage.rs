//! contentrepo's database behind a MySQL wire, a journal with a freeze, and a folder for backups.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use adapters::backup::FileBackups;
use adapters::calls::Calls;
use adapters::clock::SystemClock;
use adapters::mysql::{ChangeTimes, MysqlContentRepo, MysqlContentRepoChanges};
use domain::BucketMap;
use domain::cleanup::{StopRequest, never};
use domain::cutover::{
    Cutovers, RepoBackup, RepoCutover, RepoEnd, RepoPorts, RepoRevert, RepoRevertSeen, RepoTrouble,
    cut_over_contentrepo, look_back, read_cutovers, revert_contentrepo,
};
use domain::journal::{ClientDatabase, Content, CutoverBegun, Direction, NameRename, NamesBefore};
use domain::ports::{Backups, ContentRepoChanges, ContentRepoDatabase, Journal};
use domain::runbook::JournalWriter;
use domain::server_ids::ServerIds;
use domain::store_state::{Freeze, StoreState};
use stand_ins::fault::Faults;
use stand_ins::port::{PortFaults, PortJournal};
use stand_ins::wire::mysql::{self, MysqlServer};
use stand_ins::world::databases::{Collation, Database, Databases};
use stand_ins::world::dynamodb::{create_journal_table, new_database};
use stand_ins::world::mogile::MogileFs;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::fuse::{Fuse, Fused};

/// The buckets before: the first three are mapped, and one of the names is as long as can be.
pub fn names() -> [String; 5] {
    let text = |name: &str| name.to_owned();
    [text("mogilefs-prod-repo"), text("it's\"q\\\"%_"), "n".repeat(255), text("Kept"), text("same")]
}

/// The map: each of the first three gets a new name, `same` keeps its own, and `Kept` is ignored.
pub fn map() -> BucketMap {
    let [one, two, three, kept, same] = names();
    let pairs = format!("{one}:corpus,{two}:second,{three}:third,{same}:same,absent:nowhere");
    BucketMap::parse(&pairs, &kept).expect("a map")
}

/// The database as the journal and the backup call it.
pub const SERVER: &str = "db:3306/contentrepo";

pub struct Stage {
    pub databases: Arc<Databases>,
    pub faults: Arc<Faults>,
    journal: dynoxide::Database,
    folder: TempDir,
    address: std::net::SocketAddr,
    task: JoinHandle<()>,
    runs: AtomicU64,
    /// The database's name.
    pub server: String,
    /// How it was called before, by the operator's word.
    pub database_was: Option<String>,
    /// The number of the freeze on which a cut-over rests.
    pub frozen: u64,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stage {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let databases = Arc::new(Databases::new(Collation::Utf8GeneralCi).expect("a folder"));
        let server = MysqlServer::new(Arc::new(MogileFs::default()), "writer", "s3cret");
        let server = Arc::new(server.with_databases(databases.clone()));
        let faults = Arc::new(Faults::default());
        let task = tokio::spawn(mysql::serve(listener, server, faults.clone()));
        let folder = tempfile::tempdir().expect("a folder");
        let (journal, runs) = (new_journal(), AtomicU64::new(1));
        let (server, database_was, frozen) = (SERVER.to_owned(), None, 1);
        let stage = Self {
            databases,
            faults,
            journal,
            folder,
            address,
            task,
            runs,
            server,
            database_was,
            frozen,
        };
        let rows = stage.databases.open(Database::ContentRepo).expect("opened");
        for (id, name) in (1_i64..).zip(names()) {
            let sql = "INSERT INTO buckets (bucketId, bucketName, timestamp, creationDate) \
                       VALUES (?, ?, '2001-02-03 04:05:06', '2001-01-01 00:00:00')";
            rows.execute(sql, rusqlite_values(id, &name)).expect("planted");
        }
        stage.freeze().await;
        stage
    }

    /// All columns of all rows.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let sql = "SELECT * FROM buckets ORDER BY bucketId";
        self.databases.texts(Database::ContentRepo, sql).expect("rows")
    }

    pub fn execute(&self, sql: &str) {
        let rows = self.databases.open(Database::ContentRepo).expect("opened");
        rows.execute(sql, []).expect("executed");
    }

    pub fn lose_journal(&mut self) {
        self.journal = new_journal();
    }

    pub fn journal(&self) -> Arc<dyn Journal> {
        let (table, migration) = ("journal".to_owned(), "ledger".to_owned());
        let faults = Arc::new(PortFaults::instant());
        Arc::new(PortJournal::new(self.journal.clone(), table, migration, faults))
    }

    pub fn backup(&self) -> PathBuf {
        self.folder.path().join("contentrepo.gz")
    }

    fn ports(&self, fuse: &Arc<Fuse>) -> RepoPorts {
        let url = format!("mysql://writer:s3cret@{}/contentrepo", self.address);
        let url: adapters::mysql::DatabaseUrl = url.parse().expect("a URL");
        let calls = Arc::new(Calls::default());
        let time = std::time::Duration::from_secs(2);
        let times = ChangeTimes { request: time, change: time, ..ChangeTimes::default() };
        let changes = MysqlContentRepoChanges::new(url.clone(), calls.clone()).with_times(times);
        let fused = |inner: Arc<dyn ContentRepoDatabase>| Fused { inner, fuse: fuse.clone() };
        let content_repo = Arc::new(fused(Arc::new(MysqlContentRepo::new(url, calls))));
        let inner: Arc<dyn ContentRepoChanges> = Arc::new(changes);
        let changes = Arc::new(Fused { inner, fuse: fuse.clone() });
        let journal = Arc::new(Fused { inner: self.journal(), fuse: fuse.clone() });
        RepoPorts { content_repo, changes, journal, clock: Arc::new(SystemClock) }
    }

    fn by(&self) -> (String, u64) {
        ("ann".to_owned(), self.runs.fetch_add(1, Ordering::Relaxed))
    }

    pub async fn writer(&self) -> JournalWriter {
        let writer = JournalWriter::open(self.journal(), Arc::new(SystemClock), self.by()).await;
        writer.expect("a writer")
    }

    /// Writes a freeze. Returns the number of its entry.
    pub async fn freeze(&self) -> u64 {
        let state = StoreState::default();
        let freeze = Freeze { means: "cron is off".to_owned(), window_seconds: 600, state };
        let frozen = Content::Frozen { freeze: Box::new(freeze) };
        self.writer().await.append(frozen).await.expect("written").sequence
    }

    pub async fn cutovers(&self) -> Cutovers {
        read_cutovers(&*self.journal(), &SystemClock, 1).await.expect("read")
    }

    /// The cut-over; [`None`] where it was killed.
    pub async fn forth(&self, fuse: &Arc<Fuse>) -> Option<Result<RepoEnd, RepoTrouble>> {
        Box::pin(self.forth_until(fuse, never(), self.cutovers().await)).await
    }

    pub async fn forth_until(
        &self,
        fuse: &Arc<Fuse>,
        stop: StopRequest,
        seen: Cutovers,
    ) -> Option<Result<RepoEnd, RepoTrouble>> {
        Box::pin(self.forth_where(fuse, stop, seen, async {})).await
    }

    /// The same, where something happens behind the last look at the evidence, which the writer sees.
    pub async fn forth_where(
        &self,
        fuse: &Arc<Fuse>,
        stop: StopRequest,
        seen: Cutovers,
        meanwhile: impl Future<Output = ()>,
    ) -> Option<Result<RepoEnd, RepoTrouble>> {
        let inner: Arc<dyn Backups> = Arc::new(FileBackups::new(self.backup()));
        let backups: Arc<dyn Backups> = Arc::new(Fused { inner, fuse: fuse.clone() });
        let (buckets, ports) = (map(), self.ports(fuse));
        let cutover = RepoCutover {
            buckets: &buckets,
            server: self.server.clone(),
            server_ids: ids(),
            seen,
            freeze: Some(self.frozen),
            last: Some("9".to_owned()),
            backups: Some(backups),
            left_behind: Vec::new(),
            salt: self.by().1,
            stop,
        };
        let (journal, clock) = (ports.journal.clone(), ports.clock.clone());
        let change = async {
            let mut writer = JournalWriter::open(journal, clock, self.by()).await?;
            meanwhile.await;
            cut_over_contentrepo(&ports, cutover, &mut writer).await
        };
        fuse.run(Box::pin(change)).await
    }

    /// The way back, by the journal or by the backup; [`None`] where it was killed.
    pub async fn back(
        &self,
        fuse: &Arc<Fuse>,
        by_backup: bool,
    ) -> Option<Result<RepoEnd, RepoTrouble>> {
        let from = if by_backup {
            let opened = FileBackups::new(self.backup()).open().await.expect("a backup");
            Some(RepoBackup::read(opened).await.expect("a backup"))
        } else {
            None
        };
        let revert = self.revert(self.cutovers().await, from);
        let ports = self.ports(fuse);
        fuse.run(Box::pin(revert_contentrepo(&ports, revert))).await
    }

    /// What a dry run of the way back finds, by the journal.
    pub async fn look_back(&self) -> RepoRevertSeen {
        let revert = self.revert(self.cutovers().await, None);
        let ports = self.ports(&Fuse::new(None));
        look_back(&ports, &revert).await.expect("looked")
    }

    fn revert(&self, seen: Cutovers, from: Option<RepoBackup>) -> RepoRevert {
        RepoRevert {
            server: self.server.clone(),
            server_ids: ids(),
            database_was: self.database_was.clone(),
            seen,
            from,
            ingested: None,
            by: self.by(),
            stop: never(),
        }
    }

    /// The journal says that rhino's cut-over was begun.
    pub async fn begin_rhino(&self) {
        let names = NamesBefore {
            renames: vec![NameRename { id: None, from: "a".into(), to: "b".into() }],
            ..NamesBefore::default()
        };
        let of = ClientDatabase::Rhino;
        let begun = CutoverBegun::new(of, Direction::ToS3, "db:3306/rhino", names);
        let begun = CutoverBegun { freeze: Some(1), ..begun };
        let begun = Content::CutoverBegun(Box::new(begun));
        self.writer().await.append(begun).await.expect("written");
    }
}

fn ids() -> ServerIds {
    ServerIds { server_id: Some("1".to_owned()), server_uuid: None }
}

fn rusqlite_values(id: i64, name: &str) -> (i64, &str) {
    (id, name)
}

fn new_journal() -> dynoxide::Database {
    let database = new_database().expect("a database in memory");
    create_journal_table(&database, "journal").expect("a new table");
    database
}
