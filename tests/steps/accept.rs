//! Files accepted by name: what is evidence, what is refused, and what ends an acceptance.

mod ended;
mod later;
mod stage;

use domain::accept::{AcceptMode, RefusalKind, accept_files, end_acceptances};
use domain::journal::{Content, Found, TriedReplica};
use domain::ports::RowId;
use domain::runbook::Decisions;
use domain::store_state::{ClientState, Freeze, StoreState};
use domain::{Fid, Sha1, Stopped};
use stand_ins::port::{Call, PortFault};
use stand_ins::world::mogile::{self, DeviceStatus};

use self::stage::{DOMAIN, FID, Stage, key, sha1};
use crate::common::content;

type Change = fn(&Stage);

/// What is done to a lost file, and why it is not accepted then; it is where that is [`None`].
const CASES: &[(&str, Change, Option<RefusalKind>)] = &[
    ("all replicas are gone", |_| (), None),
    ("one has other content", |it| it.put_replica(it.devices()[0], content(9, 10)), None),
    ("one is cut short", |it| it.put_replica(it.devices()[0], content(FID, 9)), None),
    ("the index has no replica", |it| it.change_row(|row| row.devids.clear()), None),
    (
        "one is good",
        |it| it.put_replica(it.devices()[1], content(FID, 10)),
        Some(RefusalKind::GoodReplica),
    ),
    (
        "one is good, and the index has another length",
        |it| {
            it.put_replica(it.devices()[1], content(FID, 10));
            it.change_row(|row| row.length = Some(99));
        },
        Some(RefusalKind::GoodReplica),
    ),
    (
        "a storage node does not answer",
        |it| it.silence(it.devices()[1]),
        Some(RefusalKind::ReplicaNotAsked),
    ),
    (
        "a device is down, and the trackers name only the others",
        |it| {
            it.put_replica(it.devices()[1], content(9, 10));
            it.world.port.mogile.set_device_status(it.devices()[0], DeviceStatus::Down);
        },
        Some(RefusalKind::ReplicaNotAsked),
    ),
    ("the ledger proves it", Stage::prove, Some(RefusalKind::Proven)),
    ("the ledger proves it, and a verification doubts that", |it| (it.prove(), it.doubt()).0, None),
    (
        "the ledger proves it, and its failure record cannot be read",
        |it| (it.prove(), it.unreadable_failure()).0,
        None,
    ),
    (
        "its object is in the bucket",
        |it| it.world.plant(&sha1(), &content(FID, 10)),
        Some(RefusalKind::ContentInS3),
    ),
    (
        "another object is in its place",
        |it| it.world.plant(&sha1(), &content(9, 10)),
        Some(RefusalKind::WrongObject),
    ),
    (
        "its intermediary is in the bucket",
        |it| it.world.plant(&"0/000/000/0000000007.fid", &content(FID, 10)),
        Some(RefusalKind::ContentInS3),
    ),
    (
        "its intermediary with a slash is in the bucket",
        |it| it.world.plant(&"/0/000/000/0000000007.fid", &content(FID, 10)),
        Some(RefusalKind::ContentInS3),
    ),
    ("its intermediary is wrong", |it| it.world.plant(&"0/000/000/0000000007.fid", b"no"), None),
    ("its row has no key", |it| it.change_row(|row| row.dkey = None), None),
    ("its row has no length", |it| it.change_row(|row| row.length = None), None),
    (
        "its row has no length, and a replica is good",
        |it| {
            it.put_replica(it.devices()[0], content(FID, 10));
            it.change_row(|row| row.length = None);
        },
        Some(RefusalKind::GoodWithoutLength),
    ),
    (
        "its key names no content, whatever its replicas give",
        |it| {
            it.change_row(|row| row.dkey = Some("test".to_owned()));
            it.put_replica(it.devices()[0], content(FID, 10));
            it.silence(it.devices()[1]);
        },
        None,
    ),
    (
        "its bucket is not mapped",
        |it| it.change_row(|row| row.dkey = Some(format!("{}-stray", sha1()))),
        Some(RefusalKind::UnmappedBucket),
    ),
    (
        "its bucket is ignored",
        |it| it.change_row(|row| row.dkey = Some(format!("{}-trash", sha1()))),
        Some(RefusalKind::BlocksNothing),
    ),
    (
        "it is an unfinished upload",
        |it| {
            let key = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6.tmp".to_owned();
            it.change_row(|row| row.dkey = Some(key));
        },
        Some(RefusalKind::BlocksNothing),
    ),
    (
        "it has no row",
        |it| drop(it.world.port.mogile.drop_row(mogile::Fid(FID))),
        Some(RefusalKind::NoRow),
    ),
    (
        "the trackers do not know it",
        |it| it.world.port.mogile.hide_from_lookups(mogile::Fid(FID)),
        Some(RefusalKind::KeyUnknown),
    ),
];

#[test]
fn a_file_is_accepted_where_everything_was_tried_and_nothing_has_it() {
    for (name, change, refusal) in CASES {
        let stage = Stage::lost();
        // A domain with only rows that are no files would be a wrong setting.
        stage.store(1, &format!("{}-repo", Sha1::of(&content(1, 10))));
        change(&stage);
        let accepting = stage.accept(&[FID]);
        assert!(accepting.adds_up() && accepting.stopped.is_none(), "{name}: {accepting:?}");
        let refused: Vec<_> = accepting.refused.iter().map(|refused| refused.kind).collect();
        assert_eq!(refused, refusal.iter().copied().collect::<Vec<_>>(), "{name}: {accepting:?}");
        assert_eq!(stage.accepted().len(), usize::from(refusal.is_none()), "{name}");
        assert_eq!(accepting.entries.len(), usize::from(refusal.is_none()), "{name}");
    }
}

#[test]
fn the_journal_has_every_replica_with_what_came_of_it() {
    let stage = Stage::lost();
    let [first, second] = [stage.devices()[0], stage.devices()[1]];
    stage.put_replica(first, content(9, 10));
    assert_eq!(stage.accept(&[FID]).entries, [1]);
    let accepted = stage.accepted();
    let one = accepted.find(Fid(FID)).expect("accepted");
    let file = &one.file;
    assert_eq!((&file.key, &*file.class), (&Some(key()), "missing"));
    assert_eq!((&*one.reason, &*one.by, one.entry), ("disks died in 2014", "ann", 1));
    let tried = |it: &TriedReplica| (it.device, it.found);
    let devices = [first, second].map(|device| Some(u64::from(device.0)));
    assert_eq!(
        file.replicas.iter().map(tried).collect::<Vec<_>>(),
        [(devices[0], Found::OtherContent), (devices[1], Found::NotThere)]
    );
    assert!(file.replicas[0].why.contains(&Sha1::of(&content(9, 10)).to_string()));
    assert!(file.replicas[1].why.contains("404"), "{file:?}");
}

#[test]
fn what_could_not_be_asked_is_accepted_by_a_flag_and_the_journal_says_so() {
    let stage = Stage::lost();
    stage.silence(stage.devices()[1]);
    let accepting = stage.try_to_accept(&[FID], true).expect("a journal");
    assert_eq!(accepting.entries, [1]);
    let replicas = &stage.accepted().find(Fid(FID)).expect("accepted").file.replicas.clone();
    assert!(replicas.iter().any(|replica| replica.found == Found::NotAsked), "{replicas:?}");
}

#[test]
fn all_are_accepted_or_none() {
    let stage = Stage::lost();
    stage.store(8, &format!("{}-repo", Sha1::of(&content(8, 10))));
    let accepting = stage.accept(&[FID, 8]);
    assert_eq!((accepting.files.len(), accepting.refused.len()), (1, 1));
    assert!(accepting.entries.is_empty() && stage.accepted().is_empty());
    let accepting = stage.accept(&[FID]);
    assert_eq!(accepting.entries, [1]);
    // Once more: the journal has it already.
    let accepting = stage.accept(&[FID]);
    assert_eq!((accepting.accepted_before, accepting.entries), (vec![Fid(FID)], vec![]));
}

#[test]
fn a_dry_run_writes_nothing() {
    let stage = Stage::lost();
    let plan = stage.plan(&[FID], false, AcceptMode::DryRun);
    let accepting = stage.world.run(accept_files(&stage.ports(), &plan)).expect("a journal");
    assert_eq!((accepting.files.len(), accepting.entries.len()), (1, 0));
    let none = Decisions { has_journal: true, ..Decisions::default() };
    assert_eq!(stage.decisions(), none);
}

#[test]
fn what_cannot_be_reached_accepts_nothing() {
    for call in [Call::Domains, Call::Row, Call::Recall, Call::Head, Call::FileInfo, Call::Replicas]
    {
        let stage = Stage::lost();
        stage.world.port.faults.strike(call, "", PortFault::RequestLost, 1_000);
        let accepting = stage.accept(&[FID]);
        assert!(matches!(accepting.stopped, Some(Stopped::Trouble(_))), "{call:?}: {accepting:?}");
        assert!(accepting.adds_up() && stage.accepted().is_empty(), "{call:?}");
    }
}

#[test]
fn acceptances_are_taken_back_all_or_none() {
    let stage = Stage::lost();
    stage.accept(&[FID]);
    let end = |fids: &[u64]| {
        let fids: Vec<_> = fids.iter().copied().map(Fid).collect();
        let (journal, clock) = (stage.journal(), stage.clock());
        let mode = AcceptMode::Accept { by: "ann".to_owned() };
        let what = (DOMAIN, &*fids, "found in a backup");
        stage.world.run(end_acceptances(&journal, &clock, what, &mode, 2)).expect("a journal")
    };
    let ending = end(&[FID, 8]);
    assert_eq!(
        ending.refused.iter().map(|it| it.kind).collect::<Vec<_>>(),
        [RefusalKind::NotAccepted]
    );
    assert!(ending.entries.is_empty() && !stage.accepted().is_empty());
    assert_eq!(end(&[FID]).entries, [2]);
    assert!(stage.accepted().is_empty());
}

#[test]
fn the_last_freeze_of_the_domain_before_the_cut_over_is_kept() {
    let stage = Stage::lost();
    let freeze = |domain: &str, last: Option<&str>| {
        let contentrepo = ClientState { last: last.map(str::to_owned), ..ClientState::default() };
        let held = StoreState { domain: domain.to_owned(), contentrepo, ..StoreState::default() };
        let means = "ingest is off".to_owned();
        let freeze = Freeze { means, window_seconds: 600, state: held };
        stage.write(Content::Frozen { freeze: Box::new(freeze) });
        stage.decisions().frozen
    };
    assert_eq!(freeze("another", Some("9")), None);
    assert_eq!(freeze(DOMAIN, None), Some(RowId::START), "no row was there");
    assert_eq!(freeze(DOMAIN, Some("7")), Some(RowId(7)));
    assert_eq!(freeze("another", Some("9")), Some(RowId(7)));
    assert_eq!(freeze(DOMAIN, Some("8")), Some(RowId(8)));
    stage.write(Content::StepDone { step: "cutover contentrepo".to_owned() });
    assert_eq!(freeze(DOMAIN, Some("20")), Some(RowId(8)), "rows behind it may be of S3 alone");
}
