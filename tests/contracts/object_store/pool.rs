use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use adapters::calls::Calls;
use adapters::s3::{Conditionals, Parts, S3ObjectStore};
use bytes::Bytes;
use domain::content::{SourceContent, VerifiedContent};
use domain::ports::{ObjectStore, StoreError};
use domain::{
    ByteCount, Condition, ObjectAddress, ObjectKey, ObjectMeta, S3Bucket, Sha1, SourceError,
    StoredObject, WriteTarget,
};
use futures_util::future::join_all;
use futures_util::{Stream, StreamExt, stream};
use stand_ins::embedded::{BUCKETS, EmbeddedWorld};
use stand_ins::world::bucket::S3World;
use tests::contract::ends::s3_of;

const UPLOADS: usize = 64;
const PART_BYTES: u64 = 64 * 1024;
/// For eight parts at once.
const POOL_BYTES: u64 = PART_BYTES * 8;
/// Four parts, and a bit.
const LENGTH: usize = 300_000;
/// What a source gives at a time, which is held beside the part that it fills.
const CHUNK: usize = 4_096;

/// The bytes between the sources and S3, counted each time that a source is asked.
struct Account {
    s3: Arc<S3World>,
    taken: AtomicU64,
    most_held: AtomicU64,
}

impl Account {
    fn give(&self, bytes: usize) {
        let taken = self.taken.fetch_add(bytes as u64, Ordering::SeqCst) + bytes as u64;
        self.most_held.fetch_max(taken.saturating_sub(self.arrived()), Ordering::SeqCst);
    }

    fn arrived(&self) -> u64 {
        let uploads = self.s3.uploads(BUCKETS[0].1).expect("the bucket");
        let parts = uploads.values().flat_map(|upload| upload.parts.values());
        let under_way: u64 = parts.map(|part| part.content.len()).sum();
        // Behind the uploads: one that is completed in between is counted twice, not left out.
        let objects = self.s3.objects(BUCKETS[0].1).expect("the bucket");
        under_way + objects.values().map(|object| object.content.len()).sum::<u64>()
    }
}

/// Content of a number's own.
fn bytes_of(number: usize) -> Bytes {
    (0..LENGTH).map(|at| ((at * 31 + number * 56) >> 3).to_le_bytes()[0]).collect()
}

fn counted(
    content: Bytes,
    account: Option<Arc<Account>>,
) -> Pin<Box<dyn Stream<Item = Result<Bytes, SourceError>> + Send>> {
    let pieces = (0..LENGTH).step_by(CHUNK);
    Box::pin(stream::iter(pieces.map(move |start| {
        let piece = content.slice(start..LENGTH.min(start + CHUNK));
        if let Some(account) = &account {
            account.give(piece.len());
        }
        Ok(piece)
    })))
}

async fn upload(
    store: &S3ObjectStore,
    number: usize,
    account: Arc<Account>,
) -> Result<StoredObject, StoreError> {
    let content = bytes_of(number);
    let right = Sha1::of(&content);
    // Every eighth turns out to be another at its last byte, and is not counted: it takes its
    // place in the pool, but its parts go as if they had not come.
    let fails = number % 8 == 7;
    let expected = if fails { Sha1::of(b"another") } else { right };
    let account = Some(account).filter(|_| !fails);
    let length = ByteCount(LENGTH as u64);
    let source = SourceContent { length, stream: counted(content, account) };
    let bucket = S3Bucket::new(BUCKETS[0].1).expect("a name");
    let target = WriteTarget {
        address: ObjectAddress { bucket, key: ObjectKey::of_content(&right) },
        condition: Condition::Absent,
        meta: ObjectMeta::default(),
        length,
    };
    store.put(&target, VerifiedContent::new(source, "dev1".to_owned(), expected)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_uploads_at_once_stay_within_the_pool() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    world.s3.configure(|options| options.minimum_part_bytes = PART_BYTES);
    let config = s3_of(&world).await;
    let parts = Parts::new(PART_BYTES, PART_BYTES, POOL_BYTES);
    let calls = Arc::new(Calls::default());
    let store = S3ObjectStore::new(&config, Conditionals::Sound, parts, calls);
    let (taken, most_held) = (AtomicU64::new(0), AtomicU64::new(0));
    let account = Arc::new(Account { s3: world.s3.clone(), taken, most_held });

    let uploads = (0..UPLOADS).map(|number| upload(&store, number, account.clone()));
    for (number, stored) in join_all(uploads).await.into_iter().enumerate() {
        match stored {
            Ok(stored) if number % 8 != 7 => assert!(stored.sha1.is_some(), "{number}"),
            Err(StoreError::Source(SourceError::WrongContent { .. })) if number % 8 == 7 => {}
            other => panic!("{number}: {other:?}"),
        }
    }
    assert_eq!(world.s3.objects(BUCKETS[0].1).expect("the bucket").len(), UPLOADS * 7 / 8);
    assert!(world.s3.uploads(BUCKETS[0].1).expect("the bucket").is_empty());
    let held = account.most_held.load(Ordering::SeqCst);
    let beside = POOL_BYTES / PART_BYTES * CHUNK as u64;
    assert!(held <= POOL_BYTES + beside, "{held} bytes held");
    assert!(held > PART_BYTES, "several at once, or nothing is shown: {held}");
}

#[tokio::test]
async fn an_upload_that_is_abandoned_is_aborted() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    world.s3.configure(|options| options.minimum_part_bytes = PART_BYTES);
    let config = s3_of(&world).await;
    let parts = Parts::new(PART_BYTES, PART_BYTES, POOL_BYTES);
    let store = S3ObjectStore::new(&config, Conditionals::Sound, parts, Arc::default());
    let content = bytes_of(1);
    let sha1 = Sha1::of(&content);
    // The source hangs after two parts.
    let stream = counted(content, None).take(2 * 64 * 1024 / CHUNK).chain(stream::pending());
    let source = SourceContent { length: ByteCount(LENGTH as u64), stream: Box::pin(stream) };
    let bucket = S3Bucket::new(BUCKETS[0].1).expect("a name");
    let target = WriteTarget {
        address: ObjectAddress { bucket, key: ObjectKey::of_content(&sha1) },
        condition: Condition::Absent,
        meta: ObjectMeta::default(),
        length: ByteCount(LENGTH as u64),
    };
    let uploads = || world.s3.uploads(BUCKETS[0].1).expect("the bucket");
    let begun = async {
        while uploads().values().all(|upload| upload.parts.is_empty()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let put = store.put(&target, VerifiedContent::new(source, "dev1".to_owned(), sha1));
    tokio::select! {
        stored = put => panic!("it hangs: {stored:?}"),
        () = begun => {}
    }
    let aborted = async {
        while !uploads().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), aborted).await.expect("it is aborted");
}
