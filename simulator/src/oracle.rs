//! Judges the end state of a world from the corpus alone. It shares no rule with the migrator: it
//! knows what was planted, and looks.

use std::collections::{BTreeMap, BTreeSet};

use dynoxide::AttributeValue;
use serde::Serialize;
use sha1::{Digest, Sha1};

use crate::embedded::{BUCKETS, EmbeddedWorld, LEDGER};
use crate::planting::{Expected, Planted};
use crate::wire::dynamodb;
use crate::world::bucket::Object;
use crate::world::mogile::{Fid, FileRow};

/// What the oracle saw.
#[derive(Debug, Default, Serialize)]
pub struct Judgement {
    /// Files that are whole at their final key, by their own bytes.
    pub whole: usize,
    /// How many bytes those have.
    pub bytes: u64,
    /// All that is not as it should be. Empty is content.
    pub problems: Vec<String>,
}

impl Judgement {
    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_content(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Reads every row of MogileFS, to compare with after the migration.
#[must_use]
pub fn rows(world: &EmbeddedWorld) -> Vec<FileRow> {
    world.mogile.rows_after(Fid(0), usize::MAX)
}

/// Judges buckets, ledger and MogileFS.
#[must_use]
pub fn judge(world: &EmbeddedWorld, planted: &Planted, rows_before: &[FileRow]) -> Judgement {
    let mut judgement = Judgement::default();
    for (_, bucket) in BUCKETS {
        match world.s3.objects(bucket) {
            Ok(objects) => judge_bucket(bucket, &objects, planted, &mut judgement),
            Err(error) => judgement.problems.push(format!("bucket `{bucket}`: {error}")),
        }
        // One without parts holds nothing: the answer to its beginning was lost, and nobody knows
        // its id. Buckets have a rule that takes such ones away.
        let uploads = world.s3.uploads(bucket).unwrap_or_default();
        let uploads = uploads.values().filter(|upload| !upload.parts.is_empty()).count();
        if uploads > 0 {
            judgement.problems.push(format!("bucket `{bucket}`: {uploads} uploads left half done"));
        }
    }
    match dynamodb::items(&world.database, LEDGER) {
        Ok(items) => judge_ledger(&items, planted, &mut judgement.problems),
        Err(error) => judgement.problems.push(format!("ledger: {error}")),
    }
    if rows(world) != rows_before {
        judgement.problems.push("MogileFS has other rows than before".to_owned());
    }
    judgement
}

fn judge_bucket(
    bucket: &str,
    objects: &BTreeMap<String, Object>,
    planted: &Planted,
    judgement: &mut Judgement,
) {
    let expected: BTreeMap<_, _> = planted
        .expected
        .iter()
        .filter(|expected| expected.bucket == bucket)
        .map(|expected| (expected.file.sha1.as_str(), expected))
        .collect();
    for (sha1, expected) in &expected {
        match objects.get(*sha1) {
            Some(object) if sha1_of(object) == *sha1 => {
                judgement.whole += 1;
                judgement.bytes += expected.file.content.length();
            }
            Some(_) => judgement.problems.push(format!("fid {}: wrong content", expected.fid)),
            None => judgement.problems.push(format!("fid {}: not in S3", expected.fid)),
        }
    }
    for (key, object) in objects.iter().filter(|(key, _)| !expected.contains_key(key.as_str())) {
        let planted =
            planted.intermediaries.iter().find(|((of, at), _)| *of == bucket && at == key);
        match planted {
            Some((_, content)) if content.bytes() == object.content.bytes() => {}
            Some(_) => judgement.problems.push(format!("`{bucket}/{key}` was changed")),
            None => judgement.problems.push(format!("`{bucket}/{key}` should not be there")),
        }
    }
}

fn sha1_of(object: &Object) -> String {
    data_encoding::HEXLOWER.encode(&Sha1::digest(object.content.bytes()))
}

fn judge_ledger(
    items: &[BTreeMap<String, AttributeValue>],
    planted: &Planted,
    problems: &mut Vec<String>,
) {
    let expected: BTreeMap<_, _> =
        planted.expected.iter().map(|expected| (expected.fid.to_string(), expected)).collect();
    let mut seen = BTreeSet::new();
    for item in items {
        let text = |name: &str| match item.get(name) {
            Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.as_str(),
            _ => "",
        };
        let fid = text("fid");
        match expected.get(fid) {
            None => problems.push(format!("ledger: fid {fid} should have no record")),
            Some(expected) if !is_record_of(expected, &text) => {
                problems.push(format!("ledger: fid {fid} has a wrong record: {item:?}"));
            }
            Some(_) => {}
        }
        seen.insert(fid.to_owned());
    }
    problems.extend(
        expected
            .keys()
            .filter(|fid| !seen.contains(*fid))
            .map(|fid| format!("ledger: fid {fid} has no record")),
    );
}

fn is_record_of<'a>(expected: &Expected, text: &impl Fn(&str) -> &'a str) -> bool {
    text("sha1") == expected.file.sha1
        && text("md5") == expected.file.md5
        && text("bucket") == expected.bucket
        && text("length") == expected.file.content.length().to_string()
        && !text("proof").is_empty()
}
