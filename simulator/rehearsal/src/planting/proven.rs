//! Rows that an earlier run has proven, without that run.

use bytes::Bytes;
use stand_ins::embedded::{BUCKETS, EmbeddedWorld, LEDGER, VERIFICATIONS};
use stand_ins::world::databases::{ObjectRow, Status};
use stand_ins::world::dynamodb::{self, Item, number, text};
use stand_ins::world::mogile::{ClassId, Fid, FileRow};

use super::planter::{claim, intermediary_key, prove};
use crate::corpus::of_bytes;

/// Records that are put into the ledger at a time.
const RECORDS_AT_ONCE: usize = 10_000;

/// Plants rows, and for each a proven ledger record of its bucket and SHA-1, as they are after a
/// first run. Storage nodes and S3 stay empty: a second run asks them nothing. The ledger must be
/// empty.
pub fn plant_proven(world: &EmbeddedWorld, rows: usize) -> anyhow::Result<()> {
    dynamodb::index_segments(&world.database, LEDGER)?;
    let mut records = Vec::with_capacity(RECORDS_AT_ONCE.min(rows));
    for number in 1..=rows {
        records.push(plant_row(world, number));
        if records.len() == RECORDS_AT_ONCE {
            dynamodb::import(&world.database, LEDGER, records.drain(..))?;
        }
    }
    dynamodb::import(&world.database, LEDGER, records)?;
    Ok(())
}

/// Plants a pass of the verification `run` for each of so many rows.
pub fn plant_passes(world: &EmbeddedWorld, rows: usize, run: &str) -> anyhow::Result<()> {
    let pass = |row: usize| {
        let (_, bucket) = BUCKETS[row % BUCKETS.len()];
        let file = of_bytes(Bytes::from(row.to_string()));
        Item::from([
            text("run", &format!("{run}#{}", row % VERIFICATION_SHARDS)),
            number("fid", row as u64),
            text("sha1", &file.sha1),
            text("bucket", bucket),
            text("sight", "head"),
            number("length", file.content.length()),
            number("verified_at", 1),
        ])
    };
    for first in (1..=rows).step_by(RECORDS_AT_ONCE) {
        let passes = (first..=rows).take(RECORDS_AT_ONCE).map(pass);
        dynamodb::import(&world.database, VERIFICATIONS, passes)?;
    }
    Ok(())
}

/// Hash keys over which the passes of a run are spread.
const VERIFICATION_SHARDS: usize = 64;

/// Plants rows whose content no storage node has: enough to count them.
pub fn plant_rows(world: &EmbeddedWorld, rows: usize) {
    for number in 1..=rows {
        plant_row(world, number);
    }
}

/// Plants an empty object at the final key of each of so many rows, and one at its intermediary's key.
pub fn plant_arrived(world: &EmbeddedWorld, rows: usize) -> anyhow::Result<()> {
    for number in 1..=rows {
        let (_, bucket) = BUCKETS[number % BUCKETS.len()];
        let file = of_bytes(Bytes::from(number.to_string()));
        let intermediary = intermediary_key(Fid(number as u64));
        for key in [&file.sha1, &intermediary] {
            world.s3.plant_plain(bucket, key, Bytes::new())?;
        }
    }
    Ok(())
}

/// Plants rows, and for each an object with its content at its final key. No storage node has it.
pub fn plant_final(world: &EmbeddedWorld, rows: usize) -> anyhow::Result<()> {
    for number in 1..=rows {
        plant_row(world, number);
        let (_, bucket) = BUCKETS[number % BUCKETS.len()];
        let content = Bytes::from(number.to_string());
        let key = of_bytes(content.clone()).sha1;
        world.s3.plant_plain(bucket, &key, content)?;
    }
    Ok(())
}

/// Plants the rows of contentrepo's objects that refer to the contents of so many rows.
pub fn plant_objects(world: &EmbeddedWorld, rows: usize) -> anyhow::Result<()> {
    world.databases.plant(|planting| {
        let mut buckets = Vec::new();
        for (name, _) in BUCKETS {
            buckets.push(planting.bucket(name)?);
        }
        for number in 1..=rows {
            let file = of_bytes(Bytes::from(number.to_string()));
            planting.object(&ObjectRow {
                bucket: buckets[number % BUCKETS.len()],
                key: &format!("10.1371/journal.{number:07}"),
                version: 0,
                sha1: &file.sha1,
                size: file.content.length(),
                name: Some(&format!("pone.{number:07}.g001.tif")),
                content_type: Some("image/tiff"),
                status: Status::InUse,
                uuid: &uuid::Uuid::from_u128(number as u128).to_string(),
            })?;
        }
        Ok(())
    })
}

/// Plants a row. Returns its ledger record.
fn plant_row(world: &EmbeddedWorld, number: usize) -> Item {
    let (mogile, bucket) = BUCKETS[number % BUCKETS.len()];
    let fid = Fid(number as u64);
    let file = of_bytes(Bytes::from(number.to_string()));
    let first = number % world.devices.len();
    let second = (first + world.devices.len() / 2) % world.devices.len();
    world.mogile.plant(FileRow {
        fid,
        dmid: world.dmid,
        dkey: Some(format!("{}-{mogile}", file.sha1)),
        length: Some(file.content.length()),
        classid: ClassId(0),
        devids: vec![world.devices[first], world.devices[second]],
    });
    let mut record = claim(fid, &file, bucket);
    prove(&mut record, &file);
    record
}

#[cfg(test)]
mod tests {
    use stand_ins::world::dynamodb::Fields;

    use super::*;

    #[tokio::test]
    async fn every_row_has_a_proven_record_of_its_bucket_and_sha1() {
        let world = EmbeddedWorld::start().await.expect("a world");
        plant_proven(&world, 5).expect("planted");
        let rows = world.mogile.rows_after(Fid(0), 10);
        let records = dynamodb::items(&world.database, LEDGER).expect("a ledger");
        assert_eq!((rows.len(), records.len()), (5, 5));
        for (row, record) in rows.iter().zip(&records) {
            let dkey = row.dkey.as_deref().expect("a key");
            let (sha1, mogile) = dkey.split_once('-').expect("a SHA-1 and a bucket");
            let (_, bucket) = BUCKETS.into_iter().find(|(old, _)| *old == mogile).expect("mapped");
            let record = Fields(record);
            assert_eq!(record.number("fid"), Ok(Some(row.fid.0)));
            for (name, value) in [("sha1", sha1), ("bucket", bucket), ("proof", "put")] {
                assert_eq!(record.text(name), Ok(Some(value)));
            }
        }
    }
}
