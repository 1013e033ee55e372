//! What `SourceFiles` promises, kept by the port face and by the adapter over the wire face.

mod faces;

use domain::ports::Replica;
use domain::retry::{Classed, ErrorClass};
use domain::{Fid, SourceError, SourceFile};
use faces::{FACES, Face, Loss};
use futures_util::StreamExt;
use stand_ins::world::mogile::{self, Content, DeviceStatus};

/// Several pieces or frames, and no whole number of them.
fn content() -> Vec<u8> {
    (0..=250).cycle().take(200_003).collect()
}

/// Runs one promise's check against each face.
async fn check(promise: impl AsyncFn(&Face)) {
    for name in FACES {
        println!("{name} face");
        promise(&Face::start(name).await).await;
    }
}

/// The file's replicas, all of them fit.
async fn replicas(face: &Face, file: &SourceFile) -> Vec<Replica> {
    let all = face.files.replicas(file).await.expect("the trackers know it");
    all.into_iter().map(|replica| replica.expect("fit")).collect()
}

/// What a replica gives, up to its end or its failure, and the length that it announced.
async fn read(face: &Face, replica: &Replica) -> (u64, Vec<u8>, Option<SourceError>) {
    let mut content = face.files.open(replica).await.expect("it opens");
    let mut bytes = Vec::new();
    while let Some(chunk) = content.stream.next().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(error) => return (content.length.0, bytes, Some(error)),
        }
    }
    (content.length.0, bytes, None)
}

fn world_fid(file: &SourceFile) -> mogile::Fid {
    mogile::Fid(file.fid.0)
}

#[tokio::test]
async fn replicas_come_in_the_trackers_order_and_each_gives_the_content() {
    check(async |face| {
        let file = face.store(&content());
        let replicas = replicas(face, &file).await;
        let urls: Vec<_> = replicas.iter().map(|replica| replica.url.clone()).collect();
        assert_eq!((urls.len(), urls), (2, face.urls(&file)));
        for replica in &replicas {
            assert_eq!(replica.fid, file.fid);
            let (announced, bytes, failure) = read(face, replica).await;
            assert!(announced == 200_003 && bytes == content() && failure.is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn an_empty_file_has_no_bytes() {
    check(async |face| {
        let file = face.store(b"");
        let (announced, bytes, failure) = read(face, &replicas(face, &file).await[0]).await;
        assert!(announced == 0 && bytes.is_empty() && failure.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_unknown_or_another_files_is_unknown() {
    check(async |face| {
        let file = face.store(&content());
        let older = SourceFile { fid: Fid(file.fid.0 + 1), ..file.clone() };
        let another = face.files.replicas(&older).await;
        assert!(matches!(another, Err(SourceError::UnknownKey { .. })), "{another:?}");
        face.mogile.drop_row(world_fid(&file));
        let unknown = face.files.replicas(&file).await;
        let Err(SourceError::UnknownKey { key }) = unknown else { panic!("{unknown:?}") };
        assert_eq!(key, file.dkey.to_string());
    })
    .await;
}

#[tokio::test]
async fn a_key_of_any_form_is_looked_up_anew_with_its_fid() {
    check(async |face| {
        let file = face.store(&content());
        let key = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6.tmp";
        let fid_of = async |key: &str| face.files.fid_of(key).await.expect("an answer");
        assert_eq!(fid_of(&file.dkey.to_string()).await, Some(file.fid));
        assert_eq!(fid_of(key).await, None);
        let row = face.mogile.row(world_fid(&file)).expect("stored");
        face.mogile.plant(mogile::FileRow { dkey: Some(key.to_owned()), ..row });
        assert_eq!(fid_of(key).await, Some(file.fid));
        assert_eq!(fid_of(&file.dkey.to_string()).await, None);
        let anew = face.files.replicas_anew(file.fid, key).await.expect("known");
        let anew: Vec<_> = anew.into_iter().map(|replica| replica.expect("fit").fid).collect();
        assert_eq!(anew, [file.fid; 2]);
        let another = face.files.replicas_anew(Fid(file.fid.0 + 1), key).await;
        assert!(matches!(another, Err(SourceError::UnknownKey { .. })), "{another:?}");
    })
    .await;
}

#[tokio::test]
async fn draining_devices_come_last_and_those_down_only_alone() {
    check(async |face| {
        let file = face.store(&content());
        let before = face.urls(&file);
        face.set_status(&before[0], DeviceStatus::Drain);
        let urls = |all: Vec<Replica>| all.into_iter().map(|one| one.url).collect::<Vec<_>>();
        let turned = urls(replicas(face, &file).await);
        assert_eq!(turned, [before[1].clone(), before[0].clone()]);
        face.set_status(&before[0], DeviceStatus::Down);
        assert_eq!(urls(replicas(face, &file).await), [before[1].clone()]);
        face.set_status(&before[1], DeviceStatus::Down);
        assert_eq!(replicas(face, &file).await.len(), 1, "better than none");
        let row = face.mogile.row(world_fid(&file)).expect("stored");
        face.mogile.plant(mogile::FileRow { devids: Vec::new(), ..row });
        assert_eq!(replicas(face, &file).await, []);
    })
    .await;
}

#[tokio::test]
async fn the_length_announced_is_the_replicas_own() {
    check(async |face| {
        let file = face.store(&content());
        let replica = replicas(face, &file).await.remove(0);
        for other in [&b"short"[..], &[content(), vec![0]].concat()] {
            let bytes = Content::from(other.to_vec());
            face.mogile.set_replica(world_fid(&file), Face::device(&replica.url), bytes);
            let (announced, bytes, failure) = read(face, &replica).await;
            assert!(announced == other.len() as u64 && bytes == other && failure.is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn a_replica_that_is_not_there_is_refused() {
    check(async |face| {
        let file = face.store(&content());
        let replica = replicas(face, &file).await.remove(0);
        face.mogile.remove_replica(world_fid(&file), Face::device(&replica.url));
        let opened = face.files.open(&replica).await.map(|content| content.length);
        let Err(SourceError::Refused { at, why }) = opened else { panic!("{opened:?}") };
        assert_eq!((at, why), (replica.url, "404 Not Found".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn what_is_out_for_the_moment_may_be_tried_again() {
    check(async |face| {
        let file = face.store(&content());
        for loss in [Loss::Request, Loss::Answer, Loss::Busy] {
            face.lose("get_paths", loss);
            let error = face.files.replicas(&file).await.expect_err("struck");
            assert_eq!(error.class(), ErrorClass::Retry, "{loss:?}: {error}");
            face.heal();
            let replica = replicas(face, &file).await.remove(0);
            if loss != Loss::Answer {
                face.lose("GET", loss);
                let opened = face.files.open(&replica).await.map(|content| content.length);
                let error = opened.expect_err("struck");
                assert_eq!(error.class(), ErrorClass::Retry, "{loss:?}: {error}");
                assert_eq!(matches!(error, SourceError::Busy { .. }), loss == Loss::Busy);
                face.heal();
            }
            assert!(read(face, &replica).await.2.is_none(), "and then it goes on");
        }
    })
    .await;
}

#[tokio::test]
async fn content_that_breaks_off_ends_with_an_error() {
    check(async |face| {
        let file = face.store(&content());
        let replica = replicas(face, &file).await.remove(0);
        face.break_off();
        let (announced, bytes, failure) = read(face, &replica).await;
        assert!(announced == 200_003 && bytes.len() < 200_003);
        assert_eq!(bytes, content()[..bytes.len()]);
        let failure = failure.expect("a reason");
        assert!(matches!(&failure, SourceError::Unreachable { at, .. } if *at == replica.url));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_file_is_unknown() {
    check(async |face| {
        let file = face.store(&content());
        let key = file.dkey.to_string();
        face.files.delete(&key).await.expect("it is there");
        assert!(face.mogile.row(world_fid(&file)).is_none());
        let again = face.files.delete(&key).await;
        assert!(matches!(again, Err(SourceError::UnknownKey { .. })), "{again:?}");
    })
    .await;
}

#[tokio::test]
async fn a_renamed_file_keeps_its_fid_and_never_takes_anothers_key() {
    check(async |face| {
        let (file, other) = (face.store(b"one"), face.store(b"other"));
        let (from, taken) = (file.dkey.to_string(), other.dkey.to_string());
        let refused = face.files.rename(&from, &taken).await;
        assert!(matches!(refused, Err(SourceError::Refused { .. })), "{refused:?}");
        face.files.rename(&from, "free").await.expect("free");
        let row = face.mogile.row(world_fid(&file)).expect("it stays");
        assert_eq!(row.dkey.as_deref(), Some("free"));
        let gone = face.files.rename(&from, "elsewhere").await;
        let Err(SourceError::UnknownKey { key }) = gone else { panic!("{gone:?}") };
        assert_eq!(key, from);
    })
    .await;
}

#[tokio::test]
async fn a_delete_whose_answer_is_lost_is_settled_and_one_that_is_lost_is_not_repeated() {
    check(async |face| {
        let file = face.store(&content());
        let key = file.dkey.to_string();
        for loss in [Loss::Request, Loss::Busy] {
            face.lose("delete", loss);
            let lost = face.files.delete(&key).await;
            assert!(matches!(lost, Err(SourceError::Uncertain { .. })), "{loss:?}: {lost:?}");
            assert!(face.mogile.row(world_fid(&file)).is_some(), "{loss:?}");
            face.heal();
        }
        face.lose("delete", Loss::Answer);
        face.files.delete(&key).await.expect("it is gone");
        assert!(face.mogile.row(world_fid(&file)).is_none());
    })
    .await;
}

#[tokio::test]
async fn a_rename_without_a_clear_answer_is_uncertain() {
    check(async |face| {
        let file = face.store(&content());
        let from = file.dkey.to_string();
        for (loss, key) in [(Loss::Request, &*from), (Loss::Busy, &*from), (Loss::Answer, "to")] {
            face.lose("rename", loss);
            let lost = face.files.rename(&from, "to").await;
            assert!(matches!(lost, Err(SourceError::Uncertain { .. })), "{loss:?}: {lost:?}");
            let row = face.mogile.row(world_fid(&file)).expect("it stays");
            assert_eq!(row.dkey.as_deref(), Some(key), "{loss:?}");
            face.heal();
        }
    })
    .await;
}
