//! The reports of `audit accept`.

use domain::accept::{Accepting, Ending, RefusalKind, RefusedFile};
use domain::journal::{AcceptedFile, Content, Entry, Found, LedgerThen, TriedReplica};
use domain::{Acceptances, Fid, Timestamp};
use serde_json::{Value, json};

use super::reports::stopped;
use crate::report::accept::{AcceptReport, AcceptedReport, EndReport};

fn files() -> Vec<AcceptedFile> {
    let replica = TriedReplica {
        replica: "http://10.0.0.7:7500/dev1/0/000/000/0000000007.fid".to_owned(),
        device: Some(1),
        found: Found::NotThere,
        why: "404".to_owned(),
    };
    let nameless = TriedReplica { device: None, ..replica.clone() };
    let (key, class) = (Some("key".to_owned()), AcceptedFile::MISSING.to_owned());
    let (bucket, ledger) = (Some("new-repo".to_owned()), Some(LedgerThen::NoRecord));
    let replicas = vec![replica, nameless];
    let file = AcceptedFile { fid: Fid(7), key, class, bucket, ledger, replicas };
    let digest = domain::digest::Sha256::of(b"record");
    let recorded =
        AcceptedFile { fid: Fid(9), ledger: Some(LedgerThen::Record(digest)), ..file.clone() };
    let of_nothing =
        AcceptedFile { fid: Fid(8), key: None, bucket: None, ledger: None, ..file.clone() };
    vec![file, recorded, of_nothing]
}

fn refused() -> Vec<RefusedFile> {
    vec![RefusedFile { fid: Fid(7), kind: RefusalKind::GoodReplica, why: "good".to_owned() }]
}

pub(super) fn reports() -> Vec<Value> {
    [accept(), end(), list()].concat()
}

fn accept() -> Vec<Value> {
    let full = Accepting {
        domain: "domain".to_owned(),
        named: 4,
        files: files(),
        accepted_before: vec![Fid(9)],
        refused: refused(),
        not_looked_at: 1,
        entries: vec![1],
        stopped: stopped(),
    };
    let report = |accepting| json!(AcceptReport::new(accepting, "lost".to_owned(), true));
    [full, Accepting::default()].map(report).into()
}

fn end() -> Vec<Value> {
    let full = Ending { ended: vec![Fid(7)], refused: refused(), entries: vec![1] };
    [full, Ending::default()].map(|ending| json!(EndReport::new(ending, true))).into()
}

fn list() -> Vec<Value> {
    let entry = Entry {
        migration: "ledger".to_owned(),
        sequence: 1,
        previous: None,
        at: Timestamp(1),
        by: "ann".to_owned(),
        writer: 1,
        content: Content::FilesAccepted {
            domain: "domain".to_owned(),
            reason: "lost".to_owned(),
            files: files(),
        },
    };
    let mut accepted = Acceptances::default();
    accepted.take("domain", entry);
    let report = |accepted: &Acceptances| json!(AcceptedReport::new("domain", accepted));
    vec![report(&accepted), report(&Acceptances::default())]
}
