//! Which evidence opens the gates `audit`, `verify` and `verified`.

use super::*;
use crate::cutover::JournalledEvidence;
use crate::journal::{Content, ContentRead, Entry, Evidence, EvidenceOutcome, Staleness};
use crate::store_state::RowsDigest;
use crate::{Fid, Timestamp};

/// A digest of these files.
pub(super) fn digest(fids: &[u64]) -> RowsDigest {
    let mut digest = RowsDigest::default();
    for fid in fids {
        digest.add_unreadable(Fid(*fid));
    }
    digest
}

/// The freeze, before all entries of a test.
pub(super) fn frozen() -> Frozen {
    Frozen { entry: 0, content: digest(&[1, 2, 3]) }
}

/// Today's systems.
pub(super) fn place() -> MigrationPlace {
    MigrationPlace {
        account: Some("123456789012".to_owned()),
        region: "us-east-1".to_owned(),
        s3_endpoint: None,
        domain: "plos_repo".to_owned(),
        buckets: vec!["repo:corpus".to_owned()],
        tables: vec!["ledger".to_owned()],
        queue: Some("https://sqs/jobs".to_owned()),
        database: Some("db:3306/mogilefs".to_owned()),
    }
}

/// A clean audit or verification of three files, which knows no queue.
pub(super) fn clean(step: &str) -> Evidence {
    let counted = [("files", 3), ("whole", 3), ("accepted", 0)];
    let place = MigrationPlace { queue: None, ..place() };
    Evidence {
        content: Some(frozen().content),
        run: (step == "audit").then(|| "june".to_owned()),
        counted: counted.map(|(name, count)| (name.to_owned(), count)).into(),
        ..Evidence::new(step, EvidenceOutcome::Clean, place)
    }
}

/// Evidence with one more count.
pub(super) fn counts(evidence: Evidence, name: &str, count: u64) -> Evidence {
    let mut counted = evidence.counted;
    counted.insert(name.to_owned(), count);
    Evidence { counted, ..evidence }
}

pub(super) fn ended(outcome: EvidenceOutcome) -> Evidence {
    Evidence { outcome, ..clean("audit") }
}

/// One behind the other, from entry 1 on. Each began behind the one before, where it does not say otherwise.
fn journalled(all: &[Evidence]) -> Vec<JournalledEvidence> {
    let entry = |(sequence, evidence): (u64, &Evidence)| JournalledEvidence {
        sequence,
        at: Timestamp(sequence),
        by: "ann".to_owned(),
        evidence: Evidence { from: evidence.from.or(Some(sequence - 1)), ..evidence.clone() },
    };
    (1..).zip(all).map(entry).collect()
}

/// What is seen of these, one behind the other, from entry 1 on.
pub(super) fn seen(all: &[Evidence]) -> EvidenceSeen {
    EvidenceSeen::of(&journalled(all), None, &place(), Some(&frozen()))
}

fn elsewhere(change: fn(&mut MigrationPlace)) -> Evidence {
    let mut evidence = clean("audit");
    change(&mut evidence.place);
    evidence
}

/// The gate of issue 18's table: stale or incomplete verification, one missing object, another account, a
/// changed digest.
#[test]
fn only_clean_complete_evidence_of_the_frozen_content_opens_a_gate() {
    use EvidenceOutcome::{Clean, Differs, Incomplete, Other};
    let content = |content| Evidence { content, ..clean("audit") };
    let missing = |outcome| counts(ended(outcome), "missing", 1);
    for (what, all, is_open) in [
        ("none", vec![], false),
        ("a clean one", vec![clean("audit")], true),
        ("a clean one, and accepted files", vec![counts(clean("audit"), "accepted", 2)], true),
        ("findings", vec![ended(Differs)], false),
        ("one missing object", vec![missing(Differs)], false),
        ("an acceptance that is over", vec![counts(ended(Differs), "acceptance_ended", 1)], false),
        ("clean, and yet one is missing", vec![missing(Clean)], false),
        ("incomplete", vec![ended(Incomplete)], false),
        ("of a later version", vec![ended(Other)], false),
        ("a changed digest", vec![content(Some(digest(&[1, 2])))], false),
        ("a late rename of an upload", vec![content(Some(digest(&[1, 2, 3, 4])))], false),
        ("no digest", vec![content(None)], false),
        ("another account", vec![elsewhere(|it| it.account = Some("2".to_owned()))], false),
        ("another region", vec![elsewhere(|it| it.region.clear())], false),
        ("another domain", vec![elsewhere(|it| it.domain.clear())], false),
        ("an unmapped bucket then", vec![elsewhere(|it| it.buckets.clear())], false),
        ("other tables", vec![elsewhere(|it| it.tables.clear())], false),
        ("another database", vec![elsewhere(|it| it.database = Some(String::new()))], false),
        ("findings, then clean", vec![ended(Differs), clean("audit")], true),
        ("clean, then findings", vec![clean("audit"), ended(Differs)], false),
        ("clean, then incomplete", vec![clean("audit"), ended(Incomplete)], false),
        ("incomplete, then clean", vec![ended(Incomplete), clean("audit")], true),
    ] {
        assert_eq!(seen(&all).holds(), is_open, "{what}");
    }
}

#[test]
fn evidence_without_a_freeze_opens_nothing() {
    let all = journalled(&[clean("audit")]);
    assert!(EvidenceSeen::of(&all, None, &place(), Some(&frozen())).holds());
    let seen = EvidenceSeen::of(&all, None, &place(), None);
    assert!(!seen.holds() && seen.stale.is_empty());
    // What today's settings do not name differs from what the evidence names.
    let today = MigrationPlace { account: None, ..place() };
    let seen = EvidenceSeen::of(&all, None, &today, Some(&frozen()));
    assert_eq!((seen.holds(), seen.stale), (false, vec![Staleness::Account]));
}

/// Evidence counts from its begin: what was written while it ran it has not seen.
#[test]
fn a_run_says_nothing_of_what_was_written_while_it_ran() {
    use EvidenceOutcome::Differs;
    let since = |from, evidence: Evidence| Evidence { from: Some(from), ..evidence };
    let behind = |entry| Frozen { entry, ..frozen() };
    let of = |all: &[Evidence], ended, frozen: Frozen| {
        EvidenceSeen::of(&journalled(all), ended, &place(), Some(&frozen))
    };
    // A freeze.
    let in_entry_nine = |evidence: Evidence| {
        let mut all = journalled(&[evidence]);
        all[0].sequence = 9;
        all
    };
    let (early, late) = (since(4, clean("verify")), since(5, clean("verify")));
    let (early, late) = (in_entry_nine(early), in_entry_nine(late));
    let of_entry_nine =
        |all: &[_], ended, frozen| EvidenceSeen::of(all, ended, &place(), Some(&frozen));
    let found = of_entry_nine(&early, None, behind(5));
    assert_eq!((found.holds(), found.frozen_since), (false, Some(5)));
    assert!(of_entry_nine(&late, None, behind(5)).holds());
    // `audit accept --end`.
    let found = of_entry_nine(&early, Some(5), frozen());
    assert_eq!((found.holds(), found.acceptance_ended), (false, Some(5)));
    assert!(of_entry_nine(&late, Some(5), frozen()).holds());
    // A finding behind the begin of a `verify --state` that was continued.
    let found = of(&[ended(Differs), since(0, clean("audit"))], None, frozen());
    assert_eq!((found.holds(), found.wrong), (false, Some(1)));
    assert!(of(&[ended(Differs), since(1, clean("audit"))], None, frozen()).holds());
    // An earlier version has not noted the begin.
    let mut all = journalled(&[ended(Differs), clean("audit")]);
    all[1].evidence.from = None;
    let found = EvidenceSeen::of(&all, Some(1), &place(), Some(&behind(1)));
    assert_eq!((found.frozen_since, found.acceptance_ended), (Some(1), Some(1)));
    assert_eq!((found.wrong, found.holds()), (Some(1), false));
    // Jobs.
    let sent = GateEvidence {
        audits: in_entry_nine(since(4, clean("audit"))),
        queues: [("https://sqs/jobs".to_owned(), 5), ("https://sqs/old".to_owned(), 2)].into(),
        ..GateEvidence::default()
    };
    assert_eq!(sent.audit(&place(), Some(&frozen())).jobs_behind, Some(5));
    let before = GateEvidence { queues: [(String::new(), 4)].into(), ..sent };
    assert_eq!(before.audit(&place(), Some(&frozen())).jobs_behind, None);
}

#[test]
fn an_acceptance_that_ended_behind_the_evidence_closes_the_gate() {
    let all = journalled(&[clean("audit"), clean("audit")]);
    let seen = |ended| EvidenceSeen::of(&all, ended, &place(), Some(&frozen()));
    assert!(seen(Some(1)).holds(), "the audit behind it has looked");
    let seen = seen(Some(3));
    assert_eq!((seen.holds(), seen.acceptance_ended), (false, Some(3)));
}

/// The entry of a finding that nothing refutes.
#[test]
fn a_finding_stands_until_a_clean_run_of_the_same_systems() {
    use EvidenceOutcome::{Differs, Incomplete};
    let other = || elsewhere(|it| it.buckets.clear());
    let wrong = |outcome| counts(ended(outcome), "without_record", 1);
    for (what, all, found) in [
        ("nothing", vec![], None),
        ("findings", vec![ended(Differs)], Some(1)),
        ("findings, refuted", vec![ended(Differs), clean("audit")], None),
        ("findings, and a clean run elsewhere", vec![ended(Differs), other()], Some(1)),
        (
            "findings, and a run that was broken off",
            vec![wrong(Differs), ended(Incomplete)],
            Some(1),
        ),
        ("broken off, and a file is missing", vec![clean("audit"), wrong(Incomplete)], Some(2)),
        ("broken off", vec![clean("audit"), ended(Incomplete)], None),
    ] {
        assert_eq!(seen(&all).wrong, found, "{what}");
    }
}

/// The run, the files of the audit, those that are whole and those that are accepted.
#[test]
fn the_workers_verification_covers_each_file_or_it_is_accepted() {
    for (run, files, whole, accepted, is_open) in [
        (Some("june"), 3, 3, 0, true),
        (Some("june"), 3, 2, 1, true),
        (Some("june"), 3, 2, 0, false),
        (Some("june"), 0, 0, 0, false),
        (None, 3, 3, 0, false),
    ] {
        let counted = [("files", files), ("whole", whole), ("accepted", accepted)];
        let evidence = Evidence {
            run: run.map(str::to_owned),
            counted: counted.map(|(name, count)| (name.to_owned(), count)).into(),
            ..clean("audit")
        };
        let found = VerifiedSeen::of(&seen(&[evidence]));
        assert_eq!(found.holds(), is_open, "{run:?} {files} {whole} {accepted}");
    }
    assert!(!VerifiedSeen::of(&seen(&[])).holds(), "no audit");
    let stale = Evidence { content: None, ..clean("audit") };
    assert!(
        !VerifiedSeen::of(&seen(&[stale])).holds(),
        "an audit that does not hold counts nothing"
    );
}

/// Without a queue no worker verifies: the local reading of all content does.
#[test]
fn without_a_queue_the_reading_of_all_content_takes_the_workers_place() {
    let (all, sample) = (Some(ContentRead::Everything), Some(ContentRead::Sample));
    let without_run = || Evidence { run: None, ..clean("audit") };
    let broken = || counts(without_run(), "files", 4);
    let stale = |read| Evidence { content: None, read, ..clean("verify") };
    let verify = |read| Evidence { read, ..clean("verify") };
    for (what, audit, local, without_queue, is_open) in [
        ("all content was read", without_run(), verify(all), true, true),
        ("a sample", without_run(), verify(sample), true, false),
        ("all, of other content than the freeze has", without_run(), stale(all), true, false),
        ("an audit with a file that is not whole", broken(), verify(all), true, false),
        ("an audit of other content", stale(all), verify(all), true, false),
        ("a run, from before", clean("audit"), verify(sample), true, true),
        ("there is a queue", without_run(), verify(all), false, false),
    ] {
        let (audit, local) = (seen(&[audit]), seen(&[local]));
        let found = if without_queue {
            VerifiedSeen::without_queue(&audit, &local)
        } else {
            VerifiedSeen::of(&audit)
        };
        assert_eq!(found.holds(), is_open, "{what}");
    }
}

#[test]
fn the_gate_of_the_queue_remembers_every_queue_that_got_jobs() {
    let (jobs, old) = ("https://sqs/jobs".to_owned(), "https://sqs/old".to_owned());
    let journal = |urls: &[&String]| GateEvidence {
        queues: (1..).zip(urls).map(|(entry, url)| ((*url).clone(), entry)).collect(),
        ..GateEvidence::default()
    };
    let others = |others: &[(u64, &String)]| QueueSeen::Other {
        others: others.iter().map(|(entry, url)| (*entry, (*url).clone())).collect(),
        today: Box::new(QueueSeen::NotNamed),
    };
    let other = |entry, url: &String| others(&[(entry, url)]);
    for (urls, today, expected) in [
        (&[][..], Some(&jobs), QueueSeen::NotNamed),
        (&[&jobs], Some(&jobs), QueueSeen::NotNamed),
        // Jobs went there first, and then to the queue that is looked at.
        (&[&old, &jobs], Some(&jobs), other(1, &old)),
        (&[&jobs, &old], Some(&jobs), other(2, &old)),
        (&[&jobs, &old], None, others(&[(1, &jobs), (2, &old)])),
    ] {
        assert_eq!(journal(urls).queue(QueueSeen::NotNamed, today), expected, "{urls:?} {today:?}");
    }
    assert_eq!(journal(&[]).no_queue(), QueueSeen::NotUsed { but: None });
    assert_eq!(journal(&[&jobs, &old]).no_queue(), QueueSeen::NotUsed { but: Some((2, old)) });
}

#[test]
fn evidence_is_taken_from_the_journal_by_its_step() {
    let mut evidence = GateEvidence::default();
    let ended = |of: &str| Content::AcceptanceEnded {
        domain: of.to_owned(),
        reason: String::new(),
        fids: Vec::new(),
    };
    let of = |evidence: Evidence| Content::Evidence(Box::new(evidence));
    let enqueue = Evidence { place: place(), ..clean("enqueue verify") };
    let without = Evidence { place: MigrationPlace { queue: None, ..place() }, ..enqueue.clone() };
    let contents = [
        of(clean("audit")),
        of(enqueue),
        of(clean("verify")),
        of(clean("verify references")),
        of(without),
        ended("plos_repo"),
        ended("another"),
        of(Evidence { place: place(), ..clean("doctor") }),
        // Of `--fids`, or of a process that was killed: it has no evidence of its end.
        Content::JobsBegun { queue: "https://sqs/part".to_owned(), action: "verify".to_owned() },
    ];
    for (sequence, content) in (1..).zip(contents) {
        let (migration, by) = ("ledger".to_owned(), "ann".to_owned());
        let (previous, at, writer) = (None, Timestamp(sequence), 1);
        evidence
            .take("plos_repo", Entry { migration, sequence, previous, at, by, writer, content });
    }
    let numbers = |all: &[JournalledEvidence]| all.iter().map(|it| it.sequence).collect::<Vec<_>>();
    assert_eq!((numbers(&evidence.audits), numbers(&evidence.verifies)), (vec![1], vec![3]));
    assert_eq!(evidence.acceptance_ended, Some(6), "of this domain");
    let queues = [("https://sqs/jobs".to_owned(), 2), ("https://sqs/part".to_owned(), 9)];
    assert_eq!(evidence.queues, queues.into());
}
