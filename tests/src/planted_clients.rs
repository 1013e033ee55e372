//! Rows of contentrepo's and rhino's tables, as a contract expects them.

use std::collections::BTreeMap;

use domain::ByteCount;
use domain::ports::{ArticleFile, RepoBucket, RepoExtent, RepoObject, RepoStatus};

/// A column's largest number, which larger sizes are cut to.
pub const INT_MAX: u64 = 2_147_483_647;

/// contentrepo's rows.
pub struct ContentRepoRows {
    /// The table `buckets`, ascending.
    pub buckets: Vec<RepoBucket>,
    /// The table `objects`, ascending, each with its number in the column `status`.
    pub objects: Vec<(RepoObject, i8)>,
}

impl ContentRepoRows {
    /// Objects of every status, several versions, types and names of every kind, with gaps between
    /// their ids.
    #[must_use]
    pub fn new() -> Self {
        let names = ["mogilefs-prod-repo", "it's \"quoted\\\" %_", "Upper", &"n".repeat(255)];
        let buckets = (1..).zip(names).map(|(id, name)| RepoBucket { id, name: name.to_owned() });
        let types = [None, Some(""), Some("image/tiff"), Some("text/html; charset=utf-8")];
        let long = "\u{e9}".repeat(1_000);
        let downloads = [None, Some(""), Some("a \"b\".pdf"), Some(&*long), Some("x\r\ny")];
        let statuses = [
            (RepoStatus::Used, 0),
            (RepoStatus::Deleted, 1),
            (RepoStatus::Purged, 2),
            (RepoStatus::Unknown, 7),
            (RepoStatus::Unknown, -1),
        ];
        let sizes = [Some(0), Some(1), Some(INT_MAX - 1), Some(INT_MAX), None];
        let object = |number: usize| {
            let (status, code) = statuses[number % statuses.len()];
            let id = number as u64 * 3 + 1;
            let object = RepoObject {
                id,
                bucket: number as u64 % 4 + 1,
                // Several versions of one key, and keys that differ in case alone.
                key: ["a", "A", "b/\u{e9} c"][number / 7 % 3].to_owned(),
                checksum: match number % 11 {
                    0 => "no checksum".to_owned(),
                    1 => String::new(),
                    _ => format!("{:040x}", number / 2),
                },
                size: sizes[number % sizes.len()].filter(|size| *size != INT_MAX).map(ByteCount),
                content_type: types[number % types.len()].map(str::to_owned),
                download_name: downloads[number / 3 % downloads.len()].map(str::to_owned),
                status,
                uuid: uuid(id),
            };
            (object, code)
        };
        Self { buckets: buckets.collect(), objects: (0..90).map(object).collect() }
    }

    /// How far they have come.
    #[must_use]
    pub fn extent(&self) -> RepoExtent {
        let mut rows = BTreeMap::new();
        for (object, _) in &self.objects {
            *rows.entry(object.status).or_default() += 1;
        }
        RepoExtent { last: self.objects.last().map(|(object, _)| object.id), rows }
    }

    /// The size in the table of the object of this place.
    #[must_use]
    pub const fn size_of(object: &RepoObject, place: usize) -> Option<u64> {
        match object.size {
            Some(ByteCount(size)) => Some(size),
            None if place % 5 == 3 => Some(INT_MAX),
            None => None,
        }
    }
}

impl Default for ContentRepoRows {
    fn default() -> Self {
        Self::new()
    }
}

/// rhino's rows of `articleFile`, ascending, with gaps between their ids.
#[must_use]
pub fn article_files() -> Vec<ArticleFile> {
    let buckets = ["mogilefs-prod-repo", "corpus", "Corpus", "corpus ", ""];
    let file = |number: u64| {
        let bucket = buckets.get(usize::try_from(number % 6).unwrap_or_default());
        // One far behind the others, as after a table was filled anew.
        let id = if number == 89 { 1 << 40 } else { number * 3 + 1 };
        ArticleFile {
            id,
            bucket: bucket.map(|&bucket| bucket.to_owned()),
            key: (!number.is_multiple_of(4)).then(|| format!("10.1371/journal.\u{e9}.{number}")),
            uuid: (!number.is_multiple_of(9)).then(|| uuid(number)),
            size: (!number.is_multiple_of(5)).then_some(ByteCount(number << 33)),
        }
    };
    (0..90).map(file).collect()
}

fn uuid(number: u64) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}
