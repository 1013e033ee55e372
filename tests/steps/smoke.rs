//! A smoke test on contentrepo's and rhino's databases and contentrepo's API, with S3 as it must be and as it
//! must not be.

mod doubles;
mod stage;

use domain::BucketMap;
use domain::journal::{Content, EvidenceOutcome, SmokeWrite};
use domain::runbook::JournalTrouble;
use domain::smoke::{SmokeFault, SmokeSummary};
use stand_ins::world::bucket::{Action, Encryption, PutRequest};
use stand_ins::world::content_repo::{Signature, Store};

use self::doubles::Today;
use self::stage::{BUCKET, OTHER, Stage, content, sha1};

fn faults(summary: &SmokeSummary) -> Vec<SmokeFault> {
    let mut faults: Vec<_> = summary.findings.iter().map(|finding| finding.kind).collect();
    faults.sort();
    faults.dedup();
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_on_s3_are_clean_and_nothing_stays_of_what_was_written() {
    let stage = Stage::new().await;
    let before = stage.keys();
    let summary = stage.smoke().await;
    assert_eq!(summary.findings, [], "{summary:?}");
    assert_eq!(summary.outcome(), EvidenceOutcome::Clean, "{summary:?}");
    // Files 1 to 3, the last one deleted by contentrepo: it is in S3 and not in the API.
    assert_eq!((summary.s3_whole, summary.api_whole), (3, 2));
    assert_eq!(summary.rhino.as_ref().map(|rhino| rhino.sampled), Some(2));
    assert_eq!(summary.ingested.len(), 2, "one in each bucket");
    assert!(summary.ingested.iter().all(|end| end.is_whole), "{summary:?}");
    assert_eq!(stage.keys(), before, "the contents are gone again");

    let keys: Vec<_> = stage.journalled().await;
    let written = keys.iter().filter_map(|content| {
        let Content::SmokeKey(key) = content else { return None };
        Some((key.bucket.as_str(), key.does))
    });
    let both = |bucket| [(bucket, SmokeWrite::Create), (bucket, SmokeWrite::Purge)];
    let mut written: Vec<_> = written.collect();
    written.sort_by_key(|(bucket, _)| *bucket);
    assert_eq!(written, [both(BUCKET), both(OTHER)].concat());
    let again = stage.smoke().await;
    assert_eq!(again.outcome(), EvidenceOutcome::Clean, "purged rows are passed over: {again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_readers_would_miss_is_a_finding() {
    type Change = fn(&Stage);
    let cases: [(&str, Change, &[SmokeFault]); 12] = [
        ("an object is missing", |it| it.remove(BUCKET, 1), &[SmokeFault::Missing]),
        (
            "an object has other content",
            |it| it.put(BUCKET, &sha1(1), b"other"),
            &[SmokeFault::OtherContent],
        ),
        (
            "a row has another size",
            |it| it.execute_repo("UPDATE objects SET size = 99 WHERE id = 1"),
            &[SmokeFault::OtherSize],
        ),
        (
            "a checksum is in capitals",
            |it| it.execute_repo("UPDATE objects SET checksum = upper(checksum) WHERE id = 1"),
            &[SmokeFault::NoChecksum],
        ),
        (
            "contentrepo has the old name",
            |it| {
                it.execute_repo(
                    "UPDATE buckets SET bucketName = 'mogilefs-prod-repo' WHERE bucketId = 1",
                );
            },
            &[SmokeFault::OldName, SmokeFault::NoRow, SmokeFault::Refused],
        ),
        (
            "rhino has an unknown bucket",
            |it| it.execute_rhino("UPDATE articleFile SET bucketName = 'odd' WHERE fileId = 1"),
            &[SmokeFault::Unmapped],
        ),
        (
            "rhino names no row",
            |it| it.execute_rhino("UPDATE articleFile SET crepoKey = 'odd' WHERE fileId = 1"),
            &[SmokeFault::NoRow],
        ),
        (
            "ACLs are refused",
            |it| it.set_up(BUCKET, |it| it.ownership = Some("BucketOwnerEnforced".to_owned())),
            &[SmokeFault::Refused],
        ),
        (
            "the bucket is too new for the signature",
            |it| {
                it.set_up(BUCKET, |it| it.takes_signature_v2 = false);
                it.store(Store::S3 { signs: Signature::V2, has_valid_keys: true });
            },
            &[SmokeFault::Refused],
        ),
        (
            "a key of KMS encrypts",
            |it| {
                it.set_up(BUCKET, |it| it.encryption = Some(Encryption::Kms));
                it.put(BUCKET, &sha1(1), &content(1));
            },
            // S3 takes the object before the client compares the ETag with the MD5.
            &[SmokeFault::Refused, SmokeFault::BrokeOff, SmokeFault::Leftover],
        ),
        ("readers are sent to a private bucket", |it| it.reproxy(), &[SmokeFault::NotPublic]),
        (
            "contentrepo may not delete",
            |it| it.world.s3.configure(|options| options.deny(Action::DeleteObject)),
            &[SmokeFault::Refused, SmokeFault::NotPurged],
        ),
    ];
    for (what, change, expected) in cases {
        let stage = Stage::new().await;
        change(&stage);
        let summary = stage.smoke().await;
        assert_eq!(faults(&summary), expected, "{what}: {summary:?}");
        assert_ne!(summary.outcome(), EvidenceOutcome::Clean, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_where_contentrepo_is_not_on_s3() {
    let stage = Stage::new().await;
    let last = stage.last_fid();
    stage.store(stage.mogile_store());
    let summary = stage.smoke().await;
    assert!(faults(&summary).contains(&SmokeFault::NotOnS3), "{summary:?}");
    assert_eq!((summary.outcome(), stage.last_fid()), (EvidenceOutcome::Incomplete, last));
    assert_eq!(stage.journalled().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_is_for_a_scratch_database_with_the_new_names() {
    let stage = Stage::new().await;
    let summary = stage.trial().await;
    assert_eq!(summary.outcome(), EvidenceOutcome::Clean, "{summary:?}");
    assert_eq!(summary.ingested.len(), 2);

    stage.execute_repo("INSERT INTO buckets (bucketName) VALUES ('mogilefs-prod-repo')");
    let summary = stage.trial().await;
    assert_eq!(faults(&summary), [SmokeFault::NotScratch]);
    assert_eq!((summary.ingested.len(), summary.outcome()), (0, EvidenceOutcome::Incomplete));

    stage.execute_repo("DELETE FROM buckets WHERE bucketName <> 'corpus-prod'");
    let summary = stage.trial().await;
    assert_eq!(faults(&summary), [SmokeFault::NoBucket]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_compares_rows_where_names_show_nothing() {
    use EvidenceOutcome::{Clean, Incomplete};
    let stage = Stage::new().await;
    let same = format!("{BUCKET}:{BUCKET},{OTHER}:{OTHER}");
    let same = BucketMap::parse(&same, "").expect("a map");
    let renamed = format!("mogilefs-prod-repo:{BUCKET},{OTHER}:{OTHER}");
    let renamed = BucketMap::parse(&renamed, "").expect("a map");
    for (what, map, rows, outcome, fault) in [
        ("no rows are known", &same, None, Incomplete, None),
        ("there are no rows", &same, Some(Today::Empty), Incomplete, None),
        ("one database", &same, Some(Today::Same), Incomplete, Some(SmokeFault::NotScratch)),
        ("two databases", &same, Some(Today::Other), Clean, None),
        ("names show it", &renamed, None, Clean, None),
        ("names show it", &renamed, Some(Today::Empty), Clean, None),
        (
            "behind the cut-over",
            &renamed,
            Some(Today::Same),
            Incomplete,
            Some(SmokeFault::NotScratch),
        ),
    ] {
        let summary = stage.trial_of(map, rows).await;
        assert_eq!(summary.outcome(), outcome, "{what}: {summary:?}");
        assert_eq!(faults(&summary), fault.into_iter().collect::<Vec<_>>(), "{what}: {summary:?}");
        assert_eq!(summary.ingested.is_empty(), outcome == Incomplete, "{what}: {summary:?}");
    }
}

/// A refused creation: contentrepo has no row, and only S3 says whether it has the content.
#[tokio::test(flavor = "multi_thread")]
async fn content_that_a_refused_creation_leaves_is_named() {
    for status in [400, 500] {
        let stage = Stage::new().await;
        let summary = stage.smoke_where_creations_are_refused(status).await;
        let left: Vec<_> =
            summary.findings.iter().filter(|it| it.kind == SmokeFault::Leftover).collect();
        assert_eq!(left.len(), 2, "one in each bucket, {status}: {summary:?}");
        assert!(left[0].why.contains("aws s3 rm s3://"), "{left:?}");
        assert!(summary.ingested.iter().all(|it| !it.is_whole), "{summary:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_taken_over_ends_the_write_and_keeps_what_was_found() {
    let stage = Stage::new().await;
    let before = stage.keys();
    let (summary, written) = stage.write_taken_over().await;
    assert!(matches!(written, Err(JournalTrouble::TakenOver(_))), "{written:?}");
    assert_eq!((summary.outcome(), summary.ingested.len()), (EvidenceOutcome::Incomplete, 0));
    assert_eq!(stage.keys(), before, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_without_nodes_names_the_flag_that_leaves_them_out() {
    let stage = Stage::new().await;
    let summary = stage.smoke_of_one_database().await;
    let why = |at: &str| summary.unlooked.iter().find(|it| it.at == at).map(|it| it.why.clone());
    for (at, flag) in [("contentrepo's API", "--no-api"), ("rhino's rows", "--no-rhino")] {
        assert!(why(at).is_some_and(|why| why.contains(flag)), "{summary:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_compares_both_stores() {
    let stage = Stage::new().await;
    let summary = stage.shadow(&[]).await;
    assert_eq!((summary.s3_whole, summary.mogile_whole), (3, 3), "{summary:?}");
    assert_eq!(summary.outcome(), EvidenceOutcome::Clean);
    let key = format!("{}-mogilefs-prod-repo", sha1(1));
    let odd = stage.shadow(&[&key, "odd"]).await;
    assert_eq!(odd.outcome(), EvidenceOutcome::Incomplete, "a line that is no key");
    stage.spoil_in_mogile(1);
    stage.remove(BUCKET, 2);
    let summary = stage.shadow(&[&key]).await;
    assert_eq!(faults(&summary), [SmokeFault::Missing, SmokeFault::OtherContent], "{summary:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_creation_leaves_no_content_behind() {
    use stand_ins::fault::{Fault, Rule, Service};
    let stage = Stage::new().await;
    let before = stage.keys();
    let lost = Rule::once(Service::ContentRepo, "POST objects", "", Fault::AnswerLost);
    stage.world.faults.add(lost);
    let summary = stage.smoke().await;
    assert_eq!(summary.outcome(), EvidenceOutcome::Incomplete, "{summary:?}");
    assert_eq!((faults(&summary), stage.keys()), (Vec::new(), before), "{summary:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_nothing_is_not_complete() {
    let stage = Stage::new().await;
    stage.execute_repo("DELETE FROM objects");
    stage.execute_rhino("DELETE FROM articleFile");
    let summary = stage.smoke_without_api().await;
    assert_eq!((summary.looked(), summary.outcome()), (0, EvidenceOutcome::Incomplete));
    // A put that nobody asks for changes nothing.
    let put = PutRequest::new(stand_ins::world::bucket::Content::of("x"));
    stage.world.s3.put(BUCKET, "x", put).expect("written");
    assert_eq!(stage.smoke_without_api().await.outcome(), EvidenceOutcome::Incomplete);
}
