//! What contentrepo's store decides about an object.

use bytes::Bytes;

use super::*;
use crate::world::bucket::{Condition, Encryption};
use crate::world::databases::Collation;

const BUCKET: &str = "corpus-prod";
const DOMAIN: &str = "plos_repo";

fn s3(signs: Signature) -> Store {
    Store::S3 { signs, has_valid_keys: true }
}

/// A contentrepo on an S3 whose bucket takes ACLs and was made long ago.
fn repo() -> ContentRepo {
    let databases = Databases::new(Collation::Latin1SwedishCi).expect("a folder");
    databases.plant(|plant| plant.bucket(BUCKET).map(|_| ())).expect("planted");
    let mogile = MogileFs::default();
    let dmid = mogile.add_domain(DOMAIN);
    assert_eq!(dmid, Dmid(1));
    let device = mogile.add_device(mogile.add_host([127, 0, 0, 1].into(), 7500));
    assert_eq!(device, DeviceId(1));
    let s3_world = S3World::default();
    s3_world.create_bucket(BUCKET).expect("made");
    let set_up = s3_world.set_up(BUCKET, |bucket| {
        bucket.takes_signature_v2 = true;
        (bucket.ownership, bucket.public_access_block) = (None, None);
    });
    set_up.expect("a bucket");
    let settings = ContentRepoSettings { store: s3(Signature::V2), reproxies: true };
    let (databases, mogile, s3_world) = (databases.into(), mogile.into(), s3_world.into());
    ContentRepo::start(databases, mogile, s3_world, settings).expect("started")
}

fn object(key: &str, content: &'static str) -> NewObject {
    let text = |text: &str| Some(text.to_owned());
    NewObject {
        key: text(key),
        bucket: text(BUCKET),
        create: text("new"),
        file: Some(Bytes::from_static(content.as_bytes())),
        ..NewObject::default()
    }
}

fn of(row: &RepoRow) -> Filter {
    Filter { uuid: Some(row.uuid.clone()), ..Filter::default() }
}

#[test]
fn an_object_lives_in_either_store_until_it_is_purged() {
    let repo = repo();
    let mogile =
        || Store::MogileFs { domain: DOMAIN.to_owned(), dmid: Dmid(1), devices: vec![DeviceId(1)] };
    for store in [s3(Signature::V2), s3(Signature::V4), mogile()] {
        repo.restart(|settings| settings.store = store.clone()).expect("started");
        let key = format!("key of {store:?}");
        // Each store gets its own content: rows of another one would keep it alive.
        let content = Box::leak(key.clone().into_boxed_str());
        let row = repo.create(object(&key, content)).expect("created");
        let read = repo.read(BUCKET, &key, &of(&row)).expect("read");
        assert_eq!((read.content, read.breaks_off), (Bytes::from(key.clone()), false));
        assert_eq!(repo.create(object(&key, "other")), Err(RepoRefusal::KeyIsUsed));
        let none = Filter::default();
        assert_eq!(repo.delete(BUCKET, &key, &none, true), Err(RepoRefusal::NoFilterEntered));
        assert_eq!(repo.delete(BUCKET, &key, &of(&row), true), Ok(()));
        let gone = repo.read(BUCKET, &key, &of(&row)).expect_err("purged");
        assert_eq!(gone, RepoRefusal::ObjectNotFound);
        assert!(!repo.exists(&row), "the content is gone too");
        // The number of a purged row stays used.
        let again = repo.create(object(&key, content)).expect("created");
        assert_eq!((row.version, again.version), (0, 1));
        repo.delete(BUCKET, &key, &of(&again), false).expect("deleted");
        assert!(repo.exists(&row), "a deleted row refers to its content");
        assert_eq!(repo.read(BUCKET, &key, &of(&again)).err(), Some(RepoRefusal::ObjectNotFound));
    }
}

#[test]
fn what_the_store_refuses_is_a_server_error() {
    type Change = fn(&ContentRepo);
    let bucket = |repo: &ContentRepo, change: fn(&mut crate::world::bucket::BucketSettings)| {
        repo.s3.set_up(BUCKET, change).expect("a bucket");
    };
    let changes: [(&str, Change); 6] = [
        ("unknown keys", |repo| {
            let store = Store::S3 { signs: Signature::V2, has_valid_keys: false };
            repo.restart(|settings| settings.store = store).expect("started");
        }),
        ("a bucket of today", |_| {}),
        ("another region", |repo| {
            repo.restart(|settings| settings.store = s3(Signature::V4)).expect("started");
        }),
        ("ACLs are refused", |_| {}),
        ("public ACLs are blocked", |_| {}),
        ("a key of KMS", |_| {}),
    ];
    for (what, change) in changes {
        let repo = repo();
        match what {
            "a bucket of today" => bucket(&repo, |it| it.takes_signature_v2 = false),
            "another region" => bucket(&repo, |it| it.region = "eu-west-1".to_owned()),
            "ACLs are refused" => {
                bucket(&repo, |it| it.ownership = Some("BucketOwnerEnforced".to_owned()));
            }
            "public ACLs are blocked" => bucket(&repo, |it| {
                it.public_access_block = Some(crate::world::bucket::PublicAccessBlock::ALL);
            }),
            "a key of KMS" => bucket(&repo, |it| it.encryption = Some(Encryption::Kms)),
            _ => {}
        }
        change(&repo);
        let refused = repo.create(object("key", "content")).expect_err(what);
        assert_eq!((refused, refused.status()), (RepoRefusal::ServerError, 500), "{what}");
        let found = repo.metadata(BUCKET, "key", &Filter::default()).expect_err(what);
        assert_eq!(found, RepoRefusal::ObjectNotFound, "no row is left: {what}");
    }
}

#[test]
fn metadata_that_s3_does_not_take_is_refused() {
    let repo = repo();
    for (metadata, name, is_taken) in [
        ("{}".to_owned(), "a.txt", true),
        ("x".repeat(1500), "a.txt", true),
        ("x".repeat(2048), "a.txt", false),
        ("{}".to_owned(), "\u{e4}.txt", false),
    ] {
        let key = format!("{} {name}", metadata.len());
        let (download_name, user_metadata) = (Some(name.to_owned()), Some(metadata));
        // Content that S3 has is not written again, whatever the new row says.
        let content = Box::leak(key.clone().into_boxed_str());
        let new = NewObject { download_name, user_metadata, ..object(&key, content) };
        assert_eq!(repo.create(new).is_ok(), is_taken, "{key}");
    }
}

#[test]
fn missing_content_is_an_error_of_its_store() {
    let repo = repo();
    let row = repo.create(object("key", "content")).expect("created");
    repo.s3.delete(BUCKET, &row.sha1, &Condition::None).expect("deleted");
    assert_eq!(repo.read(BUCKET, "key", &of(&row)).err(), Some(RepoRefusal::ServerError));
    assert!(repo.metadata(BUCKET, "key", &of(&row)).is_ok(), "nothing is asked of the store");
    let (domain, devices) = (DOMAIN.to_owned(), vec![DeviceId(1)]);
    let store = Store::MogileFs { domain, dmid: Dmid(1), devices };
    repo.restart(|settings| settings.store = store).expect("started");
    assert_eq!(repo.read(BUCKET, "key", &of(&row)).err(), Some(RepoRefusal::ContentNotFound));
}

#[test]
fn an_object_under_a_key_of_kms_breaks_off_at_its_end() {
    let repo = repo();
    let row = repo.create(object("key", "content")).expect("created");
    repo.s3.delete(BUCKET, &row.sha1, &Condition::None).expect("deleted");
    let set_up = repo.s3.set_up(BUCKET, |it| it.encryption = Some(Encryption::Kms));
    set_up.expect("a bucket");
    let put = crate::world::bucket::PutRequest::new(crate::world::bucket::Content::of("content"));
    repo.s3.put(BUCKET, &row.sha1, put).expect("written");
    assert!(repo.read(BUCKET, "key", &of(&row)).expect("read").breaks_off);
}

#[test]
fn names_of_buckets_are_read_for_each_request() {
    let repo = repo();
    let row = repo.create(object("key", "content")).expect("created");
    let connection = repo.databases.open(Database::ContentRepo).expect("opened");
    connection.execute("UPDATE buckets SET bucketName = 'renamed'", []).expect("renamed");
    let here = repo.read(BUCKET, "key", &of(&row));
    assert_eq!(here.err(), Some(RepoRefusal::ObjectNotFound));
    // No such bucket of S3: it is asked under the new name.
    assert_eq!(repo.read("renamed", "key", &of(&row)).err(), Some(RepoRefusal::ServerError));
}

#[test]
fn counters_begin_anew_with_each_start() {
    let repo = repo();
    let row = repo.create(object("key", "content")).expect("created");
    repo.read(BUCKET, "key", &of(&row)).expect("read");
    let counted = |repo: &ContentRepo| {
        let status = repo.status().expect("a status");
        ["serviceStarted", "readsSinceStart", "writesSinceStart"].map(|it| status[it].to_string())
    };
    assert_eq!(counted(&repo), ["\"start number 1\"", "1", "1"]);
    repo.restart(|_| {}).expect("started");
    assert_eq!(counted(&repo), ["\"start number 2\"", "0", "0"]);
}
