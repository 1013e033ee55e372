//! Content types and download names: which are written, whatever is ingested meanwhile, and whose
//! contentrepo is believed.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use domain::migrate::TypesFrom;
use domain::ports::{
    ContentRepoDatabase, DatabaseError, RepoBucket, RepoExtent, RepoMetadata, RepoObject,
    RepoStatus, RowId, RowSays, Spool, SpoolError, Spooled, Spools, TypesAndNames, TypesError,
};
use domain::{Dkey, Misconfigured, Stopped, TypeAndName};
use stand_ins::world::bucket::Condition;

use super::*;

/// contentrepo's tables, which may grow, and whether its bucket is behind the cut-over.
#[derive(Default)]
struct Repo(Mutex<Vec<RepoObject>>, bool);

impl Repo {
    /// The next row: of this file, with a type of its own.
    fn refer(&self, file: &SourceFile, content_type: &str) {
        let mut rows = self.0.lock().expect("no panic holds it");
        let id = RowId(rows.len() as i128 + 1);
        rows.push(RepoObject {
            id,
            bucket: Some(RowId(1)),
            key: format!("10.1371/{}", file.fid),
            checksum: file.dkey.sha1.to_string(),
            size: Some(file.length),
            content_type: Some(content_type.to_owned()),
            download_name: None,
            status: RepoStatus::Used,
            uuid: String::new(),
        });
    }
}

#[async_trait]
impl ContentRepoDatabase for Repo {
    async fn buckets(&self) -> Result<Vec<RepoBucket>, DatabaseError> {
        let name = if self.1 { BUCKET } else { "repo" };
        Ok(vec![RepoBucket { id: RowId(1), name: name.to_owned() }])
    }

    async fn objects(&self, after: RowId, limit: usize) -> Result<Vec<RepoObject>, DatabaseError> {
        let rows = self.0.lock().expect("no panic holds it");
        Ok(rows.iter().filter(|row| row.id > after).take(limit).cloned().collect())
    }

    async fn metadata(&self, _: RowId, _: usize) -> Result<Vec<RepoMetadata>, DatabaseError> {
        panic!("nobody asks")
    }

    async fn extent(&self) -> Result<RepoExtent, DatabaseError> {
        Ok(RepoExtent::default())
    }
}

/// A spool in memory, where a disk would take time of its own.
struct Memory;

#[async_trait]
impl Spools for Memory {
    async fn begin(&self) -> Result<Box<dyn Spool>, SpoolError> {
        Ok(Box::new(Gathered(BTreeMap::new())))
    }
}

struct Gathered(BTreeMap<Dkey, (bool, TypeAndName)>);

#[async_trait]
impl Spool for Gathered {
    async fn add(&mut self, rows: Vec<RowSays>) -> Result<(), SpoolError> {
        for RowSays { of, in_use, says } in rows {
            if in_use || self.0.get(&of).is_none_or(|(in_use, _)| !in_use) {
                self.0.insert(of, (in_use, says));
            }
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Spooled, SpoolError> {
        let files = self.0.len() as u64;
        Ok(Spooled { types: Arc::new(*self), files, disagreeing: 0, bytes: 0 })
    }
}

#[async_trait]
impl TypesAndNames for Gathered {
    async fn of(&self, files: &[Dkey]) -> Result<Vec<Option<TypeAndName>>, TypesError> {
        Ok(files.iter().map(|file| self.0.get(file).map(|(_, says)| says.clone())).collect())
    }
}

fn with_types(repo: &Arc<Repo>, selection: Selection) -> RunPlan {
    let types = TypesFrom { database: repo.clone(), spools: Arc::new(Memory) };
    RunPlan { types: Some(types), selection, ..plan() }
}

/// The type of the object at a file's final key.
fn type_of(world: &World, file: &SourceFile) -> Option<String> {
    let key = ObjectKey::of_content(&file.dkey.sha1);
    let object = world.port.s3.get(BUCKET, key.as_str(), &Condition::None).expect("it is there");
    object.attributes.content_type.clone()
}

/// Ingests a file when the tables were read, and before the first page of the index is.
struct Ingest<'a> {
    world: &'a World,
    repo: &'a Repo,
    late: Mutex<Option<SourceFile>>,
}

impl OutageObserver for Ingest<'_> {
    fn holding(&self, _why: &Reason) {}
    fn going_on(&self) {}
}

impl RunObserver for Ingest<'_> {
    fn expect(&self, _rows: Option<u64>) {
        let file = self.world.store(b"ingested while the run goes on");
        self.repo.refer(&file, "text/late");
        *self.late.lock().expect("no panic holds it") = Some(file);
    }

    fn read(&self, _page: &Page) {}
    fn settled(&self, _file: &SourceFile, _failure: Option<&Failure>) {}
    fn noticed(&self, _file: &SourceFile, _finding: &Finding) {}
}

#[test]
fn a_file_that_is_ingested_during_the_run_gets_its_type() {
    let (world, repo) = (World::instant(), Arc::<Repo>::default());
    let early = files(&world, 3, None);
    for file in &early {
        repo.refer(file, "text/early");
    }
    let observer = Ingest { world: &world, repo: &repo, late: Mutex::default() };
    let plan = with_types(&repo, Selection::default());
    let summary = world.run(migrate_run(&world.port.ports(), &plan, never(), &observer));
    let types = summary.types.expect("they were asked for");
    assert_eq!((types.with_type, types.without_row, types.read.rows), (4, 0, 3));
    assert!(early.iter().all(|file| type_of(&world, file).as_deref() == Some("text/early")));
    let late = observer.late.into_inner().expect("no panic holds it").expect("stored");
    assert_eq!(type_of(&world, &late).as_deref(), Some("text/late"));
}

/// The cut-over gives its buckets their new names: it is this store's contentrepo all the same.
#[test]
fn contentrepo_is_known_behind_the_cut_over() {
    let (world, repo) = (World::instant(), Arc::new(Repo(Mutex::default(), true)));
    let files = files(&world, 150, None);
    for file in &files {
        repo.refer(file, "text/plain");
    }
    let summary = run(&world, &with_types(&repo, Selection::default()));
    assert!(summary.is_clean(), "{summary:?}");
    assert_eq!(summary.types.expect("they were asked for").with_type, 150);
    assert_eq!(type_of(&world, &files[0]).as_deref(), Some("text/plain"));
}

#[test]
fn another_stores_contentrepo_is_refused_whatever_is_selected() {
    let (world, repo) = (World::instant(), Arc::<Repo>::default());
    let files = files(&world, 150, None);
    // The empty file and the like are in every store.
    files.iter().take(3).for_each(|file| repo.refer(file, "text/plain"));
    let only = [files[0].fid.0].into_iter().collect();
    for selection in [Selection::default(), Selection { only: Some(only), ..Selection::default() }]
    {
        let summary = run(&world, &with_types(&repo, selection));
        let Some(Stopped::Misconfigured(Misconfigured::OtherContentRepo { looked_for, found })) =
            summary.stopped
        else {
            panic!("{summary:?}")
        };
        assert!(looked_for >= 100 && found <= 3, "{found} of {looked_for}");
    }
    assert_eq!(world.port.s3.objects(BUCKET).expect("the bucket").len(), 0);
}

/// Fids jump where uploads were abandoned or a database was restored, and no place of the sample has more
/// than a few files then.
#[test]
fn another_stores_contentrepo_is_refused_whatever_fids_are_missing() {
    let (world, repo) = (World::instant(), Arc::<Repo>::default());
    files(&world, 110, None);
    world.port.mogile.skip_fids(1 << 40);
    let late = files(&world, 5, None);
    repo.refer(&late[0], "text/plain");
    let summary = run(&world, &with_types(&repo, Selection::default()));
    let Some(Stopped::Misconfigured(Misconfigured::OtherContentRepo { looked_for, found })) =
        summary.stopped
    else {
        panic!("{summary:?}")
    };
    assert_eq!((looked_for, found), (100, 1));
    assert_eq!(world.port.s3.objects(BUCKET).expect("the bucket").len(), 0);
}

#[test]
fn files_that_no_row_refers_to_may_be_selected() {
    let (world, repo) = (World::instant(), Arc::<Repo>::default());
    let known = files(&world, 150, None);
    for file in &known {
        repo.refer(file, "text/plain");
    }
    let orphans = files(&world, 120, None);
    let only = Some(orphans.iter().map(|file| file.fid.0).collect());
    let summary = run(&world, &with_types(&repo, Selection { only, ..Selection::default() }));
    assert!(summary.is_clean(), "{summary:?}");
    let types = summary.types.expect("they were asked for");
    assert_eq!((types.without_row, types.with_type), (120, 0));
    let written: BTreeSet<_> = orphans.iter().map(|file| type_of(&world, file)).collect();
    assert_eq!(written, BTreeSet::from([None]));
}
