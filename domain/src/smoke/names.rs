//! The rows of both tables, by the names of their buckets.

use std::collections::{BTreeMap, BTreeSet};

use super::draw::{Draw, Row, SamplePlan};
use super::summary::{SmokeFault, SmokeSummary, TableDrawn};
use crate::ports::{
    ArticleFile, Clock, ContentRepoDatabase, DatabaseError, RepoObject, RepoStatus, RhinoDatabase,
    RowId,
};
use crate::retried::retried;
use crate::{BucketMap, ByteCount, MogileBucket, RepoBucketName, limits};

/// Which names the buckets of the clients are to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Those of S3, behind the cut-over.
    OfS3,
    /// Those of MogileFS or of S3.
    Any,
}

/// How rhino names a row of contentrepo: bucket, key and uuid.
pub(super) type Name = (String, String, String);

/// What both tables gave.
pub(super) struct Rows {
    /// The sample of contentrepo's rows, each with the name of its bucket.
    pub(super) objects: Vec<(String, RepoObject)>,
    /// The sample of rhino's rows.
    pub(super) files: Vec<(String, ArticleFile)>,
    /// contentrepo's rows that rhino's sample names.
    pub(super) named: BTreeMap<Name, RepoObject>,
}

impl Row for RepoObject {
    fn id(&self) -> RowId {
        self.id
    }

    fn size(&self) -> Option<ByteCount> {
        self.size
    }
}

impl Row for ArticleFile {
    fn id(&self) -> RowId {
        self.id
    }

    fn size(&self) -> Option<ByteCount> {
        self.size
    }
}

/// How rhino's row names its row of contentrepo; [`None`] where a column is NULL.
pub(super) fn name_of(file: &ArticleFile) -> Option<Name> {
    Some((file.bucket.clone()?, file.key.clone()?, file.uuid.clone()?))
}

/// Judges the names of buckets, each once.
struct Judge<'a> {
    map: &'a BucketMap,
    names: Names,
    client: &'static str,
    found: BTreeSet<String>,
}

impl<'a> Judge<'a> {
    /// The bucket of MogileFS behind this name. What is neither sound nor ignored is a finding.
    fn bucket(
        &mut self,
        name: &str,
        drawn: &mut TableDrawn,
        summary: &mut SmokeSummary,
    ) -> Option<&'a MogileBucket> {
        let (fault, why) = match self.map.repo_bucket(name) {
            RepoBucketName::Renamed(old) => return Some(old),
            RepoBucketName::Mapped(old) => {
                let is_new = self.map.pairs().any(|(from, to)| from == old && to.as_str() == name);
                if is_new || self.names == Names::Any {
                    return Some(old);
                }
                (SmokeFault::OldName, "its rows bear the name from before the cut-over")
            }
            RepoBucketName::Ignored => {
                drawn.ignored += 1;
                return None;
            }
            RepoBucketName::Unmapped => {
                (SmokeFault::Unmapped, "it is neither in BUCKETS nor in IGNORE_BUCKETS")
            }
        };
        if self.found.insert(name.to_owned()) {
            summary.find(fault, format!("bucket `{name}` of {}", self.client), why);
        }
        None
    }
}

/// Reads every row of both tables once, and draws. Rows that come meanwhile count too.
pub(super) async fn read(
    content_repo: &dyn ContentRepoDatabase,
    rhino: Option<&dyn RhinoDatabase>,
    clock: &dyn Clock,
    (map, names): (&BucketMap, Names),
    plan: SamplePlan,
    summary: &mut SmokeSummary,
) -> Result<Rows, DatabaseError> {
    // rhino's first: contentrepo has each of its rows before rhino has.
    let files = match rhino {
        Some(rhino) => {
            let mut drawn = TableDrawn::default();
            let files = read_files(rhino, clock, (map, names), plan, &mut drawn, summary).await?;
            drawn.sampled = files.len() as u64;
            summary.rhino = Some(drawn);
            files
        }
        None => Vec::new(),
    };
    let wanted: BTreeSet<Name> = files.iter().filter_map(|(_, file)| name_of(file)).collect();
    let buckets = retried(clock, 0, || content_repo.buckets()).await?;
    let mut judge = Judge { map, names, client: "contentrepo", found: BTreeSet::new() };
    let (mut draw, mut by_rhino, mut drawn) =
        (Draw::new(plan), BTreeMap::new(), TableDrawn::default());
    let mut after = RowId::START;
    loop {
        let page = retried(clock, 0, || content_repo.objects(after, limits::PAGE_ROWS)).await?;
        let Some(last) = page.last() else { break };
        after = going_on(after, last.id, "objects")?;
        for object in page.into_iter().filter(|object| object.status != RepoStatus::Purged) {
            let bucket = buckets.iter().find(|bucket| Some(bucket.id) == object.bucket);
            let Some(name) = bucket.map(|bucket| &bucket.name) else {
                if judge.found.insert(String::new()) {
                    let at = format!("row {} of contentrepo", object.id);
                    summary.find(SmokeFault::Unmapped, at, "it names no bucket that is there");
                }
                continue;
            };
            if judge.bucket(name, &mut drawn, summary).is_none() {
                continue;
            }
            let of_rhino = (name.clone(), object.key.clone(), object.uuid.clone());
            if wanted.contains(&of_rhino) {
                by_rhino.insert(of_rhino, object.clone());
            }
            draw.offer(name, &object);
        }
    }
    drawn.rows = draw.rows();
    let objects = draw.drawn();
    drawn.sampled = objects.len() as u64;
    if drawn.sampled == 0 {
        summary.miss("contentrepo's rows", "no row of a mapped bucket is in the table `objects`");
    }
    if summary.rhino.as_ref().is_some_and(|rhino| rhino.sampled == 0) {
        summary.miss("rhino's rows", "no row of a mapped bucket is in the table `articleFile`");
    }
    summary.contentrepo = drawn;
    Ok(Rows { objects, files, named: by_rhino })
}

async fn read_files(
    rhino: &dyn RhinoDatabase,
    clock: &dyn Clock,
    (map, names): (&BucketMap, Names),
    plan: SamplePlan,
    drawn: &mut TableDrawn,
    summary: &mut SmokeSummary,
) -> Result<Vec<(String, ArticleFile)>, DatabaseError> {
    let mut judge = Judge { map, names, client: "rhino", found: BTreeSet::new() };
    let (mut draw, mut after) = (Draw::new(plan), RowId::START);
    loop {
        let page = retried(clock, 0, || rhino.files(after, limits::PAGE_ROWS)).await?;
        let Some(last) = page.last() else { break };
        after = going_on(after, last.id, "articleFile")?;
        for file in page {
            let Some(name) = &file.bucket else {
                if judge.found.insert(String::new()) {
                    let at = format!("row {} of rhino", file.id);
                    summary.find(SmokeFault::Unmapped, at, "it names no bucket");
                }
                continue;
            };
            if judge.bucket(name, drawn, summary).is_some() {
                draw.offer(name, &file);
            }
        }
    }
    drawn.rows = draw.rows();
    Ok(draw.drawn())
}

pub(super) fn going_on(after: RowId, last: RowId, table: &str) -> Result<RowId, DatabaseError> {
    if last > after {
        return Ok(last);
    }
    let why = format!("the page behind id {after} of `{table}` does not go on");
    Err(DatabaseError::BadAnswer { at: table.to_owned(), why })
}
