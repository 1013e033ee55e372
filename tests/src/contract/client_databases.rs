//! What every [`ContentRepoDatabase`] and every [`RhinoDatabase`] promises to its readers.

use std::collections::BTreeMap;

use domain::limits;
use domain::ports::{
    ArticleFile, BackupRow, ContentRepoDatabase, RepoExtent, RepoMetadata, RhinoDatabase,
    RhinoNames, RowId,
};

use crate::planted_clients::{ContentRepoRows, PlantedObject, article_files};

/// Checks every promise on a database that has these rows.
///
/// # Panics
/// When a promise is not kept.
pub async fn content_repo_holds(database: &dyn ContentRepoDatabase, rows: &ContentRepoRows) {
    assert_eq!(database.buckets().await.expect("an answer"), rows.buckets);
    assert_eq!(database.extent().await.expect("an answer"), rows.extent());
    let planted: Vec<_> = rows.objects.iter().map(|planted| planted.object.clone()).collect();
    for limit in [1, 7, 89, 90, 1_000] {
        let (mut read, mut after) = (Vec::new(), RowId::START);
        loop {
            let page = database.objects(after, limit).await.expect("an answer");
            assert!(page.len() <= limit, "{} of {limit}", page.len());
            let Some(last) = page.last() else { break };
            assert!(last.id > after, "behind {after} is {}", last.id);
            after = last.id;
            read.extend(page);
        }
        assert_eq!(read, planted, "{limit} at once");
    }
    // What they say about themselves, in the same pages.
    let (mut read, mut after) = (Vec::new(), RowId::START);
    loop {
        let page = database.metadata(after, 7).await.expect("an answer");
        let Some(last) = page.last() else { break };
        assert!(last.id > after && page.len() <= 7, "behind {after} is {}", last.id);
        after = last.id;
        read.extend(page);
    }
    let wanted: Vec<_> = rows.objects.iter().map(metadata_of).collect();
    assert_eq!(read, wanted);
    // In the middle of a gap, behind the end, and with no rows asked for, which is one.
    let ids = async |after, limit| {
        let page = database.objects(RowId(after), limit).await.expect("an answer");
        page.into_iter().map(|object| object.id.0).collect::<Vec<_>>()
    };
    assert_eq!(ids(2, 2).await, [4, 7]);
    assert_eq!(ids(i128::from(i32::MAX), 2).await, []);
    assert_eq!(ids(i128::from(u64::MAX), 2).await, []);
    assert_eq!(ids(0, 0).await, [1]);
}

/// What a planted object says about itself: of long user metadata one character more than S3 takes.
fn metadata_of(planted: &PlantedObject) -> RepoMetadata {
    let PlantedObject { object, tag, user_metadata, .. } = planted;
    let beginning = |text: &String| text.chars().take(limits::METADATA_READ).collect();
    RepoMetadata {
        id: object.id,
        bucket: object.bucket,
        key: object.key.clone(),
        size: object.size,
        status: object.status,
        download_name: object.download_name.clone(),
        content_type: object.content_type.clone(),
        tag: tag.clone(),
        user_metadata: user_metadata.as_ref().map(beginning),
    }
}

/// Checks what an empty database says.
///
/// # Panics
/// When a promise is not kept.
pub async fn empty_content_repo_holds(database: &dyn ContentRepoDatabase) {
    assert_eq!(database.buckets().await.expect("an answer"), []);
    assert_eq!(database.objects(RowId::START, 9).await.expect("an answer"), []);
    assert_eq!(database.extent().await.expect("an answer"), RepoExtent::default());
}

/// Checks every promise on a database that has the [`article_files`].
///
/// # Panics
/// When a promise is not kept.
pub async fn rhino_holds<D: RhinoDatabase + RhinoNames>(database: &D) {
    let planted = article_files();
    names_hold(database, &planted).await;
    for limit in [1, 7, 89, 90, 1_000] {
        let (mut read, mut after) = (Vec::new(), RowId::START);
        loop {
            let page = database.files(after, limit).await.expect("an answer");
            assert!(page.len() <= limit, "{} of {limit}", page.len());
            let Some(last) = page.last() else { break };
            assert!(last.id > after, "behind {after} is {}", last.id);
            after = last.id;
            read.extend(page);
        }
        assert_eq!(read, planted, "{limit} at once");
    }
    let mut buckets = BTreeMap::new();
    for file in &planted {
        *buckets.entry(file.bucket.clone()).or_default() += 1;
    }
    assert_eq!(database.rows_by_bucket().await.expect("an answer"), buckets);
    assert_eq!(database.last().await.expect("an answer"), planted.last().map(|file| file.id));
}

async fn names_hold(database: &dyn RhinoNames, planted: &[ArticleFile]) {
    let of = |file: &ArticleFile| BackupRow { id: file.id, name: file.bucket.clone() };
    let names: Vec<_> = planted.iter().map(of).collect();
    let (mut read, mut after) = (Vec::new(), RowId::START);
    loop {
        let page = database.names(after, 7).await.expect("an answer");
        let Some(last) = page.last() else { break };
        after = last.id;
        read.extend(page);
    }
    assert_eq!(read, names);
    assert_eq!(database.highest().await.expect("an answer"), Some(after));
    for at in [0, 5, 40, names.len() - 1] {
        let mut counts = BTreeMap::new();
        for row in &names[at + 1..] {
            *counts.entry(row.name.clone()).or_default() += 1;
        }
        let counted = database.counts(names[at].id).await.expect("an answer");
        assert_eq!(counted, counts, "behind {}", names[at].id);
    }
}

/// Checks what an empty database says.
///
/// # Panics
/// When a promise is not kept.
pub async fn empty_rhino_holds(database: &dyn RhinoDatabase) {
    assert_eq!(database.files(RowId::START, 9).await.expect("an answer"), []);
    assert_eq!(database.rows_by_bucket().await.expect("an answer"), BTreeMap::new());
    assert_eq!(database.last().await.expect("an answer"), None);
}
