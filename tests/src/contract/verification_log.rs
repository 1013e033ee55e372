//! What every [`VerificationLog`] promises.

use domain::ports::{LedgerError, VerificationLog};
use domain::{ByteCount, Fid, S3Bucket, Sha1, Sight, Timestamp, Verification, VerifiedFile};
use roaring::RoaringTreemap;

/// More verifications than one answer to a query takes (1 MB).
const MANY: u64 = 10_000;

/// Checks every promise of the port on a log, empty as yet.
///
/// # Panics
/// When a promise is not kept.
pub async fn holds(log: &dyn VerificationLog) {
    nothing_is_there(log).await;
    each_run_has_its_own(log).await;
    a_second_pass_is_the_same(log).await;
    every_fid_is_told(log).await;
}

/// Checks what a log without a table says.
///
/// # Panics
/// When a promise is not kept.
pub async fn missing_table_is_told(log: &dyn VerificationLog) {
    let answers = [log.record(&[passed("one", 1)]).await, log.verified("one", &mut |_| ()).await];
    for answer in answers {
        assert!(matches!(answer, Err(LedgerError::NoTable { .. })), "{answer:?}");
    }
}

async fn nothing_is_there(log: &dyn VerificationLog) {
    log.record(&[]).await.expect("nothing to do");
    for run in ["", "-", "one"] {
        assert_eq!(verified(log, run).await, RoaringTreemap::new(), "`{run}`");
    }
}

async fn each_run_has_its_own(log: &dyn VerificationLog) {
    let runs = ["one", "two", "", "-", "--", "One", "one ", "é😀"];
    // One call for all of them, which is more than one batch; the same fids in every run, and
    // one of its own.
    let fids = |own: u64| [0, 1, 60, u64::MAX, 1_000 + own];
    let all: Vec<_> =
        (0..).zip(runs).flat_map(|(own, run)| fids(own).map(|fid| passed(run, fid))).collect();
    log.record(&all).await.expect("recorded");
    for (own, run) in (0..).zip(runs) {
        assert_eq!(verified(log, run).await, fids(own).into_iter().collect(), "`{run}`");
    }
    assert_eq!(verified(log, "on").await, RoaringTreemap::new());
}

async fn a_second_pass_is_the_same(log: &dyn VerificationLog) {
    let twice = [passed("twice", 7), Verification { sight: Sight::Download, ..passed("twice", 7) }];
    log.record(&twice).await.expect("recorded, in one batch");
    log.record(&twice).await.expect("recorded, again");
    assert_eq!(verified(log, "twice").await, [7].into_iter().collect());
}

async fn every_fid_is_told(log: &dyn VerificationLog) {
    let fids = || (0..MANY).map(|number| number * 3);
    let all: Vec<_> = fids().map(|fid| passed("many", fid)).collect();
    log.record(&all).await.expect("recorded");
    assert_eq!(verified(log, "many").await, fids().collect());
}

/// A file that was found whole.
///
/// # Panics
/// Never: its values are valid.
#[must_use]
pub fn passed(run: &str, fid: u64) -> Verification {
    Verification {
        run: run.to_owned(),
        fid: Fid(fid),
        sha1: Sha1::of(&fid.to_be_bytes()),
        bucket: S3Bucket::new("corpus-prod").expect("a name"),
        length: ByteCount(fid / 2),
        sight: Sight::Head,
        verified_at: Timestamp(1_767_225_600_123),
    }
}

async fn verified(log: &dyn VerificationLog, run: &str) -> RoaringTreemap {
    let mut fids = RoaringTreemap::new();
    let mut each = |file: VerifiedFile| {
        let Verification { bucket, sha1, .. } = passed(run, file.fid.0);
        assert_eq!((&file.bucket, &file.sha1), (&bucket, &sha1), "fid {}", file.fid);
        fids.insert(file.fid.0);
    };
    log.verified(run, &mut each).await.expect("an answer");
    fids
}
