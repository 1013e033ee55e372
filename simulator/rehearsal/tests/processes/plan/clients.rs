//! What `plan` says of the databases of contentrepo and rhino.

use serde_json::{Value, json};
use stand_ins::embedded::BUCKETS;
use stand_ins::world::databases::{Database, Planting};

use super::{clean, told};
use crate::cli::{mogile2s3, text};

#[tokio::test(flavor = "multi_thread")]
async fn types_and_names_are_planned() {
    let stage = clean(60).await;
    let said = async |url: Option<&str>, code: i32| {
        let mut environment = stage.world.environment().clone();
        environment.extend(url.map(|url| ("CONTENTREPO_DATABASE_URL", url.to_owned())));
        let output = mogile2s3(&environment, &["plan"]).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    };
    let rows = stage.planted.repo_objects;
    let planned = said(None, 0).await;
    // Some of the rows are purged, and refer to nothing.
    let planned_rows = told(&stage, &[], &["plan"]).await["types"]["rows"].clone();
    assert!((1..rows as u64).contains(&planned_rows.as_u64().expect("a number")), "{planned}");
    let words = format!("Types and names come from {planned_rows} rows of contentrepo's database");
    assert!(planned.contains(&words), "{planned}");

    let files = stage.planted.expected.len() as u64;
    let planned = said(Some(""), 0).await;
    let words = format!("To give them to {files} objects later costs $0.01 of COPYs");
    assert!(planned.contains(&words), "{planned}");

    let planned = said(Some("mysql://u:secret@127.0.0.1:1/repo"), 3).await;
    for words in ["TYPES AND NAMES ARE UNKNOWN", "127.0.0.1:1/repo", "CONTENTREPO_DATABASE_URL"] {
        assert!(planned.contains(words), "{words}: {planned}");
    }
    assert!(!planned.contains("secret"), "{planned}");

    let rows = [
        ("Zürich.pdf", String::new(), 4, 1),
        ("a.pdf", "x".repeat(1_800), 4, 2),
        ("a.pdf", "x".to_owned(), i32::MAX, 3),
    ];
    let connection = stage.world.databases.open(Database::ContentRepo).expect("a database");
    // Some of the planted names are not ASCII.
    let planned = told(&stage, &[], &["plan"]).await["types"]["non_ascii_fields"].clone();
    assert!(planned["objects"].as_u64() > Some(0), "{planned}");
    connection.execute("UPDATE objects SET downloadName = 'a.pdf'", ()).expect("changed");
    assert!(!said(None, 0).await.contains("not ASCII"), "nothing else is not");
    let mut keys = Vec::new();
    for (name, metadata, size, skip) in rows {
        let row = "(SELECT id FROM objects WHERE status = 0 ORDER BY id LIMIT 1 OFFSET ?1)";
        let sql = format!(
            "UPDATE objects SET userMetadata = ?2, size = ?3, downloadName = ?4 WHERE id = {row}"
        );
        assert_eq!(connection.execute(&sql, (skip, metadata, size, name)).expect("changed"), 1);
        let sql = format!("SELECT objkey FROM objects WHERE id = {row}");
        let key: String = connection.query_row(&sql, [skip], |row| row.get(0)).expect("a key");
        keys.push(key);
    }
    let planned = said(None, 0).await;
    for (words, key) in [
        ("1 objects of contentrepo have a field that is not ASCII: ", &keys[0]),
        ("1 objects of contentrepo have fields of more than 2 KB together: ", &keys[1]),
        ("1 objects of contentrepo have no size, or one of 2 GiB and more: ", &keys[2]),
    ] {
        let (_, behind) = planned.split_once(words).expect(words);
        assert!(behind.lines().nth(1).expect("names").contains(key.as_str()), "{key}: {planned}");
    }

    // After the cut-over each bucket has its new name.
    for (old, new) in BUCKETS {
        let sql = "UPDATE buckets SET bucketName = ? WHERE bucketName = ?";
        assert_eq!(connection.execute(sql, [new, old]).expect("changed"), 1);
    }
    let planned = said(None, 0).await;
    assert!(!planned.contains("HAZARD"), "{planned}");

    let add = |rows: &Planting<'_>| rows.bucket("scratch").map(drop);
    stage.world.databases.plant(add).expect("planted");
    let planned = said(None, 1).await;
    assert!(planned.contains("HAZARD: contentrepo has a bucket `scratch`"), "{planned}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_is_planned() {
    let stage = clean(60).await;
    let with = async |rhino: &str, arguments: &[&str], code: i32| {
        let mut environment = stage.world.environment().clone();
        environment.insert("RHINO_DATABASE_URL", rhino.to_owned());
        let output = mogile2s3(&environment, &[&["plan"], arguments].concat()).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    };
    let url = stage.world.environment()["RHINO_DATABASE_URL"].clone();
    let rows = |said: &str| -> Value {
        let report: Value = serde_json::from_str(said).expect("JSON");
        report["window"].clone()
    };
    assert_eq!(rows(&with(&url, &["--json"], 0).await), Value::Null);

    // As many rows as the database has in the buckets that migrate.
    let names = BUCKETS.map(|(old, _)| format!("'{old}'")).join(", ");
    let sql = format!("SELECT COUNT(*) FROM articleFile WHERE bucketName IN ({names})");
    let planted = stage.world.databases.texts(Database::Rhino, &sql).expect("a count");
    let planted: u64 = planted[0][0].parse().expect("a number");
    assert!(planted > 20, "{planted}");
    let window = rows(&with(&url, &["--json", "--window", "--ingested", "20000"], 0).await);
    assert_eq!(window["rhino_counted"], json!(true), "{window}");
    assert_eq!(window["rhino_rows"].as_u64(), Some(planted), "{window}");
    // The index, the ledger, contentrepo's objects and the files that came in; the verification too.
    assert_eq!(window["gates"][1]["seconds"], json!(1 + 1 + 1 + 100), "{window}");
    assert_eq!(window["gates"][2]["seconds"], json!(1 + 1 + 100), "{window}");
    assert_eq!(window["binlog_bytes"].as_u64(), Some(planted * 349), "{window}");

    // Without that database one row for each file is assumed, and said to be.
    let files = stage.planted.expected.len();
    let said = with("", &["--window"], 0).await;
    let assumed = format!("Rows of rhino that change: {files}, assumed, one for each file");
    for words in [&assumed, "rows × 7.0 s ÷ million", "The maintenance window", "all of it"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let said = with("mysql://u:secret@127.0.0.1:1/rhino", &["--window"], 3).await;
    for words in ["THE ROWS OF RHINO ARE NOT COUNTED: ", "127.0.0.1:1/rhino", "assumed, one for"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("secret"), "{said}");
    with(&url, &["--ingested", "7"], 2).await;

    // Through the trackers nobody knows how long it takes to read the index.
    let by_trackers = [("MOGILE_DATABASE_URL", String::new())];
    let window = told(&stage, &by_trackers, &["plan", "--window"]).await["window"].clone();
    assert_eq!(window["by_trackers"], json!(true), "{window}");

    // A row in a bucket that nobody has named stops the cut-over.
    let rhino = stage.world.databases.open(Database::Rhino).expect("a database");
    let sql = "UPDATE articleFile SET bucketName = 'strange' \
               WHERE fileId = (SELECT MIN(fileId) FROM articleFile WHERE bucketName = ?)";
    assert_eq!(rhino.execute(sql, [BUCKETS[0].0]).expect("changed"), 1);
    let said = with(&url, &["--window"], 1).await;
    let words = format!("Rows of rhino that change: {}, counted", planted - 1);
    for words in ["HAZARD: 1 rows of rhino are in bucket `strange`", &words] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_databases_of_another_store_are_hazards() {
    let stage = clean(60).await;
    let said = async |code: i32| {
        let output = mogile2s3(stage.world.environment(), &["plan", "--window"]).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    };
    let change = |database, sql: &str| {
        let connection = stage.world.databases.open(database).expect("a database");
        connection.execute(sql, ()).expect("changed")
    };
    let [no_object, no_bucket, no_row] = [
        "HAZARD: contentrepo's database has no object that refers to content: is it",
        "HAZARD: contentrepo has no bucket of BUCKETS, by its old name or its new one: is it",
        "HAZARD: no row of rhino is in a bucket of BUCKETS, by its old name or its new one: is it",
    ];
    let planned = said(0).await;
    assert!(!planned.contains("HAZARD"), "{planned}");

    let ignored = stage.world.environment()["IGNORE_BUCKETS"].clone();
    let ignored = ignored.split(',').next().expect("a name");
    assert!(
        change(Database::Rhino, &format!("UPDATE articleFile SET bucketName = '{ignored}'")) > 20
    );
    let others = "UPDATE buckets SET bucketName = 'elsewhere-' || bucketId";
    assert!(change(Database::ContentRepo, others) > 1);
    let planned = said(1).await;
    assert!(planned.contains(no_row) && planned.contains(no_bucket), "{planned}");

    change(Database::ContentRepo, "DELETE FROM objects");
    change(Database::Rhino, "DELETE FROM articleFile");
    let planned = said(1).await;
    assert!(planned.contains(no_row) && planned.contains(no_object), "{planned}");
}
