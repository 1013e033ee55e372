//! What people do beside the commands: they ingest by contentrepo's API.

use std::sync::Arc;
use std::time::Duration;

use adapters::content_repo_api::ContentRepoService;
use anyhow::{Context, ensure};
use domain::ports::RepoService;
use oracle::state::MogileState;
use stand_ins::embedded::BUCKETS;
use stand_ins::world::databases::Database;

use crate::corpus::{CorpusFile, of_bytes};
use crate::planting::{Expected, Headers, Planted};
use crate::site::{Article, Site};

/// A node of the rehearsal answers at once.
const PATIENCE: Duration = Duration::from_secs(8);

/// What the keys of ingested objects begin with.
pub(super) const INGESTED: &str = "10.1371/ingested.";

/// Ingests files by contentrepo's API, in turn into each bucket by the name that it has today. rhino gets a row
/// of each. The oracle expects them where contentrepo has written them: in MogileFS, to be migrated, or in S3.
pub(crate) async fn ingest(
    world: &dyn Site,
    planted: &mut Planted,
    before: &mut MogileState,
    files: usize,
) -> anyhow::Result<()> {
    let node = world.content_repo_url().parse().context("the URL of contentrepo")?;
    let repo = ContentRepoService::new(node, PATIENCE, Arc::default())?;
    let names = repo.buckets().await?;
    let mut written = Vec::new();
    let first = number_of(world).await?;
    for (number, (old, new)) in (first..).zip(BUCKETS.into_iter().cycle().take(files)) {
        let is_renamed = names.iter().any(|name| name == new);
        let bucket = if is_renamed { new } else { old };
        let key = format!("{INGESTED}{number:07}");
        let file = of_bytes(format!("ingested by contentrepo's API: {key}").into_bytes().into());
        let created = repo.create(bucket, &key, file.content.read()?).await?;
        let (uuid, size) = (created.uuid.as_str(), file.content.length());
        let ingestion = 8_000_000 + i64::try_from(number)?;
        world.refer(&Article { ingestion, bucket, key: &key, uuid, size }).await?;
        written.push(((old, new), file));
    }
    expect(world, planted, before, written).await
}

/// How many objects contentrepo has: the number of the next one.
async fn number_of(world: &dyn Site) -> anyhow::Result<usize> {
    let rows = world.texts(Database::ContentRepo, "SELECT COUNT(*) FROM objects").await?;
    Ok(rows.first().and_then(|row| row.first()).context("a count")?.parse()?)
}

async fn expect(
    world: &dyn Site,
    planted: &mut Planted,
    before: &mut MogileState,
    written: Vec<((&'static str, &'static str), CorpusFile)>,
) -> anyhow::Result<()> {
    let now = world.end_state().await?;
    for ((old, bucket), file) in written {
        let dkey = format!("{}-{old}", file.sha1);
        let row = now.mogile.rows.iter().find(|(_, row)| row.key.as_deref() == Some(&*dkey));
        let Some((fid, row)) = row else {
            let objects = now.buckets.get(bucket).context("a bucket")?;
            let objects = &objects.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?.objects;
            let object = objects.get(&file.sha1).context("contentrepo has written it nowhere")?;
            planted.written.insert((bucket, file.sha1), object.clone());
            continue;
        };
        before.rows.insert(*fid, row.clone());
        let replicas = now.mogile.replicas.iter().filter(|((of, _), _)| of == fid);
        before.replicas.extend(replicas.map(|(at, replica)| (*at, replica.clone())));
        ensure!(planted.expected.iter().all(|it| it.fid != *fid), "fid {fid} is taken");
        let headers = Headers::default();
        let file = Expected { fid: *fid, bucket, file, hazard: None, synced: false, headers };
        planted.expected.push(file);
    }
    planted.expected.sort_by_key(|file| file.fid);
    Ok(())
}
