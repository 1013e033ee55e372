//! Judges one bucket: every expected object must be in it, and no other object may be.

use std::collections::BTreeMap;

use sha1::{Digest, Sha1};

use super::Judgement;
use crate::expected::{Expectation, ExpectedFile, Left, Outcome};
use crate::state::Object;

/// Judges every final key of the expected files, then every other object of the bucket.
pub(super) fn judge(
    bucket: &str,
    objects: &BTreeMap<String, Object>,
    expectation: &Expectation,
    judgement: &mut Judgement,
) {
    let mut left: BTreeMap<&str, &Object> =
        objects.iter().map(|(key, object)| (key.as_str(), object)).collect();
    for expected in expectation.files.iter().filter(|expected| expected.bucket == bucket) {
        let object = left.remove(expected.sha1.as_str());
        let before = expectation.objects.get(&(bucket.to_owned(), expected.sha1.clone()));
        let wrong = match expected.outcome {
            Outcome::ByCopy | Outcome::FromMogile => {
                let wrong = whole(expected, object, judgement).map(str::to_owned);
                wrong.or_else(|| other_headers(expected, object))
            }
            Outcome::AlreadyThere | Outcome::ProvenBefore => {
                let wrong = whole(expected, object, judgement).or_else(|| touched(before, object));
                wrong.map(str::to_owned)
            }
            Outcome::Failed { left: Left::Nothing, .. } | Outcome::Rejected(_) | Outcome::Gone => {
                object.map(|_| "something is at its key".to_owned())
            }
            Outcome::Failed { left: Left::Theirs, .. } => {
                touched(before, object).map(str::to_owned)
            }
        };
        if let Some(wrong) = wrong {
            let (fid, sha1) = (expected.fid, &expected.sha1);
            judgement.problems.push(format!("fid {fid}: {wrong} (`{bucket}/{sha1}`)"));
        }
    }
    let is_of_file = |key: &String| {
        expectation.files.iter().any(|file| file.bucket == bucket && file.sha1 == *key)
    };
    // Written by contentrepo behind the cut-over: no row of MogileFS has it.
    let clients =
        expectation.objects.iter().filter(|((of, key), _)| of == bucket && !is_of_file(key));
    for ((_, key), object) in clients {
        if let Some(wrong) = touched(Some(object), left.remove(key.as_str())) {
            judgement.problems.push(format!("`{bucket}/{key}`: {wrong}"));
        }
    }
    let raw = expectation.intermediaries.iter().filter(|((of, _), _)| of == bucket);
    for ((_, key), content) in raw {
        let wrong = match left.remove(key.as_str()) {
            Some(object) if object.content == *content => continue,
            Some(object) if expectation.is_synced(bucket, key, object) => continue,
            Some(_) => "was changed",
            None => "was taken away",
        };
        judgement.problems.push(format!("intermediary `{bucket}/{key}` {wrong}"));
    }
    left.retain(|key, object| !expectation.is_synced(bucket, key, object));
    let strangers = left.keys().map(|key| format!("`{bucket}/{key}` should not be there"));
    judgement.problems.extend(strangers);
}

/// Whether the SHA-1 of the object's bytes is the file's.
pub(super) fn is_whole(expected: &ExpectedFile, object: &Object) -> bool {
    let sha1 = data_encoding::HEXLOWER.encode(&Sha1::digest(&object.content));
    sha1 == expected.sha1
}

/// Counts the file as expected, and as whole if it is. Returns the problem if it is not.
fn whole(
    expected: &ExpectedFile,
    object: Option<&Object>,
    judgement: &mut Judgement,
) -> Option<&'static str> {
    judgement.expected += 1;
    let Some(object) = object else { return Some("it is not in S3") };
    if !is_whole(expected, object) {
        return Some("wrong content is at its key");
    }
    judgement.whole += 1;
    judgement.bytes += object.content.len() as u64;
    None
}

/// An object that was written must have its file's type and name. Where there is no type it may have
/// one that says nothing: its intermediary's, which a copy keeps.
fn other_headers(expected: &ExpectedFile, object: Option<&Object>) -> Option<String> {
    let (wanted, found) = (&expected.headers, &object?.headers);
    let differs = |what: &str, wanted: &Option<String>, found: &Option<String>| {
        let said = |of: &Option<String>| of.clone().unwrap_or_else(|| "none".to_owned());
        let words = || format!("its {what} is {}, and not {}", said(found), said(wanted));
        (wanted != found).then(words)
    };
    let is_any = |of: &&String| of.as_str() == "application/octet-stream";
    let of_content = |of: &Option<String>| of.as_ref().filter(|of| !is_any(of)).cloned();
    let (kind, found_kind) = (of_content(&wanted.content_type), of_content(&found.content_type));
    differs("content type", &kind, &found_kind)
        .or_else(|| differs("disposition", &wanted.disposition, &found.disposition))
}

/// An object that was at the key before the run must still be there, unchanged.
fn touched(before: Option<&Object>, now: Option<&Object>) -> Option<&'static str> {
    // Where the expectation holds no earlier object for this key, there is nothing to compare with.
    let before = before?;
    match now {
        Some(now) if now == before => None,
        Some(_) => Some("what lay at its key was replaced"),
        None => Some("what lay at its key was taken away"),
    }
}
