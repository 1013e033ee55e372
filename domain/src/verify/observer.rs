//! Who is told of a comparison while it goes on.

use crate::{Fid, ObjectKey, Reason, S3Bucket};

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
    /// The run of key ranges in which it was found; [`None`] behind all ranges. It counts when that run
    /// says that its range is done.
    pub run: Option<usize>,
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
    /// So many rows of the index were read to be sorted, before there are ranges.
    fn sorting(&self, rows: u64);

    /// There are so many ranges of keys, of which so many are done already.
    fn expect(&self, ranges: u64, done: u64);

    /// So many rows of the index were read.
    fn read(&self, rows: u64);

    /// So many objects were listed.
    fn listed(&self, objects: u64);

    /// This run of ranges has compared one of them.
    fn range_done(&self, run: usize);

    /// The content of so many files is read now, as a sample.
    fn sampling(&self, files: u64);

    /// A system does not answer. The comparison waits for it.
    fn holding(&self, why: &Reason);

    /// It answers again, or is waited for no longer.
    fn going_on(&self);

    /// A file is compared, or an object is no file's.
    fn line(&self, line: &Line<'_>);
}

/// Several observers, each of which is told all.
pub struct All<'a>(pub Vec<&'a dyn VerifyObserver>);

impl VerifyObserver for All<'_> {
    fn sorting(&self, rows: u64) {
        self.0.iter().for_each(|observer| observer.sorting(rows));
    }

    fn expect(&self, ranges: u64, done: u64) {
        self.0.iter().for_each(|observer| observer.expect(ranges, done));
    }

    fn read(&self, rows: u64) {
        self.0.iter().for_each(|observer| observer.read(rows));
    }

    fn listed(&self, objects: u64) {
        self.0.iter().for_each(|observer| observer.listed(objects));
    }

    fn range_done(&self, run: usize) {
        self.0.iter().for_each(|observer| observer.range_done(run));
    }

    fn sampling(&self, files: u64) {
        self.0.iter().for_each(|observer| observer.sampling(files));
    }

    fn holding(&self, why: &Reason) {
        self.0.iter().for_each(|observer| observer.holding(why));
    }

    fn going_on(&self) {
        self.0.iter().for_each(|observer| observer.going_on());
    }

    fn line(&self, line: &Line<'_>) {
        self.0.iter().for_each(|observer| observer.line(line));
    }
}
