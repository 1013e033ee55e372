use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::digest::Sha256;
use crate::journal::{Found, LedgerThen, SealedEntry, TriedReplica};
use crate::{ByteCount, ETag, Proof, S3Bucket, Sha1};

fn replicas() -> impl Strategy<Value = TriedReplica> {
    let found = prop::sample::select(vec![Found::OtherContent, Found::NotThere, Found::NotAsked]);
    let texts = (".{0,40}", ".{0,40}", any::<Option<u64>>());
    (texts, found).prop_map(|((replica, why, device), found)| TriedReplica {
        replica,
        device,
        found,
        why,
    })
}

fn files() -> impl Strategy<Value = AcceptedFile> {
    let ledger = prop::option::of(prop_oneof![
        Just(LedgerThen::NoRecord),
        any::<[u8; 4]>().prop_map(|bytes| LedgerThen::Record(Sha256::of(&bytes))),
    ]);
    let rest = ("[a-z-]{1,12}", prop::option::of("[a-z]{3,9}"), ledger);
    let rest = (rest, prop::collection::vec(replicas(), 0..3));
    (1..9_u64, any::<Option<String>>(), rest).prop_map(
        |(fid, key, ((class, bucket, ledger), replicas))| AcceptedFile {
            fid: Fid(fid),
            key,
            class,
            bucket,
            ledger,
            replicas,
        },
    )
}

/// What an entry says: of domain `ours`, of another one, or of something else.
fn contents() -> impl Strategy<Value = Content> {
    let domains = || prop::sample::select(vec!["ours".to_owned(), "theirs".to_owned()]);
    let accepted = (domains(), ".{0,20}", prop::collection::vec(files(), 0..4))
        .prop_map(|(domain, reason, files)| Content::FilesAccepted { domain, reason, files });
    let ended = (domains(), prop::collection::vec(1..9_u64, 0..3)).prop_map(|(domain, fids)| {
        let fids = fids.into_iter().map(Fid).collect();
        Content::AcceptanceEnded { domain, reason: "back".to_owned(), fids }
    });
    let others = prop::sample::select(vec![
        Content::Note { text: "accepted: all".to_owned() },
        Content::StepDone { step: "cutover-rhino".to_owned() },
        Content::Other,
    ]);
    prop_oneof![accepted, ended, others]
}

fn sealed(contents: &[Content]) -> Vec<String> {
    let mut head = None;
    let mut seal = |content: &Content| {
        let by = ("ann", 7);
        let entry = SealedEntry::new("ledger", head.take(), Timestamp(1), by, content.clone());
        let entry = entry.expect("small");
        head = Some(entry.head());
        entry.line
    };
    contents.iter().map(&mut seal).collect()
}

/// Whether it is about files of the domain `ours`.
fn is_ours(content: &Content) -> bool {
    let (Content::FilesAccepted { domain, .. } | Content::AcceptanceEnded { domain, .. }) = content
    else {
        return false;
    };
    domain == "ours"
}

fn read(lines: &[String]) -> Acceptances {
    let mut read = Acceptances::default();
    for line in lines {
        read.take("ours", Entry::parse(line).expect("an entry"));
    }
    read
}

proptest! {
    #[test]
    fn every_line_gives_back_what_was_written(content in contents()) {
        let line = &sealed(std::slice::from_ref(&content))[0];
        prop_assert_eq!(Entry::parse(line).expect("an entry").content, content);
    }

    /// Each fid is as the last entry of its domain says that names it.
    #[test]
    fn the_last_word_on_each_file_counts(contents in prop::collection::vec(contents(), 0..6)) {
        let read = read(&sealed(&contents));
        for fid in (1..9).map(Fid) {
            let mut last = None;
            for (number, content) in (1_u64..).zip(&contents) {
                if let Content::FilesAccepted { files, .. } = content
                    && is_ours(content)
                {
                    let of_fid = files.iter().rfind(|file| file.fid == fid);
                    last = of_fid.map(|file| (number, file)).or(last);
                }
                if let Content::AcceptanceEnded { fids, .. } = content
                    && is_ours(content)
                {
                    last = last.filter(|_| !fids.contains(&fid));
                }
            }
            let found = read.find(fid).map(|accepted| (accepted.entry, &accepted.file));
            prop_assert_eq!(found, last);
        }
    }

    #[test]
    fn entries_about_something_else_change_nothing(contents in prop::collection::vec(contents(), 0..6)) {
        let alone: Vec<_> = contents.iter().filter(|content| is_ours(content)).cloned().collect();
        let key = |read: Acceptances| read.iter().map(|one| one.file.clone()).collect::<Vec<_>>();
        prop_assert_eq!(key(read(&sealed(&contents))), key(read(&sealed(&alone))));
    }
}

#[test]
fn an_acceptance_is_of_one_key_and_one_class() {
    let file = AcceptedFile {
        fid: Fid(7),
        key: Some("test".to_owned()),
        class: "not-content-addressed".to_owned(),
        bucket: None,
        ledger: None,
        replicas: Vec::new(),
    };
    let accepted =
        Content::FilesAccepted { domain: "ours".into(), reason: "r".into(), files: vec![file] };
    let read = read(&sealed(&[accepted]));
    let buckets = BucketMap::parse("repo:new-repo", "").expect("a map");
    let of = |fid, key, class| match read.of_row(Fid(fid), key, class, &buckets) {
        RowAccepted::No => "no",
        RowAccepted::Yes(_) => "yes",
        RowAccepted::Ended(_) => "ended",
    };
    for (fid, key, class, expected) in [
        (7, Some("test"), "not-content-addressed", "yes"),
        (7, Some("Test"), "not-content-addressed", "ended"),
        (7, Some("test "), "not-content-addressed", "ended"),
        (7, None, "not-content-addressed", "ended"),
        (7, Some("test"), AcceptedFile::MISSING, "ended"),
        (8, Some("test"), "not-content-addressed", "no"),
    ] {
        assert_eq!(of(fid, key, class), expected, "{fid} {key:?} {class}");
    }
}

#[test]
fn a_replica_is_known_by_its_name_or_its_device() {
    let tried = |replica: &str, device| TriedReplica {
        replica: replica.to_owned(),
        device,
        found: Found::NotThere,
        why: String::new(),
    };
    let replicas = vec![tried("http://a/dev3/x", Some(3)), tried("odd", None)];
    let key = Some("k".to_owned());
    let (bucket, ledger) = (Some("new-repo".to_owned()), None);
    let file = AcceptedFile { fid: Fid(1), key, class: "missing".into(), bucket, ledger, replicas };
    let accepted =
        Content::FilesAccepted { domain: "ours".into(), reason: "r".into(), files: vec![file] };
    let read = read(&sealed(&[accepted]));
    let one = read.find(Fid(1)).expect("accepted");
    let known: BTreeSet<_> = [
        ("http://a/dev3/x", None),
        ("the replica on device 3", Some(3)),
        ("odd", None),
        ("http://a/dev4/x", Some(4)),
        ("other", None),
    ]
    .into_iter()
    .filter(|(name, device)| one.has_tried(name, *device))
    .map(|(name, _)| name)
    .collect();
    assert_eq!(known, BTreeSet::from(["http://a/dev3/x", "the replica on device 3", "odd"]));
}

fn lost(ledger: Option<LedgerThen>) -> AcceptedFile {
    AcceptedFile {
        fid: Fid(7),
        key: Some(format!("{}-repo", Sha1::of(b"a"))),
        class: AcceptedFile::MISSING.to_owned(),
        bucket: Some("new-repo".to_owned()),
        ledger,
        replicas: Vec::new(),
    }
}

fn read_of(files: Vec<AcceptedFile>) -> Acceptances {
    read(&sealed(&[Content::FilesAccepted { domain: "ours".into(), reason: "r".into(), files }]))
}

/// The bucket that an entry names, today's `BUCKETS`, and whether the acceptance holds.
#[test]
fn an_acceptance_is_of_one_s3_bucket() {
    for (bucket, buckets, holds) in [
        (Some("new-repo"), "repo:new-repo", true),
        (Some("new-repo"), "repo:new-repo,corpus:new-corpus", true),
        (Some("new-repo"), "repo:other-repo", false),
        (Some("new-repo"), "corpus:new-repo", false),
        // An entry of an earlier version.
        (None, "repo:new-repo", false),
    ] {
        let file = AcceptedFile { bucket: bucket.map(str::to_owned), ..lost(None) };
        let (key, read) = (file.key.clone(), read_of(vec![file]));
        let buckets = BucketMap::parse(buckets, "").expect("a map");
        let of_row = read.of_row(Fid(7), key.as_deref(), AcceptedFile::MISSING, &buckets);
        assert_eq!(of_row.is_accepted(), holds, "{bucket:?} {buckets}");
    }
}

#[test]
fn an_entry_of_an_earlier_version_is_read() {
    let line = r#"{"migration":"ledger","sequence":1,"previous":null,"at":"1970-01-01T00:00:00.001Z","by":"ann","writer":7,"kind":"files-accepted","domain":"ours","reason":"r","files":[{"fid":7,"key":"test","class":"not-content-addressed","replicas":[]}]}"#;
    let read = read(&[line.to_owned()]);
    let buckets = BucketMap::parse("repo:new-repo", "").expect("a map");
    let of_row = read.of_row(Fid(7), Some("test"), "not-content-addressed", &buckets);
    assert!(of_row.is_accepted(), "a key that names no content belongs in no bucket");
}

fn record(in_bucket: &str, content: &[u8], proof: Option<Proof>, at: u64) -> LedgerRecord {
    LedgerRecord {
        fid: Fid(7),
        sha1: Sha1::of(content),
        etag: ETag("e".to_owned()),
        bucket: S3Bucket::new(in_bucket).expect("a name"),
        proof,
        route: None,
        length: Some(ByteCount(1)),
        migrated_at: Some(Timestamp(at)),
    }
}

/// What the ledger had, what it has by now, and whether that ends the acceptance.
#[test]
fn a_proof_that_the_ledger_did_not_have_ends_an_acceptance() {
    let proof = Some(Proof::Put);
    let proven = |at| record("new-repo", b"a", proof, at);
    let none = Some(LedgerThen::NoRecord);
    let then = |record: &LedgerRecord| Some(LedgerThen::of(Some(record)));
    for (what, ledger, now, ends) in [
        ("proven since", none.clone(), proven(5), true),
        ("proven in another bucket since", none.clone(), record("old-repo", b"a", proof, 5), true),
        ("another content since", none.clone(), record("new-repo", b"b", proof, 5), false),
        ("a claim since", none, record("new-repo", b"a", None, 5), false),
        ("as it was", then(&proven(5)), proven(5), false),
        ("proven anew", then(&proven(5)), proven(6), true),
        ("a claim is proven", then(&record("new-repo", b"a", None, 5)), proven(5), true),
        ("not known what it had", None, proven(5), true),
    ] {
        let file = lost(ledger);
        let (key, mut read) = (file.key.clone(), read_of(vec![file]));
        read.end_proven(&[now]);
        let buckets = BucketMap::parse("repo:new-repo", "").expect("a map");
        let of_row = read.of_row(Fid(7), key.as_deref(), AcceptedFile::MISSING, &buckets);
        assert_eq!(of_row.is_accepted(), !ends, "{what}");
        assert_eq!(read.find(Fid(7)).expect("in the journal").is_over(), ends, "{what}");
    }
}
