//! Who is told of a comparison while it goes on.

use crate::{Fid, ObjectKey, S3Bucket};

/// What a line says of a file or an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// The file is in S3 as it must be.
    Whole,
    /// The file's object is missing.
    Missing,
    /// The file's object is not as it must be.
    Differs,
    /// The object is no file's.
    Extra,
    /// The file could not be looked at.
    Unseen,
    /// The file's object is missing, and an operator accepts that.
    Accepted,
}

/// What became of one file, or of one object that is no file's.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// What it says.
    pub mark: Mark,
    /// The S3 bucket.
    pub bucket: &'a S3Bucket,
    /// The key in it.
    pub key: &'a ObjectKey,
    /// The file's number; an object that is no file's has none.
    pub fid: Option<Fid>,
    /// The name of what is wrong, and its text; both are empty where nothing is.
    pub trouble: (&'a str, &'a str),
    /// Whether the file has had a line before, which this one replaces: its content was read behind
    /// the comparison, for the sample.
    pub is_correction: bool,
}

/// Is told of a comparison while it goes on.
pub trait VerifyObserver: Send + Sync {
    /// There are so many ranges of keys.
    fn expect(&self, ranges: u64);

    /// So many rows of the index were read.
    fn read(&self, rows: u64);

    /// So many objects were listed.
    fn listed(&self, objects: u64);

    /// A range of keys is compared.
    fn range_done(&self);

    /// The content of so many files is read now, as a sample.
    fn sampling(&self, files: u64);

    /// A file is compared, or an object is no file's.
    fn line(&self, line: &Line<'_>);
}

/// Several observers, each of which is told all.
pub struct All<'a>(pub Vec<&'a dyn VerifyObserver>);

impl VerifyObserver for All<'_> {
    fn expect(&self, ranges: u64) {
        self.0.iter().for_each(|observer| observer.expect(ranges));
    }

    fn read(&self, rows: u64) {
        self.0.iter().for_each(|observer| observer.read(rows));
    }

    fn listed(&self, objects: u64) {
        self.0.iter().for_each(|observer| observer.listed(objects));
    }

    fn range_done(&self) {
        self.0.iter().for_each(|observer| observer.range_done());
    }

    fn sampling(&self, files: u64) {
        self.0.iter().for_each(|observer| observer.sampling(files));
    }

    fn line(&self, line: &Line<'_>) {
        self.0.iter().for_each(|observer| observer.line(line));
    }
}
