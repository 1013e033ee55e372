//! Judges the ledger's records.

use std::collections::BTreeMap;

use crate::buckets::is_whole;
use crate::expected::{Expectation, ExpectedFile, Outcome};
use crate::state::{EndState, Item, Value};

/// The values that the attribute `proof` of a ledger record may have.
const PROOFS: [&str; 5] = ["put", "copy", "head", "download", "multipart"];

/// Every proven file must have its record. No other file may have a record that it did not have
/// before the run.
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
    // Records of files that are no longer in MogileFS must stay as they were.
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

/// Returns a problem for each record whose `route` differs from the planted one. Ask only in a run
/// without faults beyond the planted ones: under other faults another route is correct too.
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

/// `md5` must be the object's ETag, verbatim: the verification of s3migrate compares the two. Where
/// the object itself is missing or wrong the ETag is not compared, since the bucket's judgement
/// reports that object.
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
