//! What the ledger must have.

use std::collections::BTreeMap;

use crate::buckets::is_whole;
use crate::expected::{Expectation, ExpectedFile, Outcome};
use crate::state::{EndState, Item, Value};

/// The ways to prove a content, by their names in the ledger.
const PROOFS: [&str; 5] = ["put", "copy", "head", "download", "multipart"];

/// Every proven file has its record, no other file has one that it did not have before.
pub(super) fn judge(
    items: &[Item],
    expectation: &Expectation,
    found: &EndState,
    problems: &mut Vec<String>,
) {
    let mut items = by_fid(items);
    for expected in &expectation.files {
        let (fid, outcome) = (expected.fid, expected.outcome);
        let item = items.remove(&fid);
        let before = expectation.records.get(&fid);
        match item {
            Some(item) if outcome == Outcome::ProvenBefore => {
                if before != Some(item) {
                    problems.push(format!("ledger: the proof of fid {fid} was written again"));
                }
            }
            Some(item) if outcome.is_proven() => {
                if !is_record_of(found, expected, item) {
                    problems.push(format!("ledger: fid {fid} has a wrong record: {item:?}"));
                }
            }
            None if outcome.is_proven() => {
                problems.push(format!("ledger: fid {fid} has no record"));
            }
            item if item != before => {
                problems.push(format!("ledger: fid {fid} should have no record"));
            }
            Some(_) | None => {}
        }
    }
    // Of files that MogileFS has no longer.
    let strays = &expectation.records;
    let expected: Vec<u64> = expectation.files.iter().map(|expected| expected.fid).collect();
    for (fid, before) in strays.iter().filter(|(fid, _)| expected.binary_search(fid).is_err()) {
        if items.remove(fid) != Some(before) {
            problems.push(format!("ledger: the record of fid {fid}, a stray, was touched"));
        }
    }
    let strangers = items.keys().map(|fid| format!("ledger: fid {fid} should have no record"));
    problems.extend(strangers);
}

/// The files whose records tell another way than the one that was to be gone. Where more is struck
/// than was planted, other ways are as good.
#[must_use]
pub fn misrouted(expectation: &Expectation, items: &[Item]) -> Vec<String> {
    let items = by_fid(items);
    let mut problems = Vec::new();
    for expected in &expectation.files {
        let route = match expected.outcome {
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
fn is_record_of(found: &EndState, expected: &ExpectedFile, item: &Item) -> bool {
    let bucket = found.buckets.get(&expected.bucket).and_then(|bucket| bucket.as_ref().ok());
    let object = bucket.and_then(|bucket| bucket.objects.get(&expected.sha1));
    let object = object.filter(|object| is_whole(expected, object));
    let is_its_etag = object.is_none_or(|object| object.etag == text(item, "md5"));
    text(item, "sha1") == expected.sha1
        && is_its_etag
        && text(item, "bucket") == expected.bucket
        && text(item, "length") == expected.length.to_string()
        && PROOFS.contains(&text(item, "proof"))
}

fn by_fid(items: &[Item]) -> BTreeMap<u64, &Item> {
    items.iter().map(|item| (fid_of(item), item)).collect()
}

fn fid_of(item: &Item) -> u64 {
    text(item, "fid").parse().unwrap_or_default()
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    match item.get(name) {
        Some(Value::Text(text) | Value::Number(text)) => text,
        Some(Value::Other(_)) | None => "",
    }
}
