//! Rows of contentrepo's and rhino's tables, as a contract expects them.

use std::collections::BTreeMap;

use adapters::mysql::IDS_COUNTED;
use domain::ByteCount;
use domain::ports::{ArticleFile, RepoBucket, RepoExtent, RepoObject, RepoStatus, RowId};

/// A column's largest number, which larger sizes are cut to.
const INT_MAX: i64 = i32::MAX as i64;

/// Rows of each large table.
const ROWS: usize = 90;

/// contentrepo's rows.
pub struct ContentRepoRows {
    /// The table `buckets`, ascending.
    pub buckets: Vec<RepoBucket>,
    /// The table `objects`, ascending.
    pub objects: Vec<PlantedObject>,
}

/// A row of the table `objects`.
pub struct PlantedObject {
    /// As a reader shows it.
    pub object: RepoObject,
    /// The column `status`.
    pub status: i8,
    /// The column `size`.
    pub size: i64,
    /// The column `tag`.
    pub tag: Option<String>,
    /// The column `userMetadata`.
    pub user_metadata: Option<String>,
}

impl ContentRepoRows {
    /// Objects of every status, in every bucket and in none, several versions, types and names of
    /// every kind.
    #[must_use]
    pub fn new() -> Self {
        let names = ["mogilefs-prod-repo", "it's \"quoted\\\" %_", "Upper", &"n".repeat(255)];
        let buckets = [i32::MIN, 0, 1, 2].into_iter().zip(names);
        let buckets =
            buckets.map(|(id, name)| RepoBucket { id: RowId(id.into()), name: name.to_owned() });
        let buckets: Vec<_> = buckets.collect();
        let types = [None, Some(""), Some("image/tiff"), Some("text/html; charset=utf-8")];
        let long = "\u{e9}".repeat(1_000);
        let downloads = [None, Some(""), Some("a \"b\".pdf"), Some(&*long), Some("x\r\ny")];
        let tags = [None, Some(""), Some("a tag \u{fc}")];
        let longest = "\u{e9}".repeat(3_000);
        let metadata = [None, Some(""), Some("{\"a\": 1}"), Some(&*longest)];
        let statuses = [
            (RepoStatus::Used, 0),
            (RepoStatus::Deleted, 1),
            (RepoStatus::Purged, 2),
            (RepoStatus::Unknown, 7),
            (RepoStatus::Unknown, -1),
        ];
        let sizes = [0, 1, INT_MAX - 1, INT_MAX, -1];
        let object = |(number, id): (usize, RowId)| {
            let (of_status, status) = statuses[number % statuses.len()];
            let size = sizes[number % sizes.len()];
            let known_size = Some(size).filter(|size| (0..INT_MAX).contains(size));
            let object = RepoObject {
                id,
                bucket: buckets.get(number % 5).map(|bucket| bucket.id),
                // Several versions of one key, and keys that differ in case alone.
                key: ["a", "A", "b/\u{e9} c"][number / 7 % 3].to_owned(),
                checksum: match number % 11 {
                    0 => "no checksum".to_owned(),
                    1 => String::new(),
                    _ => format!("{:040x}", number / 2),
                },
                size: known_size.map(|size| ByteCount(size.unsigned_abs())),
                content_type: types[number % types.len()].map(str::to_owned),
                download_name: downloads[number / 3 % downloads.len()].map(str::to_owned),
                status: of_status,
                uuid: uuid(number),
            };
            let tag = tags[number % tags.len()].map(str::to_owned);
            let user_metadata = metadata[number / 2 % metadata.len()].map(str::to_owned);
            PlantedObject { object, status, size, tag, user_metadata }
        };
        let ids = ids(i32::MIN.into(), i32::MAX.into());
        let objects = ids.into_iter().enumerate().map(object).collect();
        Self { buckets, objects }
    }

    /// How far they have come.
    #[must_use]
    pub fn extent(&self) -> RepoExtent {
        let mut rows = BTreeMap::new();
        for PlantedObject { object, .. } in &self.objects {
            *rows.entry(object.status).or_default() += 1;
        }
        RepoExtent { last: self.objects.last().map(|planted| planted.object.id), rows }
    }
}

impl Default for ContentRepoRows {
    fn default() -> Self {
        Self::new()
    }
}

/// rhino's rows of `articleFile`, ascending.
#[must_use]
pub fn article_files() -> Vec<ArticleFile> {
    let buckets = ["mogilefs-prod-repo", "corpus", "Corpus", "corpus ", ""];
    let file = |(number, id): (usize, RowId)| ArticleFile {
        id,
        bucket: Some(buckets[number % buckets.len()].to_owned()),
        key: Some(format!("10.1371/journal.\u{e9}.{number}")),
        uuid: Some(uuid(number)),
        size: Some(ByteCount((number as u64) << 33)),
    };
    ids(i64::MIN, i64::MAX).into_iter().enumerate().map(file).collect()
}

/// Ids from the lowest to the highest that a column holds, ascending: at both sides of the places where
/// one query stops counting and the next begins, around 0, and with small gaps from 1 on.
fn ids(lowest: i64, highest: i64) -> Vec<RowId> {
    let lowest = i128::from(lowest);
    let window = i128::from(IDS_COUNTED);
    let edges = [0, window - 1, window, window + 1, 2 * window - 1, 2 * window];
    let mut ids: Vec<_> = edges.into_iter().map(|edge| lowest + edge).collect();
    ids.extend([-1, 0]);
    let gaps = (0..).map(|number| number * 3 + 1);
    ids.extend(gaps.take(ROWS - ids.len() - 1));
    ids.push(highest.into());
    ids.into_iter().map(RowId).collect()
}

fn uuid(number: usize) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}
