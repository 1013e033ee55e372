//! What an operator does about each kind of broken reference.

use domain::verify::references::Broken;

/// What an operator does about it.
pub const fn advice(kind: Broken) -> &'static str {
    match kind {
        Broken::ByMigration => {
            "the file is not migrated, or its object went since: the command below brings it"
        }
        Broken::Before => {
            "neither S3 nor MogileFS has the content: restore it into MogileFS under its key and run \
             `mogile2s3 migrate`, or decide to do without it"
        }
        Broken::Lost => {
            "S3 had the object by the ledger, or the row is newer than the freeze, and nothing has the content now: \
             bring the object back from a version, a replica or a backup of the bucket. Where nothing has it, purge \
             the row in contentrepo"
        }
        Broken::Undecided => "mend what lacks (NOT DECIDED, below), then run this again",
        Broken::Accepted => {
            "no finding: `mogile2s3 audit accept --list` shows who accepted each of these files, and why"
        }
        Broken::Missing => {
            "set MOGILE_DATABASE_URL, and this command says whether MogileFS has the content; `mogile2s3 \
             migrate` brings what it has"
        }
        Broken::WrongObject => {
            "where MogileFS has the content, the command below replaces the object. One that it leaves as it is \
             was stored with a SHA-1 that is not its own: delete that object first. One that MogileFS does not \
             have: restore it from a backup"
        }
        Broken::Archived => {
            "a lifecycle rule, or a person, moved the object to an archive: restore it, move it back to \
             STANDARD, and change the rule (`mogile2s3 doctor` shows the rules of each bucket)"
        }
        Broken::Unseen => "`mogile2s3 doctor` tries each kind of request. Then run this again",
        Broken::WrongSize => {
            "the content is whole, and contentrepo's row has a size that is not its own: nothing is to be \
             migrated. Correct the row, or decide to leave it"
        }
        Broken::NoChecksum | Broken::UnknownStatus => {
            "contentrepo's row says nothing that can be looked for: correct it, or decide to leave it"
        }
        Broken::OtherKey => {
            "contentrepo asks S3 for the checksum as it stands in its row, and no object has that key. Correct each \
             of these rows: `UPDATE objects SET checksum = LOWER(TRIM(checksum)), timestamp = timestamp WHERE id = \
             …`. Then run this again"
        }
        Broken::NoBucket => {
            "contentrepo itself cannot find the content of such a row: correct it, or decide to leave it"
        }
        Broken::UnmappedBucket => {
            "add the bucket to BUCKETS or to IGNORE_BUCKETS, then run this again"
        }
        Broken::NoRow => {
            "rhino names a file that contentrepo does not have: restore contentrepo's row, or decide to do \
             without the file"
        }
        Broken::Purged => {
            "the file was purged from contentrepo on purpose, and rhino still names it: decide about it there"
        }
        Broken::NullColumn => "rhino's row names no file: correct it, or decide to leave it",
        Broken::NoObject => {
            "the rows of contentrepo that are named above decide: these are the files of articles that cannot \
             be read until then"
        }
    }
}
