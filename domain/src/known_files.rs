//! What is known of files before a run begins: what the ledger has of them, and what failed since.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use crate::{
    FailureRecord, LedgerItem, ProvenFiles, ProvenFilesBuilder, S3Bucket, SourceFile, Standing,
    VerifiedFile,
};

/// What a run does about a file, by what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStanding {
    /// Nothing: it is proven, as the file that it is today.
    Proven,
    /// It is migrated. Its record is of another bucket or another content.
    OfAnother,
    /// It is migrated, and its final key is looked at first: a former tool claims it, or a
    /// verification found it missing or wrong since it was proven.
    Claimed,
    /// It is migrated.
    New,
}

/// What is known of all files.
#[derive(Debug, Default)]
pub struct KnownFiles {
    /// What is proven, of which content and in which bucket.
    pub proven: ProvenFiles,
    /// The fids whose record has no proof.
    pub claimed: RoaringTreemap,
    /// The fids that a verification found missing or wrong since they were proven.
    pub doubted: RoaringTreemap,
    /// The fids that have a failure record, to be cleared when they are proven.
    pub failed: RoaringTreemap,
    /// The fids that are proven in other buckets than today's map names.
    pub elsewhere: BTreeMap<S3Bucket, RoaringTreemap>,
}

impl KnownFiles {
    /// What is to be done about a file.
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

/// [`KnownFiles`] while they are gathered, in any order.
#[derive(Debug, Default)]
pub struct KnownFilesBuilder {
    proven: ProvenFilesBuilder,
    known: KnownFiles,
}

impl KnownFilesBuilder {
    /// Takes an item of the ledger. Of several for one fid the last counts.
    pub fn add_item(&mut self, item: &LedgerItem, is_mapped: impl Fn(&S3Bucket) -> bool) {
        let Ok(record) = item else { return };
        if record.proof.is_none() {
            self.known.claimed.insert(record.fid.0);
            return;
        }
        self.known.claimed.remove(record.fid.0);
        self.proven.add(record.fid, &record.bucket, &record.sha1);
        if !is_mapped(&record.bucket) {
            self.known.elsewhere.entry(record.bucket.clone()).or_default().insert(record.fid.0);
        }
    }

    /// Takes what a verification found whole, for a run that asks for no more.
    pub fn add_verified(&mut self, file: &VerifiedFile) {
        self.proven.add(file.fid, &file.bucket, &file.sha1);
    }

    /// Takes a failure record.
    pub fn add_failure(&mut self, record: &FailureRecord) {
        self.known.failed.insert(record.fid.0);
        if record.doubts_the_proof() {
            self.known.doubted.insert(record.fid.0);
        }
    }

    /// What is known.
    #[must_use]
    pub fn build(self) -> KnownFiles {
        KnownFiles { proven: self.proven.build(), ..self.known }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ByteCount, Dkey, ETag, Fid, JobAction, LedgerRecord, Proof, Sha1, Timestamp, UnreadableItem,
    };

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
        ] {
            builder.add_item(&Ok(record), |name| name.as_str() == "here");
        }
        let unreadable = UnreadableItem { fid: Some(Fid(5)), why: "md5".to_owned() };
        builder.add_item(&Err(unreadable), |name| name.as_str() == "here");
        builder.add_failure(&failure(7, JobAction::Verify, "missing"));
        builder.add_failure(&failure(8, JobAction::Verify, "s3-unreachable"));
        let kept = FailureRecord { doubted: true, ..failure(9, JobAction::Migrate, "no-replica") };
        builder.add_failure(&kept);
        let known = builder.build();
        for (fid, standing) in [
            (1, Proven),
            (2, OfAnother),
            (3, OfAnother),
            (4, Claimed),
            (5, New),
            (6, New),
            (7, Claimed),
            (8, Proven),
            (9, Claimed),
            (10, Proven),
        ] {
            let dkey = Dkey::parse(&format!("{}-repo", Sha1::of(b"a"))).expect("a key");
            let (fid, bucket, length) = (Fid(fid), bucket("here"), ByteCount(1));
            let file = SourceFile { fid, dkey, length, bucket };
            assert_eq!(known.standing(&file), standing, "fid {fid}");
        }
        assert_eq!(known.failed, [7, 8, 9].into_iter().collect());
        assert_eq!(known.elsewhere[&bucket("there")], [2].into_iter().collect());
    }
}
