//! A server with rhino's table, and a journal beside it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::containers::client_tables::plant_rhino;
use adapters::mysql::{ChangeTimes, DatabaseUrl, MysqlRhino, MysqlRhinoChanges, MysqlRhinoLoad};
use domain::cleanup::never;
use domain::cutover::rhino::{
    ChunkRows, Conduct, CutoverGrounds, Pace, RevertFrom, RevertGrounds, RhinoEnd, RhinoPorts,
    RhinoProgress, RhinoTrouble, cut_over_rhino, plan_rhino, plan_rhino_revert, revert_rhino,
};
use domain::cutover::{Cutovers, read_cutovers};
use domain::journal::{
    ClientDatabase, Content, CutoverBegun, Direction, Entry, NamesBefore, StoredEntry,
};
use domain::ports::{ArticleFile, Backups, Clock, Journal, RowId};
use domain::runbook::JournalWriter;
use domain::{BucketMap, ByteCount, Timestamp};
use dynoxide::Database;
use sqlx::mysql::MySqlConnection;
use sqlx::{Connection, Executor, Row};
use stand_ins::fault::Faults;
use stand_ins::port::{PortFaults, PortJournal};
use stand_ins::wire::mysql::{self, MysqlServer};
use stand_ins::world::databases::{Collation, Databases};
use stand_ins::world::dynamodb::{create_journal_table, new_database};
use stand_ins::world::mogile::MogileFs;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::watched::{Kept, Watch, WatchedBackups, WatchedChanges, WatchedJournal};

/// The database as the journal and the backup call it.
pub const SERVER: &str = "db:3306/rhino";

/// Names as MogileFS may have them: with quotes, a backslash and `%`, and one of the most letters.
#[must_use]
pub fn odd_names() -> [String; 2] {
    ["it's\"q\\u%_".to_owned(), "n".repeat(255)]
}

/// The bucket map of all tests.
#[must_use]
pub fn buckets() -> BucketMap {
    let [odd, long] = odd_names();
    let pairs = format!("repo:corpus-prod,{odd}:odd-prod,{long}:long-prod,same:same");
    BucketMap::parse(&pairs, "trash").expect("good settings")
}

/// Time that passes in sleeps alone.
#[derive(Default)]
struct TestClock(AtomicU64);

#[async_trait::async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    async fn sleep(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).expect("short");
        self.0.fetch_add(millis, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A server with rhino's table, and a journal beside it.
pub struct Stage {
    url: String,
    /// The embedded server, where it is that one.
    pub server: Arc<MysqlServer>,
    /// The embedded server's faults.
    pub faults: Arc<Faults>,
    journal: Database,
    /// The backup.
    pub backups: Arc<Kept>,
    clock: Arc<TestClock>,
    task: Option<JoinHandle<()>>,
    writers: AtomicU64,
    progress: Arc<Mutex<Vec<RhinoProgress>>>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.task.iter().for_each(JoinHandle::abort);
    }
}

/// A step of rhino's change, with everything it reaches.
pub struct Step<'a> {
    stage: &'a Stage,
    /// Who watches it.
    pub watch: Arc<Watch>,
    /// Whether rows that bear a new name keep it.
    pub keep_existing: bool,
    /// How fast it is.
    pub pace: Pace,
    /// The database's name now, and how it was called before by the operator's word.
    pub server: (String, Option<String>),
}

impl Stage {
    /// The embedded server with these rows, a journal in which contentrepo is done, and no backup.
    pub async fn new(files: &[ArticleFile]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let databases = Arc::new(Databases::new(Collation::Utf8Bin).expect("a folder"));
        let server = MysqlServer::new(Arc::new(MogileFs::default()), "writer", "s3cret");
        let server = Arc::new(server.with_databases(databases));
        let faults = Arc::new(Faults::default());
        let task = tokio::spawn(mysql::serve(listener, server.clone(), faults.clone()));
        let url = format!("mysql://writer:s3cret@{address}/rhino");
        let mut stage = Self::bare(url);
        (stage.server, stage.faults, stage.task) = (server, faults, Some(task));
        stage.plant(files).await;
        stage
    }

    /// The same on another server, which has the table with its rows.
    pub async fn on(url: String) -> Self {
        let stage = Self::bare(url);
        stage.contentrepo_is_done().await;
        stage
    }

    fn bare(url: String) -> Self {
        Self {
            url,
            server: Arc::new(MysqlServer::new(Arc::new(MogileFs::default()), "", "")),
            faults: Arc::default(),
            journal: new_journal(),
            backups: Arc::default(),
            clock: Arc::default(),
            task: None,
            writers: AtomicU64::default(),
            progress: Arc::default(),
        }
    }

    async fn plant(&self, files: &[ArticleFile]) {
        let mut session = self.session().await;
        plant_rhino(&mut session, files).await.expect("planted");
        let long_ago = "UPDATE articleFile SET created = '2001-02-03 04:05:06' WHERE fileId > 0";
        session.execute(long_ago).await.expect("updated");
        self.contentrepo_is_done().await;
    }

    /// Forgets the backup and the journal, where a change was taken back.
    pub async fn begin_anew(&mut self) {
        self.backups = Arc::default();
        self.lose_journal();
        self.contentrepo_is_done().await;
    }

    /// With a few rows of every name, ids that lie far apart, and no row that bears a new name.
    pub async fn usual() -> Self {
        Self::new(&rows(false)).await
    }

    /// Forgets the journal, as where its table was deleted.
    pub fn lose_journal(&mut self) {
        self.journal = new_journal();
    }

    /// A session that may write.
    pub async fn session(&self) -> MySqlConnection {
        MySqlConnection::connect(&self.url).await.expect("a session")
    }

    fn url(&self) -> DatabaseUrl {
        self.url.parse().expect("a URL")
    }

    /// The journal, unwatched.
    #[must_use]
    pub fn journal(&self) -> Arc<dyn Journal> {
        let faults = Arc::new(PortFaults::instant());
        let (table, migration) = ("journal".to_owned(), "ledger".to_owned());
        Arc::new(PortJournal::new(self.journal.clone(), table, migration, faults))
    }

    /// A writer of this name.
    pub async fn writer(&self, by: &str, journal: Arc<dyn Journal>) -> JournalWriter {
        let number = self.writers.fetch_add(1, Ordering::Relaxed);
        let by = (by.to_owned(), number);
        JournalWriter::open(journal, self.clock.clone(), by).await.expect("a writer")
    }

    /// Writes that contentrepo's cut-over is done.
    pub async fn contentrepo_is_done(&self) {
        let mut writer = self.writer("ann", self.journal()).await;
        let (of, names) = (ClientDatabase::Contentrepo, NamesBefore::default());
        let begun = CutoverBegun::new(of, Direction::ToS3, "db:3306/contentrepo", names);
        let begun = CutoverBegun { freeze: Some(1), ..begun };
        writer.append(Content::CutoverBegun(Box::new(begun))).await.expect("written");
        let step = ClientDatabase::Contentrepo.step(Direction::ToS3).to_owned();
        writer.append(Content::StepDone { step }).await.expect("written");
    }

    /// What the journal says.
    pub async fn cutovers(&self) -> Cutovers {
        read_cutovers(&*self.journal(), &*self.clock, 7).await.expect("a journal")
    }

    /// The contents of all entries behind contentrepo's two.
    pub async fn entries(&self) -> Vec<Content> {
        let mut all = Vec::new();
        let mut each = |stored: StoredEntry| {
            all.push(Entry::parse(&stored.line).expect("an entry").content);
        };
        self.journal().read(2, &mut each).await.expect("read");
        all
    }

    /// Every row and the table's definition, in one text.
    pub async fn dump(&self) -> String {
        let mut session = self.session().await;
        settled(&mut session).await;
        let sql = "SELECT fileId, bucketName, crepoKey, crepoUuid, fileSize, \
                   CAST(created AS CHAR) AS made FROM articleFile ORDER BY fileId";
        let rows = session.fetch_all(sql).await.expect("rows");
        let row = |row: &sqlx::mysql::MySqlRow| {
            let (id, name): (i64, Option<String>) = (row.get("fileId"), row.get("bucketName"));
            let (key, uuid): (String, String) = (row.get("crepoKey"), row.get("crepoUuid"));
            let (size, made): (i64, String) = (row.get("fileSize"), row.get("made"));
            format!("{id} {name:?} {key} {uuid} {size} {made}\n")
        };
        let rows: String = rows.iter().map(row).collect();
        let shown = session.fetch_one("SHOW CREATE TABLE articleFile").await.expect("a table");
        rows + &shown.get::<String, _>("Create Table")
    }

    /// The ids of the rows that bear this name.
    pub async fn ids_of(&self, name: &str) -> Vec<i64> {
        let mut session = self.session().await;
        let sql = "SELECT fileId, bucketName FROM articleFile ORDER BY fileId";
        let rows = session.fetch_all(sql).await.expect("rows");
        let of = |row: &&sqlx::mysql::MySqlRow| {
            row.get::<Option<String>, _>("bucketName").as_deref() == Some(name)
        };
        rows.iter().filter(of).map(|row| row.get("fileId")).collect()
    }

    /// What was reported since this was last asked.
    #[must_use]
    pub fn take_progress(&self) -> Vec<RhinoProgress> {
        std::mem::take(&mut *self.progress.lock().expect("no panic"))
    }

    /// Whether something like this was reported.
    pub fn has_reported(&self, is_it: impl Fn(&RhinoProgress) -> bool) -> bool {
        self.progress.lock().expect("no panic").iter().any(is_it)
    }

    /// A step in small ranges.
    #[must_use]
    pub fn step(&self, watch: Arc<Watch>) -> Step<'_> {
        let chunk = ChunkRows::between(8, 16);
        let (pace, server) = (Pace { online: None, chunk }, (SERVER.to_owned(), None));
        Step { stage: self, watch, keep_existing: false, pace, server }
    }

    /// A step that nothing ends.
    #[must_use]
    pub fn unharmed(&self) -> Step<'_> {
        self.step(Arc::default())
    }
}

impl Step<'_> {
    /// Everything that it reaches.
    #[must_use]
    pub fn ports(&self) -> RhinoPorts {
        let (stage, calls) = (self.stage, Arc::default());
        let times = ChangeTimes { request: Duration::from_secs(2), ..ChangeTimes::default() };
        let changes = MysqlRhinoChanges::new(stage.url(), Arc::clone(&calls)).with_times(times);
        RhinoPorts {
            names: Arc::new(MysqlRhino::new(stage.url(), Arc::clone(&calls))),
            changes: Arc::new(WatchedChanges { inner: changes, watch: self.watch.clone() }),
            load: Arc::new(MysqlRhinoLoad::new(stage.url(), Vec::new(), &calls)),
            journal: self.watched_journal(),
            clock: stage.clock.clone(),
            server: self.server.0.clone(),
        }
    }

    fn watched_journal(&self) -> Arc<dyn Journal> {
        Arc::new(WatchedJournal { inner: self.stage.journal(), watch: self.watch.clone() })
    }

    /// Where its backups are.
    #[must_use]
    pub fn backups(&self) -> impl Backups + use<> {
        WatchedBackups { kept: self.stage.backups.clone(), watch: self.watch.clone() }
    }

    /// Cuts over. Nothing where its process is ended.
    pub async fn cut_over(&self) -> Option<Result<RhinoEnd, RhinoTrouble>> {
        let ports = self.ports();
        let seen = self.stage.progress.clone();
        let progress = move |it: RhinoProgress| seen.lock().expect("no panic").push(it);
        let conduct =
            Conduct { pace: self.pace.clone(), progress: &progress, stop: never(), salt: 7 };
        let step = async {
            let mut writer = self.stage.writer("ann", ports.journal.clone()).await;
            let cutovers = self.stage.cutovers().await;
            let plan =
                plan_rhino(&ports, &buckets(), &cutovers, self.keep_existing, &conduct).await?;
            let grounds = CutoverGrounds { freeze: Some(1), left_behind: Vec::new() };
            let backups = self.backups();
            Box::pin(cut_over_rhino(&ports, &plan, grounds, &backups, &mut writer, &conduct)).await
        };
        let done = self.watch.run(Box::pin(step)).await;
        // Their sessions, too.
        drop(ports);
        settled(&mut self.stage.session().await).await;
        done
    }

    /// Takes it back, by the journal or by the backup.
    pub async fn revert(&self, by_backup: bool) -> Option<Result<RhinoEnd, RhinoTrouble>> {
        let ports = self.ports();
        let seen = self.stage.progress.clone();
        let progress = move |it: RhinoProgress| seen.lock().expect("no panic").push(it);
        let conduct =
            Conduct { pace: self.pace.clone(), progress: &progress, stop: never(), salt: 7 };
        let step = async {
            let mut writer = self.stage.writer("bob", ports.journal.clone()).await;
            let cutovers = self.stage.cutovers().await;
            let backups = self.backups();
            let was = self.server.1.as_deref();
            let from = if by_backup { RevertFrom::Backup(&backups) } else { RevertFrom::Journal };
            let plan = plan_rhino_revert(&ports, &cutovers, from, was, &conduct).await?;
            let grounds = RevertGrounds::default();
            Box::pin(revert_rhino(&ports, &plan, grounds, from, &mut writer, &conduct)).await
        };
        let done = self.watch.run(Box::pin(step)).await;
        // Their sessions, too.
        drop(ports);
        settled(&mut self.stage.session().await).await;
        done
    }
}

/// Waits until no session of a process that was ended is left: its server learns of it a moment later.
async fn settled(session: &mut MySqlConnection) {
    for _ in 0..400 {
        if session.fetch_all("SHOW PROCESSLIST").await.expect("rows").len() == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("a session does not end");
}

fn new_journal() -> Database {
    let database = new_database().expect("a database in memory");
    create_journal_table(&database, "journal").expect("a new table");
    database
}

/// Rows of every mapped bucket, of an ignored one and of one that keeps its name, with ids that lie far apart and
/// in a row; some of them bear a new name already, where that is wanted.
#[must_use]
pub fn rows(with_new_names: bool) -> Vec<ArticleFile> {
    let [odd, long] = odd_names();
    let mut names = vec!["repo".to_owned(), odd, "trash".to_owned(), long, "same".to_owned()];
    if with_new_names {
        names.extend(["corpus-prod".to_owned(), "odd-prod".to_owned()]);
    }
    let far = [1 << 33, (1 << 40) + 5, i128::from(i64::MAX) - 1];
    let ids = (1..=20).chain((100..130).step_by(3)).chain(far);
    let file = |(number, id): (usize, i128)| ArticleFile {
        id: RowId(id),
        bucket: Some(names[number % names.len()].clone()),
        key: Some(format!("10.1371/journal.{number}")),
        uuid: Some(format!("{number:08x}-0000-4000-8000-000000000000")),
        size: Some(ByteCount(number as u64)),
    };
    ids.enumerate().map(file).collect()
}
