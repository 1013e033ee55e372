//! What is known about files before a run begins: their ledger records, and the failures since.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use crate::{
    FailureItem, FailureRecord, LedgerItem, ProvenFiles, ProvenFilesBuilder, S3Bucket, SourceFile,
    Standing, UnreadableItem, VerifiedFile,
};

/// What a run does with a file, by what is known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStanding {
    /// Nothing is done: the file is proven with today's content and bucket.
    Proven,
    /// The file is migrated. Its ledger record is for another bucket or another content.
    OfAnother,
    /// The file is migrated, and its final key is looked at first: s3migrate recorded it without a
    /// proof, or a verification found it missing or wrong since it was proven.
    Claimed,
    /// The file is migrated. The ledger has no readable record of it.
    New,
}

/// What the tables say about all files, kept in memory by fid.
#[derive(Debug, Default)]
pub struct KnownFiles {
    /// The proven files, each with its content and bucket.
    pub proven: ProvenFiles,
    /// The fids whose record has no proof.
    pub claimed: RoaringTreemap,
    /// The fids that a verification found missing or wrong since they were proven.
    pub doubted: RoaringTreemap,
    /// Those of `doubted` whose failure record cannot be read.
    pub unreadable: RoaringTreemap,
    /// The fids whose object a verification found whole, but not their record. A run looks at the final
    /// key first.
    pub found_whole: RoaringTreemap,
    /// The fids that have a failure record. A run clears the record when the file is proven.
    pub failed: RoaringTreemap,
    /// The fids that each bucket has a record for, whether today's map names it or not: proven ones, and
    /// s3migrate's claims.
    pub recorded_in: BTreeMap<S3Bucket, RoaringTreemap>,
}

impl KnownFiles {
    /// Returns what a run does with this file.
    #[must_use]
    pub fn standing(&self, file: &SourceFile) -> FileStanding {
        let fid = file.fid.0;
        if self.doubted.contains(fid) {
            return FileStanding::Claimed;
        }
        match self.proven.standing(file.fid, &file.bucket, &file.dkey.sha1) {
            Standing::Proven => FileStanding::Proven,
            Standing::OfAnother => FileStanding::OfAnother,
            Standing::Unknown if self.claimed.contains(fid) => FileStanding::Claimed,
            Standing::Unknown => FileStanding::New,
        }
    }
}

/// Builds [`KnownFiles`]. Items and records may be added in any order.
#[derive(Debug, Default)]
pub struct KnownFilesBuilder {
    proven: ProvenFilesBuilder,
    known: KnownFiles,
}

impl KnownFilesBuilder {
    /// Adds an item of the ledger. Of several for one fid the last counts. An item that cannot be
    /// read is ignored.
    pub fn add_item(&mut self, item: &LedgerItem) {
        let Ok(record) = item else { return };
        let recorded = &mut self.known.recorded_in;
        match recorded.get_mut(&record.bucket) {
            Some(fids) => fids.insert(record.fid.0),
            None => recorded.entry(record.bucket.clone()).or_default().insert(record.fid.0),
        };
        if record.proof.is_none() {
            self.known.claimed.insert(record.fid.0);
            return;
        }
        self.known.claimed.remove(record.fid.0);
        self.proven.add(record.fid, &record.bucket, &record.sha1);
    }

    /// Adds a file that a verification found whole, so that the run does not look at it again.
    pub fn add_verified(&mut self, file: &VerifiedFile) {
        self.proven.add(file.fid, &file.bucket, &file.sha1);
    }

    /// Adds a failure record, and its doubt if it has one. One that cannot be read may have one: its file
    /// is looked at again, and its record cleared when the file is proven.
    pub fn add_failure(&mut self, item: &FailureItem) {
        let (fid, is_doubted) = match item {
            Ok(record) => (record.fid, record.doubts_the_proof()),
            Err(UnreadableItem { fid: Some(fid), .. }) => {
                self.known.unreadable.insert(fid.0);
                (*fid, true)
            }
            Err(UnreadableItem { fid: None, .. }) => return,
        };
        self.known.failed.insert(fid.0);
        if is_doubted {
            self.known.doubted.insert(fid.0);
        }
        if item.as_ref().is_ok_and(FailureRecord::found_the_object_whole) {
            self.known.found_whole.insert(fid.0);
        }
    }

    /// Returns what was added.
    #[must_use]
    pub fn build(self) -> KnownFiles {
        KnownFiles { proven: self.proven.build(), ..self.known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ByteCount, Dkey, ETag, Fid, JobAction, LedgerRecord, Proof, Sha1, Timestamp};

    fn bucket(name: &str) -> S3Bucket {
        S3Bucket::new(name).expect("a name")
    }

    fn item(fid: u64, of: &str, content: &[u8], proof: Option<Proof>) -> LedgerRecord {
        LedgerRecord {
            fid: Fid(fid),
            sha1: Sha1::of(content),
            etag: ETag("e".to_owned()),
            bucket: bucket(of),
            proof,
            route: None,
            length: None,
            migrated_at: None,
        }
    }

    fn failure(fid: u64, action: JobAction, reason: &str) -> FailureRecord {
        FailureRecord {
            fid: Fid(fid),
            action: Some(action),
            dkey: String::new(),
            reason: reason.to_owned(),
            detail: String::new(),
            attempt: 1,
            failed_at: Timestamp(0),
            doubted: false,
            messages: BTreeMap::new(),
        }
    }

    #[test]
    fn a_file_is_judged_as_what_it_is_today() {
        use FileStanding::{Claimed, New, OfAnother, Proven};
        let proof = Some(Proof::Put);
        let mut builder = KnownFilesBuilder::default();
        for record in [
            item(1, "here", b"a", proof),
            item(2, "there", b"a", proof),
            item(3, "here", b"b", proof),
            item(4, "here", b"a", None),
            item(7, "here", b"a", proof),
            item(8, "here", b"a", proof),
            item(9, "here", b"a", proof),
            item(10, "here", b"a", None),
            item(10, "here", b"a", proof),
            item(11, "here", b"a", proof),
        ] {
            builder.add_item(&Ok(record));
        }
        let unreadable = UnreadableItem { fid: Some(Fid(5)), why: "md5".to_owned() };
        builder.add_item(&Err(unreadable));
        builder.add_failure(&Ok(failure(7, JobAction::Verify, "missing")));
        builder.add_failure(&Ok(failure(8, JobAction::Verify, "s3-unreachable")));
        let kept = FailureRecord { doubted: true, ..failure(9, JobAction::Migrate, "no-replica") };
        builder.add_failure(&Ok(kept));
        for fid in [Some(Fid(11)), None] {
            builder.add_failure(&Err(UnreadableItem { fid, why: "attempt".to_owned() }));
        }
        builder.add_failure(&Ok(failure(5, JobAction::Verify, "no-record")));
        builder.add_failure(&Ok(failure(2, JobAction::Verify, "other-record")));
        let kept = FailureRecord { doubted: true, ..failure(3, JobAction::Verify, "other-record") };
        builder.add_failure(&Ok(kept));
        let known = builder.build();
        for (fid, standing) in [
            (1, Proven),
            (2, OfAnother),
            (3, Claimed),
            (4, Claimed),
            (5, New),
            (6, New),
            (7, Claimed),
            (8, Proven),
            (9, Claimed),
            (10, Proven),
            (11, Claimed),
        ] {
            let dkey = Dkey::parse(&format!("{}-repo", Sha1::of(b"a"))).expect("a key");
            let (fid, bucket, length) = (Fid(fid), bucket("here"), ByteCount(1));
            let file = SourceFile::new(fid, dkey, length, bucket);
            assert_eq!(known.standing(&file), standing, "fid {fid}");
        }
        assert_eq!(known.failed, [2, 3, 5, 7, 8, 9, 11].into_iter().collect());
        assert_eq!(known.found_whole, [2, 3, 5].into_iter().collect());
        assert_eq!(known.unreadable, [11].into_iter().collect());
        assert_eq!(
            known.recorded_in[&bucket("here")],
            [1, 3, 4, 7, 8, 9, 10, 11].into_iter().collect()
        );
        assert_eq!(known.recorded_in[&bucket("there")], [2].into_iter().collect());
    }
}
