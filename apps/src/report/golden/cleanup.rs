//! The reports of `tmp` and `rekey`.

use domain::cleanup::{
    Deletion, KeyScan, Listing, OnlyCopy, ReadReplica, ReferringRow, RekeyOutcome, Rekeying,
    WrongKey,
};
use domain::{ByteCount, Fid, Sha1, Timestamp};
use serde_json::{Value, json};

use super::reports::{sample, stopped, tally};
use crate::report::rekey::{RekeyReport, ScanReport};
use crate::report::tmp;

pub(super) fn reports() -> [(&'static str, Vec<Value>); 4] {
    [
        ("tmp list", tmp_list()),
        ("tmp delete", tmp_delete()),
        ("rekey", rekey()),
        ("rekey scan", rekey_scan()),
    ]
}

fn tmp_list() -> Vec<Value> {
    let full = Listing {
        rows: 1,
        temporary: tally(),
        alike: sample(),
        unreadable: sample(),
        entries: 1,
        due: Some(Timestamp(1)),
        stopped: stopped(),
    };
    [full, Listing::default()].map(|listing| json!(tmp::ListReport::new(listing))).into()
}

fn tmp_delete() -> Vec<Value> {
    let copy = OnlyCopy {
        fid: Fid(7),
        key: "key".to_owned(),
        sha1: Sha1::of(b"content"),
        length: ByteCount(1),
        belongs_at: vec!["key".to_owned()],
        taken: vec!["key".to_owned()],
    };
    let full = Deletion {
        temporary: tally(),
        deleted: tally(),
        deletable: tally(),
        due: Some(Timestamp(1)),
        only_copies: vec![copy],
        undecided: sample(),
        unreadable: sample(),
        unsure: sample(),
        alike: sample(),
        unreadable_rows: sample(),
        contentrepo_failed: Some("refused".to_owned()),
        stopped: stopped(),
        ..Deletion::default()
    };
    let report = |deletion| json!(tmp::DeleteReport::new(deletion, "domain", true, true));
    [full, Deletion::default()].map(report).into()
}

fn rekey() -> Vec<Value> {
    let replica = ReadReplica {
        replica: "http://10.0.0.7:7500/dev1/0/000/000/0000000007.fid".to_owned(),
        sha1: Some(Sha1::of(b"content")),
        length: Some(ByteCount(1)),
        error: None,
    };
    let lost =
        ReadReplica { sha1: None, length: None, error: Some("404".into()), ..replica.clone() };
    let row = ReferringRow {
        id: "7".to_owned(),
        key: "key".to_owned(),
        uuid: "uuid".to_owned(),
        checksum: "checksum".to_owned(),
        bucket: Some("repo".to_owned()),
        status: "in use",
    };
    let full = Rekeying {
        fid: Fid(7),
        domain: "domain".to_owned(),
        from: "key".to_owned(),
        to: Some("key".to_owned()),
        sha1: Some(Sha1::of(b"content")),
        length: Some(ByteCount(1)),
        replicas: vec![replica, lost],
        referring: vec![ReferringRow { bucket: None, ..row.clone() }, row],
        referring_rows: 2,
        outcome: RekeyOutcome::CanBeChanged,
        why: "in words".to_owned(),
        stopped: stopped(),
    };
    let empty = Rekeying {
        to: None,
        sha1: None,
        length: None,
        replicas: Vec::new(),
        referring: Vec::new(),
        outcome: RekeyOutcome::NoRow,
        stopped: None,
        ..full.clone()
    };
    let report = |rekeying, ended| json!(RekeyReport::new(rekeying).with_ended_freeze(ended));
    vec![report(full, Some(1)), report(empty, None)]
}

fn rekey_scan() -> Vec<Value> {
    let wrong = WrongKey {
        fid: Fid(7),
        key: "key".to_owned(),
        sha1: Sha1::of(b"content"),
        length: ByteCount(1),
    };
    let full = KeyScan {
        candidates: 1,
        wrong_keys: vec![wrong],
        differing: sample(),
        unproven: sample(),
        more_dead_letters: Some(true),
        stopped: stopped(),
        ..KeyScan::default()
    };
    [full, KeyScan::default()].map(|scan| json!(ScanReport::new(scan))).into()
}
