//! What every [`KeyChanges`] promises to those who correct keys.

use std::collections::BTreeMap;

use domain::Fid;
use domain::ports::{KeyChange, KeyChanged, KeyChanges};
use sqlx::mysql::MySqlConnection;
use sqlx::{Executor, Row};

use crate::planted::{self, Fate, PlantedRow};

/// A few rows of the domain, one of another domain, and one without a key.
#[must_use]
pub fn rows() -> Vec<PlantedRow> {
    let all = planted::rows();
    let of = |fate: Fate, count: usize| all.iter().filter(move |row| row.fate == fate).take(count);
    of(Fate::Source, 5).chain(of(Fate::Foreign, 1)).chain(of(Fate::NoKey, 1)).cloned().collect()
}

/// The keys as they are now, by fid.
///
/// # Panics
/// Where the server refuses.
pub async fn keys(writer: &mut MySqlConnection) -> BTreeMap<u64, Option<String>> {
    let sql = "SELECT CAST(fid AS CHAR) AS fid, CAST(dkey AS CHAR) AS dkey FROM file ORDER BY fid";
    let rows = writer.fetch_all(sql).await.expect("rows");
    let fid = |row: &sqlx::mysql::MySqlRow| row.get::<String, _>("fid").parse().expect("a number");
    rows.iter().map(|row| (fid(row), row.get("dkey"))).collect()
}

/// A key of the same bucket, with another SHA-1.
#[must_use]
pub fn another(key: &str) -> String {
    format!("{}{}", domain::Sha1::of(key.as_bytes()), &key[40..])
}

/// Checks every promise on a table with the [`rows`], whose collation is blind to case or not.
///
/// # Panics
/// When a promise is not kept.
pub async fn key_changes_hold(
    changes: &dyn KeyChanges,
    writer: &mut MySqlConnection,
    is_blind: bool,
) {
    let before = keys(writer).await;
    assert_eq!(changes.hindrance().await.expect("an answer"), None);
    assert_eq!(keys(writer).await, before, "it only looks");
    let rows = rows();
    let key = |at: usize| rows[at].dkey.clone().expect("a key");
    let (fid, own, other) = (Fid(rows[0].fid), key(0), key(1));
    let new = another(&own);
    let change = |fid: Fid, from: &str, to: &str| KeyChange {
        fid,
        from: from.to_owned(),
        to: to.to_owned(),
    };
    let forth = change(fid, &own, &new);
    assert_eq!(changes.change_key(&forth).await.expect("an answer"), KeyChanged::Done);
    assert_eq!(changes.key_of(fid).await.expect("an answer"), Some(new.clone()));
    let mut after = before.clone();
    after.insert(fid.0, Some(new.clone()));
    assert_eq!(keys(writer).await, after, "one key, and no other");
    // Once more: the row has its new key already.
    let again = changes.change_key(&forth).await.expect("an answer");
    assert_eq!(again, KeyChanged::OtherKey(Some(new.clone())));
    let back = change(fid, &new, &own);
    assert_eq!(changes.change_key(&back).await.expect("an answer"), KeyChanged::Done);
    assert_eq!(keys(writer).await, before);

    let has_own = KeyChanged::OtherKey(Some(own.clone()));
    let (foreign, nameless) = (Fid(rows[5].fid), Fid(rows[6].fid));
    let upper = other.to_uppercase();
    let mut cases = vec![
        // A collation may take these for the key of the row.
        (change(fid, &own.to_uppercase(), &new), has_own.clone()),
        (change(fid, &format!("{own} "), &new), has_own.clone()),
        (change(fid, "x'; DROP TABLE file -- \\", &new), has_own),
        (change(Fid(rows[1].fid), &own, &new), KeyChanged::OtherKey(Some(other.clone()))),
        (change(foreign, &key(5), &new), KeyChanged::OtherKey(None)),
        (change(nameless, "", &new), KeyChanged::OtherKey(None)),
        (change(Fid(u64::from(u32::MAX)), &own, &new), KeyChanged::OtherKey(None)),
        (change(fid, &own, &other), KeyChanged::Taken),
    ];
    if is_blind {
        cases.push((change(fid, &own, &upper), KeyChanged::Taken));
    }
    for (wrong, expected) in cases {
        assert_eq!(changes.change_key(&wrong).await.expect("an answer"), expected, "{wrong:?}");
        assert_eq!(keys(writer).await, before, "{wrong:?}");
    }
    for fid in [foreign, nameless, Fid(u64::from(u32::MAX))] {
        assert_eq!(changes.key_of(fid).await.expect("an answer"), None, "{fid}");
    }
}
