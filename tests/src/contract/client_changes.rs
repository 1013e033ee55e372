//! What every [`ContentRepoChanges`] and every [`RhinoChanges`] promises to those who change names.

use std::collections::BTreeMap;

use domain::name_changes::{NameChange, NameChanges};
use domain::ports::{
    BucketRename, ChangeError, ContentRepoChanges, Hindrance, IndexChange, IndexDefinition,
    Renaming, RepoBucket, RhinoChanges, RhinoSession, RowId, RowRange,
};
use sqlx::mysql::MySqlConnection;
use sqlx::{Executor, Row};

use crate::planted_clients::article_files;

/// All rows of a table.
pub const ALL: RowRange =
    RowRange { first: RowId(i64::MIN as i128), last: RowId(i64::MAX as i128) };

/// All rows too, from before the lowest number of any column to behind the highest.
const EVERY: RowRange = RowRange { first: RowId(i128::MIN), last: RowId(i128::MAX) };

/// The index as it is planted.
pub const INDEX: &str = "KEY `bucketName_index` (`bucketName`)";

/// Names with quotes, backslashes, `%`, a blank at the end, letters of other character sets, and of
/// the most letters.
fn bucket_names() -> [String; 6] {
    let text = |name: &str| name.to_owned();
    let long = "n".repeat(255);
    [text("mogilefs-prod-repo"), text("it's \"q\\\" %_"), long, text("Upper"), text("e"), text("x")]
}

/// Plants buckets numbered from 1, changed for the last time long ago.
///
/// # Panics
/// Where the server refuses.
pub async fn plant_buckets(writer: &mut MySqlConnection) -> Vec<RepoBucket> {
    writer.execute("DELETE FROM buckets WHERE bucketId > 0").await.expect("deleted");
    let mut planted = Vec::new();
    for (id, name) in (1_i64..).zip(bucket_names()) {
        let insert = "INSERT INTO buckets (bucketId, bucketName, timestamp, creationDate) \
                      VALUES (?, ?, '2001-02-03 04:05:06', '2001-01-01 00:00:00')";
        let insert = sqlx::query(insert).bind(id).bind(&name);
        insert.execute(&mut *writer).await.expect("inserted");
        planted.push(RepoBucket { id: RowId(id.into()), name });
    }
    planted
}

/// All buckets as they are now. Fails where the time of a change is not the planted one.
///
/// # Panics
/// Where the server refuses.
pub async fn buckets(writer: &mut MySqlConnection) -> Vec<RepoBucket> {
    let sql = "SELECT bucketId, bucketName, CAST(timestamp AS CHAR) AS changed FROM buckets \
               ORDER BY bucketId";
    let rows = writer.fetch_all(sql).await.expect("rows");
    let bucket = |row: &sqlx::mysql::MySqlRow| {
        let id: i32 = row.get("bucketId");
        assert_eq!(row.get::<String, _>("changed"), "2001-02-03 04:05:06", "bucket {id}");
        RepoBucket { id: RowId(id.into()), name: row.get("bucketName") }
    };
    rows.iter().map(bucket).collect()
}

fn rename(id: i128, from: &str, to: &str) -> BucketRename {
    BucketRename { id: RowId(id), from: from.to_owned(), to: to.to_owned() }
}

/// Checks every promise on a database of the collation that is blind to case, or not.
///
/// # Panics
/// When a promise is not kept.
pub async fn content_repo_changes_hold(
    changes: &dyn ContentRepoChanges,
    writer: &mut MySqlConnection,
    is_blind: bool,
) {
    let before = plant_buckets(writer).await;
    let names = bucket_names();
    let long = "\u{e9}".repeat(255);
    let after = ["corpus-prod", "a'; DROP TABLE buckets -- \\", &long, "upper", "e\\ ", "100%"];
    let forth: Vec<_> = (1..).zip(&names).zip(after).map(|((id, a), b)| rename(id, a, b)).collect();
    let back: Vec<_> = (1..).zip(after).zip(&names).map(|((id, a), b)| rename(id, a, b)).collect();
    let done = |renaming: Result<Renaming, ChangeError>| {
        assert_eq!(renaming.expect("an answer"), Renaming::Done);
    };
    done(changes.rename_buckets(&forth).await);
    let renamed: Vec<_> = buckets(writer).await.into_iter().map(|bucket| bucket.name).collect();
    assert_eq!(renamed, after);
    // Once more: each row bears its new name already, and nothing becomes of it.
    let other_names = forth
        .iter()
        .cloned()
        .zip(after)
        .map(|(rename, found)| Hindrance::OtherName { rename, found: found.to_owned() });
    let hindered = changes.rename_buckets(&forth).await.expect("an answer");
    assert_eq!(hindered, Renaming::Hindered(other_names.collect()));
    done(changes.rename_buckets(&back).await);
    assert_eq!(buckets(writer).await, before);

    // The first of two would succeed alone.
    let good = rename(1, &names[0], "corpus-prod");
    let other = |id, from: &str, found: &str| {
        let rename = rename(id, from, "new");
        (rename.clone(), Some(Hindrance::OtherName { rename, found: found.to_owned() }))
    };
    let missing = rename(99, "a", "b");
    let collides = rename(6, "x", "e");
    let with = before[4].clone();
    let mut cases = vec![
        // A collation may take these for the name of the row.
        other(4, "upper", "Upper"),
        other(4, "Upper ", "Upper"),
        other(5, "\u{e9}", "e"),
        (missing.clone(), Some(Hindrance::Missing(missing))),
        (collides.clone(), Some(Hindrance::Collision { rename: collides, with })),
    ];
    let by_case = rename(6, "x", "UPPER");
    if is_blind {
        let with = before[3].clone();
        cases.push((by_case.clone(), Some(Hindrance::Collision { rename: by_case, with })));
    } else {
        cases.push((by_case, None));
    }
    for (bad, hindrance) in cases {
        let both = [good.clone(), bad.clone()];
        let renaming = changes.rename_buckets(&both).await.expect("an answer");
        let Some(hindrance) = hindrance else {
            assert_eq!(renaming, Renaming::Done, "{bad:?}");
            continue;
        };
        assert_eq!(renaming, Renaming::Hindered(vec![hindrance]), "{bad:?}");
        assert_eq!(buckets(writer).await, before, "{bad:?}");
    }
    plant_buckets(writer).await;
}

/// The rows of `articleFile` by their ids: the name of the bucket and the time of creation.
///
/// # Panics
/// Where the server refuses.
pub async fn files(writer: &mut MySqlConnection) -> BTreeMap<i64, (String, String)> {
    let sql = "SELECT fileId, bucketName, CAST(created AS CHAR) AS made FROM articleFile \
               ORDER BY fileId";
    let rows = writer.fetch_all(sql).await.expect("rows");
    rows.iter().map(|row| (row.get("fileId"), (row.get("bucketName"), row.get("made")))).collect()
}

/// The changes of these names.
///
/// # Panics
/// Where one of them touches what another has made.
#[must_use]
pub fn name_changes(changes: &[(&str, &str)]) -> NameChanges {
    let change = |&(from, to): &(&str, &str)| NameChange { from: from.into(), to: to.into() };
    NameChanges::new(changes.iter().map(change).collect()).expect("valid")
}

/// Checks every promise on a database that has the [`article_files`].
///
/// # Panics
/// When a promise is not kept.
pub async fn rhino_changes_hold(changes: &dyn RhinoChanges, writer: &mut MySqlConnection) {
    let facts = changes.facts().await.expect("an answer");
    assert_eq!(facts.index, Some(IndexDefinition(INDEX.to_owned())));
    assert_eq!(facts.triggers.as_deref(), Some(&[][..]));
    assert!(facts.changes_indexes_online && !facts.is_read_only, "{facts:?}");

    let mut session = changes.lock().await.expect("the lock");
    let Err(ChangeError::Locked { holder, .. }) = changes.lock().await.map(drop) else {
        panic!("two hold the lock");
    };
    assert!(holder.user.is_some() && holder.command.is_some(), "{holder}");
    index_comes_and_goes(changes, session.as_mut(), &facts.create_table).await;
    names_change(session.as_mut(), writer).await;
    drop(session);
    // The server learns of it a moment later.
    for _ in 0..100 {
        if changes.lock().await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the lock outlives its session");
}

async fn index_comes_and_goes(
    changes: &dyn RhinoChanges,
    session: &mut dyn RhinoSession,
    before: &str,
) {
    let index = IndexDefinition(INDEX.to_owned());
    let other = IndexDefinition("KEY `bucketName_index` (`bucketName`,`fileId`)".to_owned());
    let wrong = IndexDefinition(format!("{INDEX}, DROP COLUMN `bucketName`"));
    assert_eq!(session.add_index(&index).await.expect("an answer"), IndexChange::AlreadySo);
    for refused in [&other, &wrong] {
        let refused = session.add_index(refused).await.expect_err("another index");
        assert!(matches!(refused, ChangeError::Refused { .. }), "{refused}");
    }
    for change in [IndexChange::Made, IndexChange::AlreadySo] {
        assert_eq!(session.drop_index().await.expect("an answer"), change);
        assert_eq!(changes.facts().await.expect("an answer").index, None);
    }
    for change in [IndexChange::Made, IndexChange::AlreadySo] {
        assert_eq!(session.add_index(&index).await.expect("an answer"), change);
    }
    assert_eq!(changes.facts().await.expect("an answer").create_table, before);
}

async fn names_change(session: &mut dyn RhinoSession, writer: &mut MySqlConnection) {
    let before = files(writer).await;
    let planted = article_files();
    let of = |name: &str| -> Vec<RowId> {
        let files = planted.iter().filter(|file| file.bucket.as_deref() == Some(name));
        files.map(|file| file.id).collect()
    };
    let count = |name: &str| of(name).len() as u64;
    let long = "\u{e9}".repeat(255);
    let forth = [("corpus", "it's \\ 100% \"new\""), ("Corpus", long.as_str()), ("gone", "new")];
    let back = forth.map(|(from, to)| (to, from));
    let (forth, back) = (name_changes(&forth), name_changes(&back));
    let counts = [count("corpus"), count("Corpus"), 0];
    assert!(counts[0] > 10 && counts[1] > 10, "{counts:?}");

    // A part of the rows first, as after a kill; then all; then once more.
    let some = RowRange { first: RowId(1), last: RowId(60) };
    let part = session.rename_buckets(some, &forth, &[]).await.expect("renamed");
    let is_in = |id: RowId| (some.first..=some.last).contains(&id);
    let in_part = |name: &str| of(name).into_iter().filter(|id| is_in(*id)).count() as u64;
    assert_eq!(part, [in_part("corpus"), in_part("Corpus"), 0]);
    let rest = session.rename_buckets(ALL, &forth, &[]).await.expect("renamed");
    assert_eq!(rest, [counts[0] - part[0], counts[1] - part[1], 0]);
    assert_eq!(session.rename_buckets(ALL, &forth, &[]).await.expect("renamed"), [0, 0, 0]);
    let mut expected = BTreeMap::new();
    for name in ["mogilefs-prod-repo", "corpus", "Corpus", "corpus ", ""] {
        let change = forth.as_slice().iter().find(|change| change.from == name);
        let name_now = change.map_or(name, |change| &change.to);
        expected.insert(Some(name_now.to_owned()), count(name));
    }
    for all in [ALL, EVERY] {
        assert_eq!(session.rows_by_bucket(all).await.expect("counted"), expected);
    }
    let none = RowRange { first: RowId(2), last: RowId(1) };
    assert_eq!(session.rows_by_bucket(none).await.expect("counted"), BTreeMap::new());

    // Rows that bore a new name before keep it.
    let kept: Vec<_> = of("corpus").into_iter().take(3).collect();
    let renamed = session.rename_buckets(EVERY, &back, &kept).await.expect("renamed");
    assert_eq!(renamed, [counts[0] - 3, counts[1], 0]);
    let now = files(writer).await;
    for (id, row) in &before {
        let is_kept = kept.contains(&RowId((*id).into()));
        let name = if is_kept { "it's \\ 100% \"new\"" } else { &row.0 };
        assert_eq!(now[id], (name.to_owned(), row.1.clone()), "{id}");
    }
    assert_eq!(session.rename_buckets(ALL, &back, &[]).await.expect("renamed"), [3, 0, 0]);
    assert_eq!(files(writer).await, before);
    let many = vec![RowId(1); domain::limits::KEPT_ROWS + 1];
    let refused = session.rename_buckets(ALL, &back, &many).await.expect_err("too many");
    assert!(matches!(refused, ChangeError::Refused { .. }), "{refused}");
    let most = &many[1..];
    assert_eq!(session.rename_buckets(ALL, &back, most).await.expect("renamed"), [0, 0, 0]);
}
