use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::journal::{Found, SealedEntry, TriedReplica};

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
    let rest = ("[a-z-]{1,12}", prop::collection::vec(replicas(), 0..3));
    (1..9_u64, any::<Option<String>>(), rest).prop_map(|(fid, key, (class, replicas))| {
        AcceptedFile { fid: Fid(fid), key, class, replicas }
    })
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
        replicas: Vec::new(),
    };
    let accepted =
        Content::FilesAccepted { domain: "ours".into(), reason: "r".into(), files: vec![file] };
    let read = read(&sealed(&[accepted]));
    let of = |fid, key, class| match read.of_row(Fid(fid), key, class) {
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
    let file = AcceptedFile { fid: Fid(1), key, class: "missing".into(), replicas };
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
