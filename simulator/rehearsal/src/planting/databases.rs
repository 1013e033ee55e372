//! contentrepo's and rhino's databases, as years of publishing leave them: each file is an object's
//! content, of some two, and rhino knows most objects.

use std::collections::BTreeMap;

use anyhow::Context;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stand_ins::embedded::{BUCKETS, EmbeddedWorld, IGNORED_BUCKET};
use stand_ins::world::databases::{
    ArticleFileRow, CollectionRow, Database, ObjectRow, Planting, Status,
};
use stand_ins::world::mogile::Fid;

use super::{Expected, Headers, Planted};

/// Types of contents, one after the other: of known kinds, none, and one that is none. Each with what S3
/// must give to readers.
const TYPES: [(Option<&str>, Option<&str>); 5] = [
    (Some("application/pdf"), Some("application/pdf")),
    (Some("image/tiff"), Some("image/tiff")),
    (Some("text/xml; charset=utf-8"), Some("text/xml; charset=utf-8")),
    (None, None),
    (Some("no type at all"), None),
];

/// Names under which contents are saved: plain, none, with letters beyond ASCII, with a quote, and with
/// a control character. Each with the `Content-Disposition` that S3 must give to readers.
const NAMES: [(Option<&str>, Option<&str>); 5] = [
    (Some("article.pdf"), Some("inline; filename=\"article.pdf\"")),
    (None, None),
    (
        Some("gr\u{f6}\u{df}e \u{2192} 7.tif"),
        Some(
            "inline; filename=\"gr__e _ 7.tif\"; \
             filename*=UTF-8''gr%C3%B6%C3%9Fe%20%E2%86%92%207.tif",
        ),
    ),
    (
        Some("a \"quoted\" name.xml"),
        Some(
            "inline; filename=\"a _quoted_ name.xml\"; \
             filename*=UTF-8''a%20%22quoted%22%20name.xml",
        ),
    ),
    (Some("tab\there.txt"), None),
];

/// A type and a name of those above, for the row of this number.
fn type_and_name(number: usize) -> (usize, usize) {
    (number % TYPES.len(), number / 2 % NAMES.len())
}

/// The rows that refer to the file of this number, as they are written one after the other: each with a
/// type and a name of its own.
fn rows_of(number: usize) -> Vec<(usize, Status)> {
    let first = if number % 11 == 4 { Status::Deleted } else { Status::InUse };
    let mut rows = vec![(number, first)];
    if number % 5 == 1 {
        rows.push((number + 1, Status::InUse));
    }
    if number % 17 == 4 {
        rows.push((number + 3, Status::Deleted));
    }
    rows
}

/// The content type and the disposition that S3 must give to readers with the file of this number: those
/// of the newest row in use, or else of the newest one.
fn headers(number: usize) -> Headers {
    let rows = rows_of(number);
    let in_use = rows.iter().rfind(|(_, status)| *status == Status::InUse);
    let (variant, _) = in_use.or_else(|| rows.last()).expect("each file has a row");
    let (kind, name) = type_and_name(*variant);
    Headers { content_type: TYPES[kind].1, disposition: NAMES[name].1 }
}

/// Kinds of an article's parts.
const FILE_TYPES: [Option<&str>; 3] = [Some("manuscript"), Some("printable"), None];

/// A key, and how many versions of it there are.
struct Newest {
    key: String,
    versions: u32,
}

/// Plants a row of `objects` at least for each file, of `articleFile` for each object in use, and
/// collections of some objects. Each file gets the headers that follow from its rows.
pub(super) fn plant(world: &EmbeddedWorld, into: &mut Planted, seed: u64) -> anyhow::Result<()> {
    for (number, file) in into.expected.iter_mut().enumerate() {
        file.headers = headers(number);
    }
    let files = &into.expected;
    // Of its own: what is drawn here changes nothing in the corpus.
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x6461_7461_6261_7365);
    let planted = world.databases.plant(|planting| {
        let mut buckets = BTreeMap::new();
        for name in BUCKETS.map(|(old, _)| old).into_iter().chain([IGNORED_BUCKET]) {
            buckets.insert(name, planting.bucket(name)?);
        }
        let mut newest = BTreeMap::new();
        for (number, file) in files.iter().enumerate() {
            let bucket = BUCKETS.iter().find(|(_, new)| *new == file.bucket);
            let (bucket, _) = bucket.with_context(|| format!("no bucket `{}`", file.bucket))?;
            let mut place = Place { planting, rng: &mut rng, bucket, id: buckets[bucket] };
            place.plant_file(number, file, &mut newest)?;
        }
        let ignored =
            Place { planting, rng: &mut rng, bucket: IGNORED_BUCKET, id: buckets[IGNORED_BUCKET] };
        plant_ignored(world, ignored)
    });
    planted.context("planting the clients' databases")?;
    let rows = "SELECT id FROM objects";
    into.repo_objects = world.databases.texts(Database::ContentRepo, rows)?.len();
    Ok(())
}

/// A bucket that is filled.
struct Place<'a> {
    planting: &'a Planting<'a>,
    rng: &'a mut ChaCha8Rng,
    bucket: &'static str,
    id: i64,
}

impl Place<'_> {
    fn plant_file(
        &mut self,
        number: usize,
        file: &Expected,
        newest: &mut BTreeMap<&'static str, Newest>,
    ) -> anyhow::Result<()> {
        let own_key = || Newest { key: format!("10.1371/journal.{number:07}"), versions: 0 };
        // Some are another version of what came before.
        let keyed = newest.entry(self.bucket).or_insert_with(own_key);
        if number % 7 != 2 {
            *keyed = own_key();
        }
        let (key, version) = (keyed.key.clone(), keyed.versions);
        keyed.versions += 1;
        let size = file.file.content.length();
        let mut objects = Vec::new();
        for (again, (variant, status)) in rows_of(number).into_iter().enumerate() {
            let key = format!("{key}{}", ".again".repeat(again));
            let sha1 = &file.file.sha1;
            objects.push(self.plant_object(variant, &key, version, sha1, size, status)?);
        }
        if number % 13 == 6 {
            let purged = format!("{key}.purged");
            let gone = format!("{:040x}", u128::from(self.rng.next_u64()));
            objects.push(self.plant_object(number, &purged, 0, &gone, 7, Status::Purged)?);
        }
        if number % 3 == 1 {
            let (key, uuid) = (format!("collection.{number:07}"), self.uuid());
            let (bucket, objects) = (self.id, objects.as_slice());
            self.planting.collection(&CollectionRow { bucket, key: &key, uuid: &uuid, objects })?;
        }
        Ok(())
    }

    fn plant_object(
        &mut self,
        number: usize,
        key: &str,
        version: u32,
        sha1: &str,
        size: u64,
        status: Status,
    ) -> anyhow::Result<i64> {
        let (uuid, (kind, named)) = (self.uuid(), type_and_name(number));
        let object = self.planting.object(&ObjectRow {
            bucket: self.id,
            key,
            version,
            sha1,
            size,
            name: NAMES[named].0,
            content_type: TYPES[kind].0,
            status,
            uuid: &uuid,
        })?;
        if status == Status::InUse {
            self.planting.article_file(&ArticleFileRow {
                ingestion: object / 3,
                item: (object % 4 != 0).then_some(object),
                file_type: FILE_TYPES[number % FILE_TYPES.len()],
                bucket: self.bucket,
                key,
                uuid: &uuid,
                size,
                name: &format!("{object}.bin"),
            })?;
        }
        Ok(object)
    }

    fn uuid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

/// The rows of the ignored bucket, of which the index alone knows.
fn plant_ignored(world: &EmbeddedWorld, mut place: Place<'_>) -> anyhow::Result<()> {
    let rows = world.mogile.rows_after(Fid(0), usize::MAX);
    for (number, row) in rows.into_iter().enumerate() {
        let of_bucket = |key: &str| Some(key.split_once('-')?.1 == IGNORED_BUCKET);
        let Some(dkey) = row.dkey.filter(|key| of_bucket(key) == Some(true)) else { continue };
        let sha1 = dkey.split_once('-').map_or("", |(sha1, _)| sha1);
        let (key, size) = (format!("scratch/{number}"), row.length.unwrap_or_default());
        place.plant_object(number, &key, 0, sha1, size, Status::InUse)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use stand_ins::world::databases::Database;

    use crate::hazard::Hazards;
    use crate::stage::{Options, Stage};

    /// The rows of a question about one database, their columns as texts.
    fn asked(stage: &Stage, database: Database, sql: &str) -> Vec<Vec<String>> {
        stage.world.databases.texts(database, sql).expect("rows")
    }

    #[tokio::test]
    async fn every_file_is_an_objects_content_and_rhino_knows_the_objects() {
        let options = Options { seed: 3, files: 120, folder: None, hazards: Hazards::All };
        let stage = Stage::set(&options).await.expect("a world");
        let objects = "SELECT b.bucketName, o.objkey, o.uuid, o.checksum, o.status, \
                       o.versionNumber FROM objects o JOIN buckets b USING (bucketId)";
        let objects = asked(&stage, Database::ContentRepo, objects);
        let contents: BTreeSet<_> = objects
            .iter()
            .filter(|row| row[4] != "2")
            .map(|row| (row[0].as_str(), row[3].as_str()))
            .collect();
        for file in &stage.planted.expected {
            let (old, _) = super::BUCKETS.iter().find(|(_, new)| *new == file.bucket).expect("one");
            assert!(contents.contains(&(*old, file.file.sha1.as_str())), "fid {}", file.fid);
        }
        let all = |at: usize| objects.iter().map(|row| row[at].as_str()).collect::<BTreeSet<_>>();
        assert_eq!(all(4), BTreeSet::from(["0", "1", "2"]), "every status");
        assert!(all(5).contains("1"), "a second version");
        assert!(all(0).contains(super::IGNORED_BUCKET));
        assert!(contents.len() + 10 < objects.len(), "contents under several keys");

        let collected = "SELECT c.id, COUNT(*), COUNT(b.bucketId) FROM collections c \
                         JOIN collectionObject m ON m.collectionId = c.id \
                         JOIN objects o ON o.id = m.objectId \
                         LEFT JOIN buckets b ON b.bucketId = c.bucketId AND b.bucketId = o.bucketId \
                         GROUP BY c.id";
        let collections = asked(&stage, Database::ContentRepo, collected);
        assert!(collections.len() > 30, "collections: {}", collections.len());
        assert!(collections.iter().all(|row| row[1] == row[2]), "of one bucket each");
        assert!(collections.iter().any(|row| row[1] != "1"), "of several objects");

        let sql = "SELECT bucketName, crepoKey, crepoUuid FROM articleFile";
        let known: BTreeSet<_> = asked(&stage, Database::Rhino, sql).into_iter().collect();
        let in_use = objects.iter().filter(|row| row[4] == "0");
        assert_eq!(known, in_use.map(|row| row[..3].to_vec()).collect());
    }

    #[tokio::test]
    async fn the_same_seed_fills_them_alike() {
        let sql = "SELECT objkey, uuid, checksum, status FROM objects ORDER BY id";
        let mut filled = Vec::new();
        for seed in [3, 3, 4] {
            let options = Options { seed, files: 20, folder: None, hazards: Hazards::Mild };
            let stage = Stage::set(&options).await.expect("a world");
            filled.push(asked(&stage, Database::ContentRepo, sql));
        }
        assert!(filled[0] == filled[1] && filled[0] != filled[2]);
    }
}
