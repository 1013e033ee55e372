//! References in any state, against the same rules once more, from the sets alone.

mod fakes;
mod sorts;

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use self::fakes::{Object, World, run};
use self::sorts::{Names, Sorts, Told};
use super::{
    AllowedReferences, Broken, Journalled, MogileSide, ReferencesPlan, ReferencesPorts,
    ReferencesSummary, verify_references,
};
use crate::ports::{ArticleFile, RepoBucket, RepoObject, RepoStatus, RowId};
use crate::{
    Acceptances, BucketMap, ByteCount, ETag, Fid, LedgerRecord, Misconfigured, ReasonKind,
    S3Bucket, Sha1, Stopped, limits,
};

/// Two buckets, one behind its cut-over, a third one under its old name, an ignored one and a stray one.
const BUCKETS: [&str; 5] = ["repo", "corpus", "other", "trash", "stray"];

fn map() -> BucketMap {
    BucketMap::parse("repo:corpus,other:second", "trash").expect("a map")
}

fn s3_bucket(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        "repo" | "corpus" => Some(("repo", "corpus")),
        "other" | "second" => Some(("other", "second")),
        _ => None,
    }
}

fn content(number: usize) -> Vec<u8> {
    format!("content {number}{}", "x".repeat(number)).into_bytes()
}

fn sha1(number: usize) -> Sha1 {
    Sha1::of(&content(number))
}

fn world() -> World {
    let bucket = |(id, name): (i128, &str)| RepoBucket { id: RowId(id), name: name.to_owned() };
    let (buckets, ledger) = ((0..).zip(BUCKETS).map(bucket).collect(), Some(Vec::new()));
    World { buckets, ledger, a_page: 2, ..World::default() }
}

/// A row of contentrepo of a content in a bucket, by their numbers.
fn object(id: i128, bucket: i128, number: usize) -> RepoObject {
    RepoObject {
        id: RowId(id),
        bucket: Some(RowId(bucket)),
        key: "a".to_owned(),
        checksum: sha1(number).to_string(),
        size: Some(ByteCount(content(number).len() as u64)),
        content_type: None,
        download_name: None,
        status: RepoStatus::Used,
        uuid: format!("u{id}"),
    }
}

fn file(id: i128, bucket: &str, key: &str, uuid: &str) -> ArticleFile {
    let given = |text: &str| Some(text.to_owned()).filter(|text| text != "NULL");
    let (bucket, key, uuid) = (given(bucket), given(key), given(uuid));
    ArticleFile { id: RowId(id), bucket, key, uuid, size: None }
}

fn stored(number: usize) -> Object {
    Object { bytes: content(number), has_sha1: true, is_archived: false }
}

fn at(bucket: &str, number: usize) -> (String, String) {
    (bucket.to_owned(), sha1(number).to_string())
}

impl World {
    fn with_extents(mut self) -> Self {
        self.last = [self.objects.last().map(|row| row.id), self.files.last().map(|row| row.id)];
        self
    }

    fn ports<'a>(&'a self, sorts: &'a Sorts) -> ReferencesPorts<'a> {
        let mogile = MogileSide { index: self, rows: self, database: self, trackers: Some(self) };
        ReferencesPorts {
            content_repo: self,
            rhino: Some(self),
            mogile: Some(mogile),
            ledger: Some(self),
            objects: self,
            sorts,
            clock: self,
        }
    }

    fn verified(&self, lists_all: bool) -> (ReferencesSummary, Told) {
        verified_by(self.ports(&Sorts::default()), lists_all)
    }

    fn verified_as(&self, plan: &ReferencesPlan) -> (ReferencesSummary, Told) {
        verified_with(self.ports(&Sorts::default()), plan)
    }
}

fn plan() -> ReferencesPlan {
    ReferencesPlan {
        buckets: map(),
        lists_all: false,
        wait: limits::COUNT_TRIES_WITHIN,
        accepted: Acceptances::default(),
        allowed: AllowedReferences::default(),
        journalled: Journalled::Nothing,
        sought_at_once: 2,
    }
}

fn verified_by(ports: ReferencesPorts<'_>, lists_all: bool) -> (ReferencesSummary, Told) {
    verified_with(ports, &ReferencesPlan { lists_all, ..plan() })
}

fn verified_with(ports: ReferencesPorts<'_>, plan: &ReferencesPlan) -> (ReferencesSummary, Told) {
    let names = Names::default();
    let summary = run(verify_references(ports, plan, pending(), &names));
    (summary, names.0.into_inner().expect("no test panicked"))
}

/// One sound row of contentrepo, and one of rhino that names it.
fn sound() -> World {
    let mut world = world();
    world.objects.push(object(1, 0, 1));
    world.files.push(file(1, "repo", "a", "u1"));
    world.stored.insert(at("corpus", 1), stored(1));
    world.index.insert(format!("{}-repo", sha1(1)), Fid(11));
    world
}

/// A record of the ledger of a content in an S3 bucket.
fn recorded(fid: u64, bucket: &str, number: usize) -> LedgerRecord {
    LedgerRecord {
        fid: Fid(fid),
        sha1: sha1(number),
        etag: ETag(String::new()),
        bucket: S3Bucket::new(bucket).expect("a name"),
        proof: None,
        route: None,
        length: None,
        migrated_at: None,
    }
}

fn columns() -> impl Strategy<Value = RepoObject> {
    let bucket = prop_oneof![
        6 => (0..3_i128).prop_map(Some),
        1 => (3..6_i128).prop_map(Some),
        1 => Just(None),
    ];
    let status = prop_oneof![
        6 => Just(RepoStatus::Used),
        2 => Just(RepoStatus::Deleted),
        1 => Just(RepoStatus::Purged),
        1 => Just(RepoStatus::Unknown),
    ];
    (bucket, 0..6_usize, "[ab]", "[uv]{1,2}", status, 0..12_u8).prop_map(
        |(bucket, number, key, uuid, status, odd)| {
            let row = object(0, 0, number);
            let (checksum, size) = match odd {
                0 => ("no sha".to_owned(), row.size),
                1 if number % 2 == 0 => (row.checksum.to_uppercase(), row.size),
                1 => (format!(" {}\n", row.checksum), row.size),
                2 => (row.checksum, None),
                3 => (row.checksum, Some(ByteCount(3))),
                _ => (row.checksum, row.size),
            };
            RepoObject { bucket: bucket.map(RowId), key, uuid, status, checksum, size, ..row }
        },
    )
}

fn objects() -> impl Strategy<Value = BTreeMap<(String, String), Object>> {
    let bucket = prop::sample::select(vec!["corpus", "second"]);
    let one =
        (bucket, 0..6_usize, 0..9_u8, any::<bool>()).prop_map(|(bucket, number, how, has_sha1)| {
            let mut object = Object { has_sha1, ..stored(number) };
            match how {
                0 => object.bytes = b"other".to_vec(),
                1 => object.bytes.reverse(),
                2 => object.is_archived = true,
                _ => {}
            }
            (at(bucket, number), object)
        });
    prop::collection::vec(one, 0..14).prop_map(|all| all.into_iter().collect())
}

/// What must be said of each row of contentrepo that is judged, from the sets alone.
fn expected_objects(
    world: &World,
    frozen: Option<i128>,
) -> (BTreeMap<i128, &'static str>, BTreeSet<(String, String)>) {
    let judged = world.objects.iter().filter(|row| Some(row.id) <= world.last[0]);
    let (mut said, mut groups) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
    for row in judged.filter(|row| row.status != RepoStatus::Purged) {
        let name = row.bucket.and_then(|id| BUCKETS.get(usize::try_from(id.0).expect("small")));
        let name = match name {
            Some(&"trash") => continue,
            Some(name) => *name,
            None => {
                said.insert(row.id.0, "no-bucket");
                continue;
            }
        };
        let why = match (s3_bucket(name), row.status, row.content()) {
            (None, _, _) => "unmapped-bucket",
            (_, RepoStatus::Unknown, _) => "unknown-status",
            (_, _, None) => "no-checksum",
            (_, _, Some(sha1)) if sha1.to_string() != row.checksum => "other-key",
            (Some((old, new)), _, Some(sha1)) => {
                groups.entry((new, old, sha1)).or_default().push(row);
                continue;
            }
        };
        said.insert(row.id.0, why);
    }
    let mut whole = BTreeSet::new();
    for ((new, old, sha1), rows) in groups {
        let object = world.stored.get(&(new.to_owned(), sha1.to_string()));
        let length = object.map(|object| ByteCount(object.bytes.len() as u64));
        let fits = |row: &&RepoObject| row.size.is_none() || row.size == length;
        let all = match object {
            None if world.index.contains_key(&format!("{sha1}-{old}")) => "broken-by-migration",
            None => "nowhere",
            Some(object) if object.is_archived => "archived",
            Some(_) if rows.iter().all(fits) && rows.iter().any(|row| row.size.is_some()) => {
                whole.insert((new.to_owned(), format!("{sha1}-{old}")));
                ""
            }
            Some(object) if Sha1::of(&object.bytes) == sha1 => "wrong-size",
            Some(_) => "wrong-object",
        };
        for row in rows {
            let had = world.ledger.iter().flatten().flatten();
            let had = had.into_iter().any(|it| it.sha1 == sha1 && it.bucket.as_str() == new);
            let own = match all {
                "wrong-size" if fits(&row) => "",
                "nowhere" if had || frozen.is_some_and(|last| row.id.0 > last) => "lost",
                "nowhere" => "broken-before",
                other => other,
            };
            said.insert(row.id.0, own);
        }
    }
    (said, whole)
}

/// The same of rhino's rows.
fn expected_files(world: &World, objects: &BTreeMap<i128, &str>) -> BTreeMap<i128, &'static str> {
    let judged = world.files.iter().filter(|row| Some(row.id) <= world.last[1]);
    let mut said = BTreeMap::new();
    for row in judged {
        let why = match (&row.bucket, &row.key, &row.uuid) {
            (Some(bucket), _, _) if bucket == "trash" => continue,
            (Some(bucket), _, _) if s3_bucket(bucket).is_none() => "unmapped-bucket",
            (Some(bucket), Some(key), Some(uuid)) => {
                let is_it = |object: &&RepoObject| {
                    let name =
                        object.bucket.and_then(|id| BUCKETS.get(usize::try_from(id.0).ok()?));
                    let is_of = name.is_some_and(|name| s3_bucket(name) == s3_bucket(bucket));
                    is_of && object.key == *key && object.uuid == *uuid
                };
                let named: Vec<_> = world.objects.iter().filter(is_it).collect();
                // One of which nothing was said came since.
                let is_sound = |row: &RepoObject| {
                    let said = objects.get(&row.id.0);
                    row.status != RepoStatus::Purged
                        && said.is_none_or(|said| ["", "wrong-size"].contains(said))
                };
                if named.iter().any(|row| is_sound(row)) {
                    ""
                } else if named.iter().any(|row| row.status != RepoStatus::Purged) {
                    "no-object"
                } else if named.is_empty() {
                    "no-row"
                } else {
                    "purged"
                }
            }
            _ => "null-column",
        };
        said.insert(row.id.0, why);
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_comparison_reports_exactly_what_the_sets_say(
        rows in prop::collection::vec((columns(), 1..4_i128), 1..14),
        files in prop::collection::vec(
            (prop::sample::select(vec!["repo", "corpus", "other", "second", "trash", "stray", "NULL"]),
             prop_oneof![4 => "[ab]", 1 => Just("NULL".to_owned())], "[uv]{1,2}"), 1..14),
        stored in objects(),
        index in prop::collection::btree_set((0..6_usize, prop::sample::select(vec!["repo", "other"])), 4..12),
        records in prop::collection::vec(
            (0..6_usize, prop::sample::select(vec!["corpus", "second", "unmapped"])), 0..6),
        frozen in prop::option::of(-3..20_i128),
        (since, a_page, lists_all) in (0..3_usize, 1..4_usize, any::<bool>()),
    ) {
        let mut world = world();
        let mut id = -3;
        for (row, gap) in rows {
            id += gap;
            world.objects.push(RepoObject { id: RowId(id), ..row });
        }
        for (number, (bucket, key, uuid)) in (1..).zip(&files) {
            world.files.push(file(number, bucket, key, uuid));
        }
        (world.stored, world.a_page) = (stored, a_page);
        world.index = (1..).zip(index).map(|(fid, (number, bucket))| {
            (format!("{}-{bucket}", sha1(number)), Fid(fid))
        }).collect();
        world.ledger = Some((1..).zip(&records).map(|(fid, (number, bucket))| {
            Ok(recorded(fid, bucket, *number))
        }).collect());
        let behind = |rows: usize| rows.checked_sub(since + 1);
        world.last = [
            behind(world.objects.len()).map(|at| world.objects[at].id),
            behind(world.files.len()).map(|at| world.files[at].id),
        ];
        let (objects, whole) = expected_objects(&world, frozen);
        let files = expected_files(&world, &objects);
        let journalled = frozen.map_or(Journalled::Nothing, |last| Journalled::Frozen(RowId(last)));
        let (summary, told) = world.verified_as(&ReferencesPlan { lists_all, journalled, ..plan() });
        prop_assert!(summary.adds_up(), "{summary:?}");
        if let Some(stopped) = &summary.stopped {
            let by_itself =
                ["no-bucket", "unmapped-bucket", "unknown-status", "no-checksum", "other-key"];
            let nothing = objects.values().all(|said| by_itself.contains(said));
            let no_files = files.values().all(|said| ["unmapped-bucket", "null-column"].contains(said));
            let known = whole.iter().filter(|(_, key)| world.index.contains_key(key)).count();
            let before =
                objects.values().any(|said| ["broken-before", "lost"].contains(said));
            let is_right = match stopped {
                Stopped::Misconfigured(Misconfigured::NoReferences { client: "rhino", .. }) => no_files,
                Stopped::Misconfigured(Misconfigured::NoReferences { .. }) => nothing,
                Stopped::Misconfigured(Misconfigured::OtherContentRepo { .. }) => {
                    before && known * 10 < whole.len().max(1)
                }
                Stopped::Misconfigured(_)
                | Stopped::Trouble(_)
                | Stopped::Failures(_)
                | Stopped::Interrupted => false,
            };
            prop_assert!(is_right, "{stopped} {objects:?} {files:?}");
            return Ok(());
        }
        let mut expected: Vec<_> = objects.iter().map(|(id, said)| ("objects", *id, *said)).collect();
        expected.extend(files.iter().map(|(id, said)| ("articleFile", *id, *said)));
        expected.retain(|(_, _, said)| lists_all || !said.is_empty());
        let told: Vec<_> = told.into_iter().map(|(table, id, said, _)| (table, id, said)).collect();
        prop_assert_eq!(told, expected);
        let of = |said: &BTreeMap<i128, &str>| said.values().filter(|said| said.is_empty()).count() as u64;
        prop_assert_eq!(summary.objects.sound, of(&objects));
        prop_assert_eq!(summary.article_files.expect("compared").sound, of(&files));
    }
}

mod cases;
mod evidence;
mod live;
