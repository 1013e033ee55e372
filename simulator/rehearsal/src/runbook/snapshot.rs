//! How a world is at the end of a story, in lines that do not depend on what the world is made of: two worlds of the
//! same seed must have the same lines.

use std::collections::BTreeSet;

use oracle::state::{EndState, Value};
use sha1::{Digest, Sha1};
use stand_ins::world::databases::{Database, Kind};

use super::people::INGESTED;
use crate::site::Site;

/// Attributes of the ledger that are times.
const TIMES: [&str; 1] = ["migrated_at"];

/// The random objects of `smoke`, which differ by their names alone.
const SMOKE: &str = "mogile2s3-smoke-";

/// Lines about the buckets, the ledger, MogileFS's rows, both databases and the check-list.
pub(super) async fn snapshot(
    world: &dyn Site,
    found: &EndState,
    check_list: &str,
) -> anyhow::Result<BTreeSet<String>> {
    let mut lines = BTreeSet::new();
    lines.extend(objects(found));
    lines.extend(ledger(found));
    for (fid, row) in &found.mogile.rows {
        let (key, length) = (row.key.as_deref().unwrap_or("NULL"), row.length);
        let (domain, class) = (row.domain, row.class);
        lines.insert(format!("file {fid}: domain {domain}, {key}, {length:?}, class {class}"));
    }
    for database in Database::ALL {
        lines.extend(rows(world, database).await?);
    }
    let indexes = world.rhino_indexes().await?;
    lines.extend(indexes.iter().filter_map(|row| row.first()).map(|it| format!("index {it}")));
    let steps = check_list.lines().filter(|line| line.trim_start().starts_with(char::is_numeric));
    lines.extend(steps.filter_map(|line| line.split("  entry").next()).map(str::to_owned));
    Ok(lines)
}

fn objects(found: &EndState) -> impl Iterator<Item = String> {
    let objects = found.buckets.iter().flat_map(|(name, bucket)| {
        bucket.iter().flat_map(move |it| it.objects.iter().map(move |object| (name, object)))
    });
    objects.map(|(bucket, (key, object))| {
        let (content, headers) = (&object.content, &object.headers);
        let sha1 = data_encoding::HEXLOWER.encode(&Sha1::digest(content));
        let (length, etag) = (content.len(), &object.etag);
        format!("object {bucket}/{key}: {length} bytes, SHA-1 {sha1}, ETag {etag}, {headers:?}")
    })
}

fn ledger(found: &EndState) -> impl Iterator<Item = String> {
    found.ledger.iter().flatten().map(|item| {
        let fields = item.iter().filter(|(name, _)| !TIMES.contains(&name.as_str()));
        let fields = fields.map(|(name, value)| match value {
            Value::Text(text) | Value::Number(text) | Value::Other(text) => {
                format!("{name} {text}")
            }
        });
        format!("record {}", fields.collect::<Vec<_>>().join(", "))
    })
}

/// Every row of a database, without the columns that are times.
async fn rows(world: &dyn Site, database: Database) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    // What `smoke` and each start of contentrepo leave there is a log.
    let tables =
        database.tables().iter().filter(|it| !["audit", "CREPO_SCHEMA_INFO"].contains(&it.name));
    for table in tables {
        let columns = table.columns.iter().filter(|column| column.kind != Kind::Timestamp);
        let columns: Vec<_> = columns.map(|column| column.name).collect();
        let sql = format!("SELECT {} FROM {}", columns.join(", "), table.name);
        let rows = world.texts(database, &sql).await?.into_iter();
        let rows = rows.filter(|row| !row.iter().any(|value| value.starts_with(SMOKE)));
        let rows = rows.map(|row| without_drawn_uuids(&row));
        lines.extend(rows.map(|row| format!("{}: {}", table.name, row.join(", "))));
    }
    Ok(lines)
}

/// contentrepo draws the uuids of what it ingests.
fn without_drawn_uuids(row: &[String]) -> Vec<String> {
    let is_ingested = row.iter().any(|value| value.starts_with(INGESTED));
    let is_drawn = |value: &str| is_ingested && uuid::Uuid::try_parse(value).is_ok();
    row.iter().map(|it| if is_drawn(it) { "a uuid".to_owned() } else { it.clone() }).collect()
}
