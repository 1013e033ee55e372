use super::*;

#[test]
fn what_stands_in_the_way_decides_the_advice() {
    use ReasonKind::{LedgerUnavailable, QueueUnavailable, StoreDenied};
    for (kind, obstacle, named, unnamed) in [
        (LedgerUnavailable, Obstacle::Unreachable, "the way to DynamoDB", "make the table"),
        (LedgerUnavailable, Obstacle::Absent(Thing::Table), "DYNAMODB_TABLE", "the way to"),
        (QueueUnavailable, Obstacle::Absent(Thing::JobQueue), "correct SQS_URL", "SQS_DLQ_URL"),
        (
            QueueUnavailable,
            Obstacle::Absent(Thing::DeadLetterQueue),
            "correct SQS_DLQ_URL",
            "SQS_URL",
        ),
        (StoreDenied, Obstacle::Keys(KeyTrouble::Unknown), "AWS_ACCESS_KEY_ID", "policy"),
        (QueueUnavailable, Obstacle::Keys(KeyTrouble::Expired), "log in", "policy"),
        (LedgerUnavailable, Obstacle::Keys(KeyTrouble::WrongClock), "set the clock", "AWS_ACCESS"),
        (StoreDenied, Obstacle::Keys(KeyTrouble::NotSignedUp), "registration", "permission"),
        (StoreDenied, Obstacle::Refusal, "policy", "provision"),
    ] {
        let advice = advice_on(&Reason::new(kind, "words").because_of(obstacle));
        assert!(advice.contains(named) && !advice.contains(unnamed), "{obstacle:?}: {advice}");
    }
}

/// Advice names who takes the files again, and `doctor` never sends to `doctor`.
#[test]
fn advice_ends_where_the_files_are_taken_again() {
    for &kind in ReasonKind::ALL {
        for again in [Again::Queue, Again::DeadLetters, Again::NoJobs] {
            let said = advice(kind, again);
            assert!(!said.contains("run this again"), "{kind}: {said}");
        }
        let said = advice(kind, Again::Doctor);
        assert!(!said.contains("doctor"), "{kind}: {said}");
        let dead = advice(kind, Again::DeadLetters);
        // Once the files are mended their letters have another reason.
        let is_done_then = is_found_by_verifying(kind);
        let reason = if is_done_then { "done-since" } else { kind.name() };
        let redrive = format!("`mogile2s3 dlq redrive --reason {reason}`");
        assert_eq!(dead.contains(&redrive), kind != ReasonKind::BadMessage, "{kind}: {dead}");
        let from_migrate = advice(kind, Again::ThisCommand);
        let again = "then run this again".to_owned();
        assert!(
            from_migrate.to_lowercase().contains(&again) || kind == ReasonKind::BadMessage,
            "{kind}: {from_migrate}"
        );
    }
}

#[test]
fn a_wrong_object_at_an_intermediarys_key_is_no_readers() {
    let at_final_key = advice(ReasonKind::WrongObject, Again::ThisCommand);
    assert!(at_final_key.contains("end as no-replica"), "{at_final_key}");
    assert!(!at_final_key.contains("intermediaries"), "{at_final_key}");
    let in_sync = advice(ReasonKind::WrongObject, Again::Sync);
    assert!(in_sync.contains("the keys of intermediaries"), "{in_sync}");
    assert!(in_sync.contains("No reader of the archive sees them"), "{in_sync}");
    assert!(!in_sync.contains("enqueue"), "{in_sync}");
}

/// Running the same again brings such a row no further.
#[test]
fn each_rejected_row_has_a_way_out() {
    for (name, way_out) in [
        (NO_KEY, "--exclude-file"),
        (NO_LENGTH, "writes a length"),
        (NOT_CONTENT_ADDRESSED, "--exclude-file"),
        (UNMAPPED_BUCKET, "IGNORE_BUCKETS"),
        (domain::index_row::UNREADABLE, "mogadm class add"),
    ] {
        let said = advice_on_rejected(name);
        assert!(said.contains(way_out), "{name}: {said}");
    }
}
