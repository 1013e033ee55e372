//! What goes on in a publisher's store between two passes.

use anyhow::Context;
use oracle::state::MogileState;
use stand_ins::embedded::{BUCKETS, LEDGER};
use stand_ins::world::dynamodb::{Fields, Item};

use crate::corpus::{CorpusFile, of_bytes};
use crate::planting::{Expected, Headers, Planted};
use crate::site::Site;

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
    pub(crate) async fn begin(
        world: &dyn Site,
        planted: &mut Planted,
        before: &mut MogileState,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let upload_key = "7f0d4a52-9a3e-4b61-8d0c-5f6e7a8b9c0d.tmp".to_owned();
        let file = text(seed, "renamed behind the pager");
        let fid = world.store(&upload_key, &file).await?;
        planted.temporary += 1;
        *before = world.mogile_state().await?;
        Ok(Self { seed, upload: expected(fid, file), upload_key })
    }

    /// Renames it, ingests others, and purges a file to ingest it again under a new fid.
    pub(crate) async fn go_on(
        self,
        world: &dyn Site,
        planted: &mut Planted,
        before: &mut MogileState,
    ) -> anyhow::Result<Ingested> {
        let key = dkey(&self.upload.file);
        world.rename(&self.upload_key, &key).await?;
        planted.temporary -= 1;
        planted.expected.push(self.upload);

        for number in 0..NEW {
            let file = text(self.seed, &format!("ingested later, number {number}"));
            let fid = world.store(&dkey(&file), &file).await?;
            planted.expected.push(expected(fid, file));
        }

        let plain =
            |file: &Expected| file.hazard.is_none() && !file.synced && file.bucket == BUCKETS[0].1;
        let purged = planted.expected.iter().position(plain).context("a file to purge")?;
        let purged = planted.expected.remove(purged);
        let key = dkey(&purged.file);
        world.delete(&key).await?;
        // Its record stays, of a file that MogileFS has no longer.
        let items = world.items(LEDGER).await?;
        let is_its = |item: &Item| Fields(item).number("fid") == Ok(Some(purged.fid));
        let record = items.into_iter().find(is_its).context("the record of a moved file")?;
        planted.records.insert(purged.fid, record);
        let fid = world.store(&key, &purged.file).await?;
        // contentrepo's rows go by the content, whatever its fid is.
        let headers = purged.headers;
        planted.expected.push(Expected { headers, ..expected(fid, purged.file) });

        planted.expected.sort_by_key(|file| file.fid);
        *before = world.mogile_state().await?;
        Ok(Ingested { new: NEW + 2, purged: 1 })
    }
}

fn text(seed: u64, words: &str) -> CorpusFile {
    of_bytes(format!("{words}, in the rehearsal of seed {seed}").into_bytes().into())
}

fn dkey(file: &CorpusFile) -> String {
    format!("{}-{}", file.sha1, BUCKETS[0].0)
}

fn expected(fid: u64, file: CorpusFile) -> Expected {
    let (bucket, headers) = (BUCKETS[0].1, Headers::default());
    Expected { fid, bucket, file, hazard: None, synced: false, headers }
}
