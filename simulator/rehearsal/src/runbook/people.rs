//! What people do beside the commands: they ingest, and they start the clients with another configuration.

use std::sync::Arc;
use std::time::Duration;

use adapters::content_repo_api::ContentRepoService;
use anyhow::{Context, ensure};
use domain::ports::RepoService;
use stand_ins::embedded::{BUCKETS, EmbeddedWorld};
use stand_ins::world::bucket::Condition;
use stand_ins::world::content_repo::{Signature, Store};
use stand_ins::world::databases::{ArticleFileRow, Database};

use crate::corpus::{CorpusFile, of_bytes};
use crate::end_state::mogile_state;
use crate::planting::{Expected, Headers};
use crate::stage::Stage;

/// A node of the rehearsal answers at once.
const PATIENCE: Duration = Duration::from_secs(8);

/// Ingests files by contentrepo's API, in turn into each bucket by the name that it has today. rhino gets a row
/// of each. The oracle expects them where contentrepo has written them: in MogileFS, to be migrated, or in S3.
pub async fn ingest(stage: &mut Stage, files: usize) -> anyhow::Result<()> {
    let node = stage.world.content_repo_url.parse().context("the URL of contentrepo")?;
    let repo = ContentRepoService::new(node, PATIENCE, Arc::default())?;
    let names = repo.buckets().await?;
    for (old, new) in BUCKETS.into_iter().cycle().take(files) {
        let is_renamed = names.iter().any(|name| name == new);
        let (name, number) = (if is_renamed { new } else { old }, number_of(stage)?);
        let key = format!("10.1371/ingested.{number:07}");
        let words = format!("ingested by contentrepo's API: {key}");
        let file = of_bytes(words.into_bytes().into());
        let content = file.content.read()?;
        let created = repo.create(name, &key, content).await?;
        stage.world.databases.plant(|rows| {
            rows.article_file(&ArticleFileRow {
                ingestion: 8_000_000 + i64::try_from(number)?,
                item: None,
                file_type: None,
                bucket: name,
                key: &key,
                uuid: &created.uuid,
                size: file.content.length(),
                name: "ingested.bin",
            })
        })?;
        expect(stage, (old, new), file)?;
    }
    Ok(())
}

/// How many objects contentrepo has: the number of the next one.
fn number_of(stage: &Stage) -> anyhow::Result<usize> {
    let rows = "SELECT COUNT(*) FROM objects";
    let rows = stage.world.databases.texts(Database::ContentRepo, rows)?;
    Ok(rows.first().and_then(|row| row.first()).context("a count")?.parse()?)
}

fn expect(
    stage: &mut Stage,
    (old, bucket): (&str, &'static str),
    file: CorpusFile,
) -> anyhow::Result<()> {
    let world = &stage.world;
    let row = world.mogile.row_by_key(world.dmid, &format!("{}-{old}", file.sha1));
    let Some(row) = row else {
        let object = world.s3.get(bucket, &file.sha1, &Condition::None);
        let object = object.context("contentrepo has written it nowhere")?;
        stage.planted.occupants.insert((bucket, file.sha1), object);
        return Ok(());
    };
    let (fid, now) = (row.fid.0, mogile_state(world));
    stage.before.rows.extend(now.rows.into_iter().filter(|(of, _)| *of == fid));
    stage.before.replicas.extend(now.replicas.into_iter().filter(|((of, _), _)| *of == fid));
    let headers = Headers::default();
    let file = Expected { fid, bucket, file, hazard: None, synced: false, headers };
    ensure!(stage.planted.expected.iter().all(|it| it.fid != fid), "fid {fid} is taken");
    stage.planted.expected.push(file);
    stage.planted.expected.sort_by_key(|file| file.fid);
    Ok(())
}

/// contentrepo starts with its S3 store, and rhino with the new bucket names; or both as they were before.
pub fn clients_start(world: &EmbeddedWorld, on_s3: bool) -> anyhow::Result<()> {
    let store = if on_s3 {
        Store::S3 { signs: Signature::V4, has_valid_keys: true }
    } else {
        world.content_repo_on_mogile()
    };
    world.content_repo.restart(|settings| settings.store = store)?;
    world.rhino.restart(|settings| {
        let [corpus, editorial] =
            BUCKETS.map(|(old, new)| if on_s3 { new } else { old }.to_owned());
        settings.corpus.bucket = corpus;
        if let Some(endpoint) = &mut settings.editorial {
            endpoint.bucket = editorial;
        }
    });
    Ok(())
}
