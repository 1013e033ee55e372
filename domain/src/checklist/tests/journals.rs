//! Journals, entry by entry.

use crate::checklist::Facts;
use crate::journal::{
    ClientDatabase, Content, ContentRead, CutoverBegun, CutoverStatement, Direction, Entry,
    Evidence, EvidenceOutcome, MigrationPlace, NamesBefore, Statement,
};
use crate::store_state::{Freeze, RowsDigest, StoreState};
use crate::{ByteCount, Fid, Timestamp};

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Doctor,
    /// A step that people confirm.
    Confirm(u8),
    /// A pass, with the files that were left when it began.
    Migrate(u64),
    /// Jobs that were sent, with the files that were left.
    Enqueue(u64),
    /// A freeze, with what the store holds.
    Freeze(u64),
    EnqueueVerify,
    /// With what the store holds, and whether it compared with a verification.
    Audit(u64, bool),
    Verify(u64),
    ConfigCheck,
    Smoke,
    /// A change of names in this database.
    Begun(&'static str),
    Statement(&'static str),
    Ended(&'static str),
    /// The way back.
    BegunBack(&'static str),
    EndedBack(&'static str),
    Rekey,
    RekeyEnd,
    Deletion,
    DeletionEnd,
    /// An acceptance is taken back.
    AcceptanceEnd,
    Note,
    Unknown,
    /// The same evidence, with another outcome.
    Differs(Box<Kind>),
    Incomplete(Box<Kind>),
    /// The same evidence, of another account.
    Elsewhere(Box<Kind>),
    /// The same evidence, of a run that began behind this entry.
    Since(u64, Box<Kind>),
    /// Jobs were sent, and the sender has not come to its end.
    JobsBegun,
    Sync,
    References,
    /// The same evidence, of a run that found a file missing.
    Missing(Box<Kind>),
    /// The same evidence, of a run that read no content, or all of it.
    Unread(Box<Kind>),
    Deep(Box<Kind>),
    /// The same evidence, of a run with `--allow-extra`.
    Allowed(Box<Kind>),
    /// The same evidence by an earlier version, which notes no begin.
    Old(Box<Kind>),
}

pub(super) fn today() -> MigrationPlace {
    let text = |text: &str| Some(text.to_owned());
    MigrationPlace {
        account: text("123456789012"),
        region: "us-east-1".to_owned(),
        s3_endpoint: None,
        domain: "plos_repo".to_owned(),
        buckets: vec!["repo:corpus".to_owned()],
        tables: vec!["ledger".to_owned()],
        queue: text("https://sqs/jobs"),
        database: text("db:3306/mogilefs"),
    }
}

/// A journal from its first entry to its last: what each says, the number of the step that comes behind it,
/// and that step's first command.
pub(super) fn whole() -> Vec<(Kind, u8, &'static str)> {
    vec![
        (Kind::Doctor, 2, "sync"),
        (Kind::Confirm(2), 3, "plan"),
        (Kind::Note, 3, "plan"),
        (Kind::Confirm(3), 4, "enqueue migrate"),
        (Kind::Enqueue(1000), 4, "status --watch"),
        (Kind::Enqueue(10), 4, "status --watch"),
        (Kind::Confirm(5), 4, "status --watch"),
        (Kind::Freeze(7), 6, "enqueue migrate"),
        (Kind::Enqueue(3), 6, "status --watch"),
        (Kind::Enqueue(0), 7, "enqueue verify --run freeze-8"),
        (Kind::EnqueueVerify, 7, "verify"),
        (Kind::Verify(7), 7, "work --until-empty"),
        (Kind::Audit(7, true), 8, "config"),
        (Kind::ConfigCheck, 9, "cutover contentrepo"),
        (Kind::Begun("contentrepo"), 9, "cutover contentrepo --execute"),
        (Kind::Statement("contentrepo"), 9, "cutover contentrepo --execute"),
        (Kind::Ended("contentrepo"), 9, "cutover rhino"),
        (Kind::Begun("rhino"), 9, "cutover rhino --execute"),
        (Kind::Statement("rhino"), 9, "cutover rhino --execute"),
        (Kind::Ended("rhino"), 10, "runbook done 10 --note TEXT"),
        (Kind::Confirm(10), 11, "smoke"),
        (Kind::Smoke, 12, "runbook done 12 --note TEXT"),
        (Kind::Confirm(12), 0, "runbook export"),
    ]
}

/// The facts of a journal. An entry is written every 100 seconds.
pub(super) fn facts_of(kinds: &[Kind], place: &MigrationPlace) -> Facts {
    let mut facts = Facts::default();
    for (sequence, kind) in (1..).zip(kinds) {
        facts.take(Entry {
            migration: "ledger".to_owned(),
            sequence,
            previous: None,
            at: Timestamp(sequence * 100_000),
            by: "ann".to_owned(),
            writer: 1,
            content: content(kind, sequence, place),
        });
    }
    facts
}

pub(super) fn digest(of: u64) -> RowsDigest {
    let mut digest = RowsDigest::default();
    digest.add_unreadable(Fid(of));
    digest
}

fn content(kind: &Kind, sequence: u64, place: &MigrationPlace) -> Content {
    // A command begins behind the entry before its own, where nothing else is said.
    let from = Some(sequence - 1);
    let evidence = |step: &str| Evidence {
        from,
        ..Evidence::new(step, EvidenceOutcome::Clean, place.clone())
    };
    let of = |step: &str| Content::Evidence(Box::new(evidence(step)));
    let counted = |step: &str, left: u64| {
        let counted = [("left", left), ("failed", 0), ("seconds", 10), ("rows", 5000)];
        let counted = counted.into_iter().map(|(name, count)| (name.to_owned(), count));
        let counted = counted.collect();
        Content::Evidence(Box::new(Evidence { counted, ..evidence(step) }))
    };
    let with = |step: &str, content: u64, run: bool| {
        let run = run.then(|| "r1".to_owned());
        Content::Evidence(Box::new(Evidence {
            content: Some(digest(content)),
            run,
            ..evidence(step)
        }))
    };
    let changed = |kind: &Kind, change: &dyn Fn(&mut Evidence)| {
        let mut content = content(kind, sequence, place);
        if let Content::Evidence(evidence) = &mut content {
            change(evidence);
        }
        content
    };
    match kind {
        Kind::Doctor => of("doctor"),
        Kind::Confirm(step) => of(&format!("done {step}")),
        Kind::Migrate(left) => counted("migrate", *left),
        Kind::Enqueue(left) => counted("enqueue migrate", *left),
        Kind::Freeze(content) => frozen(*content, place),
        Kind::EnqueueVerify => {
            let run = Some("r1".to_owned());
            Content::Evidence(Box::new(Evidence { run, ..evidence("enqueue verify") }))
        }
        Kind::Audit(content, run) => with("audit", *content, *run),
        Kind::Verify(content) => {
            let mut verify = with("verify", *content, false);
            if let Content::Evidence(verify) = &mut verify {
                verify.read = Some(ContentRead::Sample);
            }
            verify
        }
        Kind::JobsBegun => {
            let (queue, action) = ("https://sqs/jobs".to_owned(), "migrate".to_owned());
            Content::JobsBegun { queue, action }
        }
        Kind::Sync => of("sync"),
        Kind::References => of("verify references"),
        Kind::Missing(kind) => changed(kind, &|it| {
            it.outcome = EvidenceOutcome::Differs;
            it.counted.insert("missing".to_owned(), 1);
        }),
        Kind::Unread(kind) => changed(kind, &|it| it.read = Some(ContentRead::Nothing)),
        Kind::Deep(kind) => changed(kind, &|it| it.read = Some(ContentRead::Everything)),
        Kind::Allowed(kind) => changed(kind, &|it| it.allowed = vec!["allow-extra".to_owned()]),
        Kind::ConfigCheck => of("config check"),
        Kind::Smoke => of("smoke"),
        Kind::Begun(database) => begun(database, Direction::ToS3),
        Kind::BegunBack(database) => begun(database, Direction::ToMogile),
        Kind::Statement(database) => Content::CutoverStatement(CutoverStatement {
            database: named(database),
            direction: Direction::ToS3,
            does: Statement::Other,
        }),
        Kind::Ended(database) => step_done(database, Direction::ToS3),
        Kind::EndedBack(database) => step_done(database, Direction::ToMogile),
        Kind::Rekey => rekey(),
        Kind::RekeyEnd => {
            Content::RekeyEnded { fid: Fid(7), outcome: String::new(), why: String::new() }
        }
        Kind::Deletion => Content::TemporaryCondemned { domain: String::new(), files: Vec::new() },
        Kind::DeletionEnd => Content::TemporaryDeleted { deleted: 1, spared: Vec::new() },
        Kind::AcceptanceEnd => Content::AcceptanceEnded {
            domain: String::new(),
            reason: String::new(),
            fids: Vec::new(),
        },
        Kind::Note => Content::Note { text: "words".to_owned() },
        Kind::Unknown => Content::Other,
        Kind::Differs(kind) => changed(kind, &|it| it.outcome = EvidenceOutcome::Differs),
        Kind::Incomplete(kind) => changed(kind, &|it| it.outcome = EvidenceOutcome::Incomplete),
        Kind::Since(entry, kind) => changed(kind, &|it| it.from = Some(*entry)),
        Kind::Old(kind) => changed(kind, &|it| it.from = None),
        Kind::Elsewhere(kind) => changed(kind, &|it| it.place.account = Some("2".to_owned())),
    }
}

fn rekey() -> Content {
    let text = String::new;
    Content::RekeyBegun {
        domain: text(),
        fid: Fid(7),
        from: text(),
        to: text(),
        length: ByteCount(1),
        way: text(),
    }
}

fn frozen(content: u64, place: &MigrationPlace) -> Content {
    let state = StoreState {
        domain: place.domain.clone(),
        buckets: place.buckets.clone(),
        servers: place.database.iter().cloned().collect(),
        content: digest(content),
        ..StoreState::default()
    };
    let freeze = Freeze { means: "cron is off".to_owned(), window_seconds: 600, state };
    Content::Frozen { freeze: Box::new(freeze) }
}

fn named(database: &str) -> ClientDatabase {
    if database == "rhino" { ClientDatabase::Rhino } else { ClientDatabase::Contentrepo }
}

fn begun(database: &str, direction: Direction) -> Content {
    let names = NamesBefore {
        renames: Vec::new(),
        rows: [("repo".to_owned(), 5)].into(),
        nameless: 0,
        last: None,
        index: None,
        create_table: None,
        kept: None,
    };
    Content::CutoverBegun(Box::new(CutoverBegun {
        database: named(database),
        direction,
        server: "db:3306/clients".to_owned(),
        server_ids: crate::server_ids::ServerIds::default(),
        database_was: None,
        freeze: None,
        takes_back: None,
        names,
        backup: None,
        left_behind: ["old", "trash"].map(str::to_owned).into(),
        ingested: None,
    }))
}

fn step_done(database: &str, direction: Direction) -> Content {
    Content::StepDone { step: named(database).step(direction).to_owned() }
}
