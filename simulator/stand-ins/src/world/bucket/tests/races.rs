//! Requests from several threads at once.

use std::sync::Barrier;
use std::thread;

use super::*;

const ROUNDS: usize = 50;

/// An upload with one part, and what ends it.
fn upload(world: &S3World, key: &str) -> (UploadId, CompleteRequest) {
    let request = UploadRequest { with_sha1: true, ..UploadRequest::default() };
    let id = world.create_upload("b", key, request).unwrap();
    let part = world.upload_part("b", key, &id, part("uploaded")).unwrap();
    let sha1 = Some(part.content.sha1());
    let parts = vec![ClaimedPart { number: 1, etag: part.etag, sha1 }];
    let condition = Condition::Absent;
    (id, CompleteRequest { parts, condition, ..CompleteRequest::default() })
}

fn part(text: &'static str) -> PartRequest {
    let content = Content::of(text);
    let checksum = Some(StoredChecksum::sha1_of(&content));
    PartRequest { number: 1, content, expected_md5: None, checksum }
}

#[test]
fn of_many_conditional_writers_exactly_one_wins() {
    for _ in 0..ROUNDS {
        let world = world();
        let ends = [upload(&world, "gone"), upload(&world, "gone")];
        let start = Barrier::new(6);
        let won = thread::scope(|scope| {
            let mut writers = Vec::new();
            for (id, end) in &ends {
                let (world, start) = (&world, &start);
                writers.push(scope.spawn(move || {
                    start.wait();
                    world.complete_upload("b", "gone", id, end).map(drop)
                }));
            }
            for _ in 0..2 {
                writers.push(scope.spawn(|| {
                    start.wait();
                    world.put("b", "gone", put("new", Condition::Absent)).map(drop)
                }));
                writers.push(scope.spawn(|| {
                    start.wait();
                    world.copy("b", "gone", copy("here", Condition::Absent)).map(drop)
                }));
            }
            let fates = writers.into_iter().map(|writer| writer.join().unwrap());
            fates.filter(|fate| *fate != Err(StoreError::PreconditionFailed)).collect::<Vec<_>>()
        });
        assert_eq!(won, [Ok(())]);
    }
}

#[test]
fn an_end_takes_the_part_that_it_named_or_none() {
    for _ in 0..ROUNDS {
        let world = world();
        let (id, end) = upload(&world, "gone");
        let start = Barrier::new(2);
        let (ended, sent) = thread::scope(|scope| {
            let end = scope.spawn(|| {
                start.wait();
                world.complete_upload("b", "gone", &id, &end)
            });
            let again = scope.spawn(|| {
                start.wait();
                world.upload_part("b", "gone", &id, part("sent again"))
            });
            (end.join().unwrap(), again.join().unwrap())
        });
        match ended {
            Ok(object) => {
                assert_eq!(object.content, Content::of("uploaded"));
                assert_eq!(sent.unwrap_err(), StoreError::NoSuchUpload);
            }
            Err(refusal) => {
                assert_eq!(refusal, StoreError::InvalidPart);
                assert!(sent.is_ok() && etag(&world, "gone").is_none());
            }
        }
    }
}
