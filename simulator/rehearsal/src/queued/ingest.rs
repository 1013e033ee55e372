//! What goes on in a publisher's store between two passes.

use anyhow::Context;
use stand_ins::embedded::{BUCKETS, DOMAIN, LEDGER};
use stand_ins::world::dynamodb::{self, Fields, Item};
use stand_ins::world::mogile::Fid;

use crate::corpus::{CorpusFile, of_bytes};
use crate::end_state::mogile_state;
use crate::planting::{Expected, Headers};
use crate::stage::Stage;

/// Files that are ingested between the passes, beside those that are odd.
const NEW: u64 = 7;

/// An ingest that is under way while the first pass runs.
pub(crate) struct Ingest {
    seed: u64,
    /// Uploaded, and without its final key yet: its fid is below those that come later.
    upload: Expected,
    upload_key: String,
}

/// What came of it.
pub(crate) struct Ingested {
    /// Files that the next pass has to move.
    pub(crate) new: u64,
    /// Files that were purged: their fids are in the ledger, and not in the index.
    pub(crate) purged: u64,
}

impl Ingest {
    /// Uploads a file under a temporary key.
    pub(crate) fn begin(stage: &mut Stage, seed: u64) -> Self {
        let upload_key = "7f0d4a52-9a3e-4b61-8d0c-5f6e7a8b9c0d.tmp".to_owned();
        let file = text(seed, "renamed behind the pager");
        let fid = store(stage, &upload_key, &file);
        stage.planted.temporary += 1;
        stage.before = mogile_state(&stage.world);
        Self { seed, upload: expected(fid, file), upload_key }
    }

    /// Renames it, ingests others, and purges a file to ingest it again under a new fid.
    pub(crate) fn go_on(self, stage: &mut Stage) -> anyhow::Result<Ingested> {
        let key = dkey(&self.upload.file);
        let mogile = stage.world.mogile.clone();
        mogile.rename(DOMAIN, &self.upload_key, &key).context("renaming an upload")?;
        stage.planted.temporary -= 1;
        stage.planted.expected.push(self.upload);

        for number in 0..NEW {
            let file = text(self.seed, &format!("ingested later, number {number}"));
            let fid = store(stage, &dkey(&file), &file);
            stage.planted.expected.push(expected(fid, file));
        }

        let plain =
            |file: &Expected| file.hazard.is_none() && !file.synced && file.bucket == BUCKETS[0].1;
        let purged = stage.planted.expected.iter().position(plain).context("a file to purge")?;
        let purged = stage.planted.expected.remove(purged);
        let key = dkey(&purged.file);
        mogile.delete(DOMAIN, &key).context("purging a file")?;
        mogile.run_delete_worker();
        // Its record stays, of a file that MogileFS has no longer.
        let items = dynamodb::items(&stage.world.database, LEDGER)?;
        let is_its = |item: &Item| Fields(item).number("fid") == Ok(Some(purged.fid));
        let record = items.into_iter().find(is_its).context("the record of a moved file")?;
        stage.planted.records.insert(purged.fid, record);
        let fid = store(stage, &key, &purged.file);
        // contentrepo's rows go by the content, whatever its fid is.
        let headers = purged.headers;
        stage.planted.expected.push(Expected { headers, ..expected(fid, purged.file) });

        stage.planted.expected.sort_by_key(|file| file.fid);
        stage.before = mogile_state(&stage.world);
        Ok(Ingested { new: NEW + 2, purged: 1 })
    }
}

fn text(seed: u64, words: &str) -> CorpusFile {
    of_bytes(format!("{words}, in the rehearsal of seed {seed}").into_bytes().into())
}

fn dkey(file: &CorpusFile) -> String {
    format!("{}-{}", file.sha1, BUCKETS[0].0)
}

fn store(stage: &Stage, key: &str, file: &CorpusFile) -> Fid {
    let world = &stage.world;
    let (one, other) = world.devices.split_at(world.devices.len() / 2);
    let devices = [one[0], other[0]];
    world.mogile.store(world.dmid, key, &file.content, &devices)
}

fn expected(fid: Fid, file: CorpusFile) -> Expected {
    let (bucket, headers) = (BUCKETS[0].1, Headers::default());
    Expected { fid: fid.0, bucket, file, hazard: None, synced: false, headers }
}
