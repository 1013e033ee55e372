//! Rows of MogileFS's index, good and bad, with what the migration must make of each.

use domain::BucketMap;
use stand_ins::world::mogile::{ClassId, DeviceId, Fid, FileRow, MogileFs};

/// The domain that is migrated.
pub const DOMAIN: &str = "plos_repo";
/// Another domain of the same MogileFS.
pub const OTHER_DOMAIN: &str = "other_domain";

/// The rows of the table `class`: `dmid`, `classid`, `classname`, `mindevcount`. The default class of
/// [`DOMAIN`] has none, and classes of [`OTHER_DOMAIN`] have the numbers and the name of others.
pub const CLASSES: [(u16, u8, &str, u8); 3] =
    [(1, 1, "rare", 3), (2, 0, "default", 5), (2, 1, "rare", 4)];

/// The classes of [`DOMAIN`]: number, name, `mindevcount`.
pub const CLASSES_OF_DOMAIN: [(u8, &str, u8); 2] = [(0, "default", 2), (1, "rare", 3)];

/// One row of the table `file`, and what must become of it.
#[derive(Debug, Clone)]
pub struct PlantedRow {
    /// The file's number.
    pub fid: u64,
    /// The key.
    pub dkey: Option<String>,
    /// The length.
    pub length: Option<u64>,
    /// The storage class, by its number.
    pub classid: u8,
    /// What must become of it.
    pub fate: Fate,
}

/// What must become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It belongs to another domain: counted, not shown.
    Foreign,
    /// It is migrated.
    Source,
    /// An unfinished upload.
    Temporary,
    /// Its bucket is left behind.
    Ignored,
    /// Rejected without a key.
    NoKey,
    /// Rejected without a length.
    NoLength,
    /// Rejected because its key names no content.
    NotContentAddressed,
    /// Rejected because nobody says where its bucket goes.
    Unmapped,
}

impl PlantedRow {
    /// The number of its domain: 1 of [`DOMAIN`], 2 of [`OTHER_DOMAIN`].
    #[must_use]
    pub fn dmid(&self) -> u16 {
        if self.fate == Fate::Foreign { 2 } else { 1 }
    }

    /// The number of its replicas: none, one or two.
    #[must_use]
    pub const fn replicas(&self) -> u8 {
        (self.fid % 3) as u8
    }
}

/// The buckets that the fates go by.
///
/// # Panics
/// Never: the settings are valid.
#[must_use]
pub fn buckets() -> BucketMap {
    BucketMap::parse("repo:new-repo", "trash").expect("valid settings")
}

/// More rows than any page holds, ascending, with gaps between the fids, hazards among plain
/// files, and more of another domain's rows in a row than a tracker lists at once.
#[must_use]
pub fn rows() -> Vec<PlantedRow> {
    let mut rows = Rows { rows: Vec::new(), fid: 0 };
    rows.plain(600);
    rows.hazards();
    rows.foreign(700);
    rows.plain(900);
    rows.fid = 4_000_000_000;
    rows.plain(3);
    rows.foreign(2);
    rows.rows
}

/// [`rows`], and behind them two whose fids have eleven digits.
#[must_use]
pub fn rows_with_long_fids() -> Vec<PlantedRow> {
    let mut rows = Rows { rows: rows(), fid: 12_345_678_900 };
    rows.plain(1);
    rows.foreign(1);
    rows.rows
}

struct Rows {
    rows: Vec<PlantedRow>,
    fid: u64,
}

impl Rows {
    fn add(&mut self, dkey: Option<String>, length: Option<u64>, classid: u8, fate: Fate) {
        // Every eleventh upload never ended.
        self.fid += if self.rows.len() % 11 == 10 { 2 } else { 1 };
        self.rows.push(PlantedRow { fid: self.fid, dkey, length, classid, fate });
    }

    fn plain(&mut self, count: usize) {
        for _ in 0..count {
            let key = format!("{}-repo", self.sha1());
            self.add(Some(key), Some(self.fid), 0, Fate::Source);
        }
    }

    fn foreign(&mut self, count: usize) {
        for _ in 0..count {
            let key = format!("{}-repo", self.sha1());
            self.add(Some(key), Some(1), 0, Fate::Foreign);
        }
    }

    fn hazards(&mut self) {
        let uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
        let upper = format!("{}-repo", self.sha1()).to_uppercase();
        self.add(Some(upper), Some(1), 0, Fate::NotContentAddressed);
        for (ending, length, classid, fate) in [
            ("-repo", Some(1), 1, Fate::Source),
            ("-repo", Some(u64::from(u32::MAX) + 1), 0, Fate::Source),
            ("-repo", Some(0), 0, Fate::Source),
            ("-repo", None, 0, Fate::NoLength),
            ("-repo ", Some(1), 0, Fate::NotContentAddressed),
            ("-repo-with+signs&a=b%20c", Some(1), 0, Fate::Unmapped),
            ("-nowhere", Some(1), 0, Fate::Unmapped),
            ("-trash", Some(1), 0, Fate::Ignored),
            ("-trash", None, 0, Fate::Ignored),
        ] {
            let key = format!("{}{ending}", self.sha1());
            self.add(Some(key), length, classid, fate);
        }
        for (key, fate) in [
            (None, Fate::NoKey),
            (None, Fate::NoKey),
            (Some(String::new()), Fate::NotContentAddressed),
            (Some("README".to_owned()), Fate::NotContentAddressed),
            (Some("gr\u{fc}\u{df}e".to_owned()), Fate::NotContentAddressed),
            (Some(format!("{uuid}.tmp")), Fate::Temporary),
        ] {
            self.add(key, Some(1), 0, fate);
        }
        self.add(None, None, 0, Fate::NoKey);
    }

    /// Another one for each row; far apart, as those of contents are.
    fn sha1(&self) -> String {
        let row = self.rows.len() as u128 + 1;
        let number = row.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        format!("{:08x}{number:032x}", number >> 96)
    }
}

/// Plants rows in a stand-in MogileFS that has no domain yet.
///
/// # Panics
/// When the stand-in numbers its classes in another way than [`CLASSES`].
pub fn plant(mogile: &MogileFs, rows: &[PlantedRow]) {
    let dmids = [mogile.add_domain(DOMAIN), mogile.add_domain(OTHER_DOMAIN)];
    for (dmid, id, name, mindevcount) in CLASSES {
        let (dmid, id) = (dmids[usize::from(dmid - 1)], ClassId(id));
        if id != ClassId(0) {
            assert_eq!(mogile.add_class(dmid, name), id);
        }
        mogile.set_mindevcount(dmid, id, mindevcount);
    }
    for row in rows {
        mogile.plant(FileRow {
            fid: Fid(row.fid),
            dmid: dmids[usize::from(row.dmid() - 1)],
            dkey: row.dkey.clone(),
            length: row.length,
            classid: ClassId(row.classid),
            devids: (1..=row.replicas()).map(|number| DeviceId(number.into())).collect(),
        });
    }
}
