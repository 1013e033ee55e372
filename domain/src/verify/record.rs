//! What the ledger says of a file, beside what lies at its key: a verification by jobs compares both.

use crate::{
    ByteCount, Failure, Finding, FindingKind, LedgerRecord, Left, Reason, ReasonKind, SourceFile,
    Verification,
};

/// What was read of a file's record in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RecordLook {
    /// The ledger was not asked.
    NotYet,
    /// It has no record of this fid that can be read.
    Nothing,
    /// It has this one.
    Found(Box<LedgerRecord>),
}

/// Compares the record with the file, after its object was looked at. A file passes where both are
/// right. Where both are wrong the object is the reason, and the record stands in its words.
///
/// A record without a proof (s3migrate's) that names this bucket and this SHA-1 is as good here: the
/// object was just looked at. That it is no proof the audit says.
pub(crate) fn compare_with_record(
    seen: Result<Verification, Failure>,
    record: &RecordLook,
    file: &SourceFile,
) -> Result<Verification, Failure> {
    let Some(wrong) = what_is_wrong(record, file) else { return seen };
    match seen {
        Ok(_) => Err(Failure { reason: wrong, left: Left::Nothing }),
        Err(failure @ Failure { reason: Reason { kind, .. }, .. }) if !is_about_object(kind) => {
            Err(failure)
        }
        Err(Failure { reason, left }) => {
            let detail = format!("{}; and {}", reason.detail, wrong.detail);
            Err(Failure { reason: Reason { detail, ..reason }, left })
        }
    }
}

/// Whether the object was looked at; otherwise something was not reached, and more is said then.
const fn is_about_object(kind: ReasonKind) -> bool {
    matches!(kind, ReasonKind::Missing | ReasonKind::WrongObject)
}

fn what_is_wrong(record: &RecordLook, file: &SourceFile) -> Option<Reason> {
    let fid = file.fid;
    let record = match record {
        RecordLook::NotYet => {
            let detail = format!("the ledger was not asked for its record of fid {fid}");
            return Some(Reason::new(ReasonKind::NotStarted, detail));
        }
        RecordLook::Nothing => {
            let detail = format!("the ledger has no record of fid {fid} that can be read");
            return Some(Reason::new(ReasonKind::NoRecord, detail));
        }
        RecordLook::Found(record) => record,
    };
    let mut differs = Vec::new();
    if record.bucket != file.bucket {
        differs.push(format!("the bucket `{}`, not `{}`", record.bucket, file.bucket));
    }
    if record.sha1 != file.dkey.sha1 {
        differs.push(format!("the SHA-1 {}, not {}", record.sha1, file.dkey.sha1));
    }
    let detail = format!("the ledger's record of fid {fid} has {}", differs.join(", and "));
    (!differs.is_empty()).then(|| Reason::new(ReasonKind::OtherRecord, detail))
}

/// The finding where the index has another length than the object, whose SHA-1 is the right one.
pub(crate) fn index_length(file: &SourceFile, length: ByteCount) -> Option<Finding> {
    (file.length != length).then(|| Finding {
        kind: FindingKind::IndexLength,
        detail: format!(
            "the index says {} bytes, and `{}` has {length} bytes with the right SHA-1",
            file.length,
            file.address()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dkey, ETag, Fid, Proof, S3Bucket, Sha1, Sight, Timestamp};

    fn bucket(name: &str) -> S3Bucket {
        S3Bucket::new(name).expect("a name")
    }

    fn file() -> SourceFile {
        let dkey = Dkey::parse(&format!("{}-repo", Sha1::of(b"a"))).expect("a key");
        SourceFile::new(Fid(7), dkey, ByteCount(1), bucket("here"))
    }

    fn record(of: &str, content: &[u8], proof: Option<Proof>) -> RecordLook {
        RecordLook::Found(Box::new(LedgerRecord {
            fid: Fid(7),
            sha1: Sha1::of(content),
            etag: ETag("e".to_owned()),
            bucket: bucket(of),
            proof,
            route: None,
            length: None,
            migrated_at: None,
        }))
    }

    fn whole() -> Verification {
        Verification {
            run: "r".to_owned(),
            fid: Fid(7),
            sha1: Sha1::of(b"a"),
            bucket: bucket("here"),
            length: ByteCount(1),
            sight: Sight::Head,
            verified_at: Timestamp(0),
        }
    }

    #[test]
    fn a_file_passes_where_its_object_and_its_record_are_right() {
        let check = |look: &RecordLook, expected: Option<(ReasonKind, &[&str])>| {
            let end = compare_with_record(Ok(whole()), look, &file());
            let reason = end.err().map(|failure| failure.reason);
            assert_eq!(reason.as_ref().map(|it| it.kind), expected.map(|it| it.0), "{look:?}");
            for words in expected.iter().flat_map(|(_, words)| *words) {
                let detail = &reason.as_ref().expect("a reason").detail;
                assert!(detail.contains(words), "{detail}");
            }
        };
        let proof = Some(Proof::Put);
        check(&record("here", b"a", proof), None);
        // s3migrate's: the object was just looked at.
        check(&record("here", b"a", None), None);
        check(&RecordLook::Nothing, Some((ReasonKind::NoRecord, &["fid 7"])));
        // No file passes whose record was not looked at.
        check(&RecordLook::NotYet, Some((ReasonKind::NotStarted, &["fid 7"])));
        let (right, wrong) = (Sha1::of(b"a").to_string(), Sha1::of(b"b").to_string());
        let other_sha1: &[&str] = &[&right, &wrong];
        check(&record("here", b"b", proof), Some((ReasonKind::OtherRecord, other_sha1)));
        let other_bucket: &[&str] = &["`there`", "`here`"];
        check(&record("there", b"a", proof), Some((ReasonKind::OtherRecord, other_bucket)));
        let both = &[other_sha1, other_bucket].concat();
        check(&record("there", b"b", proof), Some((ReasonKind::OtherRecord, both)));
    }

    #[test]
    fn a_missing_object_is_the_reason_whatever_the_ledger_says() {
        let failed = |kind| Failure { reason: Reason::new(kind, "words"), left: Left::Nothing };
        for (kind, is_added) in [
            (ReasonKind::Missing, true),
            (ReasonKind::WrongObject, true),
            (ReasonKind::StoreUnreachable, false),
        ] {
            let end = compare_with_record(Err(failed(kind)), &RecordLook::Nothing, &file());
            let reason = end.expect_err("its object is not whole").reason;
            assert_eq!(reason.kind, kind);
            assert_eq!(reason.detail.contains("no record of fid 7"), is_added, "{reason}");
            let right = record("here", b"a", Some(Proof::Put));
            let end = compare_with_record(Err(failed(kind)), &right, &file());
            assert_eq!(end, Err(failed(kind)));
        }
    }

    #[test]
    fn another_length_with_the_right_sha1_is_a_finding() {
        assert_eq!(index_length(&file(), ByteCount(1)), None);
        let finding = index_length(&file(), ByteCount(2)).expect("another length");
        assert_eq!(finding.kind, FindingKind::IndexLength);
        assert!(finding.detail.contains("1 bytes") && finding.detail.contains("2 bytes"));
    }
}
