//! What the ledger must have.

use std::collections::BTreeMap;

use dynoxide::AttributeValue;

use super::buckets::is_whole;
use crate::hazard::Outcome;
use crate::planting::{Expected, Item, Planted};
use stand_ins::embedded::{EmbeddedWorld, LEDGER};
use stand_ins::wire::dynamodb;
use stand_ins::world::bucket::Condition;

/// The ways to prove a content, by their names in the ledger.
const PROOFS: [&str; 5] = ["put", "copy", "head", "download", "multipart"];

/// Every proven file has its record, no other file has one that it did not have before.
pub(super) fn judge(
    world: &EmbeddedWorld,
    items: Vec<Item>,
    planted: &Planted,
    problems: &mut Vec<String>,
) {
    let mut items: BTreeMap<u64, Item> =
        items.into_iter().map(|item| (fid_of(&item), item)).collect();
    for expected in &planted.expected {
        let (fid, outcome) = (expected.fid, expected.outcome());
        let item = items.remove(&fid);
        let before = planted.records.get(&fid);
        match item {
            Some(item) if outcome == Outcome::ProvenBefore => {
                if before != Some(&item) {
                    problems.push(format!("ledger: the proof of fid {fid} was written again"));
                }
            }
            Some(item) if outcome.is_proven() => {
                if !is_record_of(world, expected, &item) {
                    problems.push(format!("ledger: fid {fid} has a wrong record: {item:?}"));
                }
            }
            None if outcome.is_proven() => {
                problems.push(format!("ledger: fid {fid} has no record"));
            }
            item if item.as_ref() != before => {
                problems.push(format!("ledger: fid {fid} should have no record"));
            }
            Some(_) | None => {}
        }
    }
    // Of files that MogileFS has no longer.
    let strays = &planted.records;
    let expected: Vec<u64> = planted.expected.iter().map(|expected| expected.fid).collect();
    for (fid, before) in strays.iter().filter(|(fid, _)| expected.binary_search(fid).is_err()) {
        if items.remove(fid).as_ref() != Some(before) {
            problems.push(format!("ledger: the record of fid {fid}, a stray, was touched"));
        }
    }
    let strangers = items.keys().map(|fid| format!("ledger: fid {fid} should have no record"));
    problems.extend(strangers);
}

/// The files whose records tell another way than the one that was to be gone. Where more is struck
/// than was planted, other ways are as good.
#[must_use]
pub fn misrouted(world: &EmbeddedWorld, planted: &Planted) -> Vec<String> {
    let items = dynamodb::items(&world.database, LEDGER).unwrap_or_default();
    let items: BTreeMap<u64, Item> = items.into_iter().map(|item| (fid_of(&item), item)).collect();
    let mut problems = Vec::new();
    for expected in &planted.expected {
        let route = match expected.outcome() {
            Outcome::ByCopy => "copy",
            Outcome::FromMogile => "mogile",
            Outcome::AlreadyThere => "",
            Outcome::ProvenBefore
            | Outcome::Failed { .. }
            | Outcome::Rejected(_)
            | Outcome::Gone => continue,
        };
        let told = items.get(&expected.fid).map(|item| text(item, "route"));
        if let Some(told) = told.filter(|told| *told != route) {
            let fid = expected.fid;
            problems.push(format!("ledger: fid {fid} has route `{told}`, planted was `{route}`"));
        }
    }
    problems
}

/// `md5` is the object's ETag, verbatim: a former tool's verification compares the two. Of an object
/// that is wrong the record says nothing; that is told as the object's.
fn is_record_of(world: &EmbeddedWorld, expected: &Expected, item: &Item) -> bool {
    let object = world.s3.get(expected.bucket, &expected.file.sha1, &Condition::None);
    let object = object.ok().filter(|object| is_whole(expected, object));
    let is_its_etag = object.is_none_or(|object| object.etag == text(item, "md5"));
    text(item, "sha1") == expected.file.sha1
        && is_its_etag
        && text(item, "bucket") == expected.bucket
        && text(item, "length") == expected.file.content.length().to_string()
        && PROOFS.contains(&text(item, "proof"))
}

fn fid_of(item: &Item) -> u64 {
    text(item, "fid").parse().unwrap_or_default()
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    match item.get(name) {
        Some(AttributeValue::S(text) | AttributeValue::N(text)) => text,
        _ => "",
    }
}
