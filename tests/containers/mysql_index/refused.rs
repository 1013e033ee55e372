use std::error::Error;
use std::sync::Arc;

use adapters::mysql::{DatabaseUrl, MysqlIndex};
use domain::Fid;
use domain::ports::{IndexError, SourceIndex};
use domain::retry::{Classed, ErrorClass};
use sqlx::mysql::MySqlConnection;
use sqlx::{Connection, Executor};
use tests::containers::{FileTable, MysqlServer, create_and_plant, engine_answers};
use tests::planted::{DOMAIN, rows};

/// What a first page is refused with, every cause included.
async fn refusal(url: DatabaseUrl, domain: &str) -> (ErrorClass, String) {
    let index = MysqlIndex::new(url, domain.to_owned(), Arc::default());
    let error = index.page(Fid(0), 10).await.expect_err("a refusal");
    let mut text = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text} {cause}");
        next = cause.source();
    }
    (error.class(), text)
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_shows_no_password() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = server.create_database("mogile").await?;
    create_and_plant(&mut root, FileTable::Schema17, &[]).await?;
    server.create_database("another").await?;
    let (user, password) = (MysqlServer::USER, MysqlServer::PASSWORD);
    for sql in [
        "CREATE USER 'nobody'@'%' IDENTIFIED BY 's3cr%t'",
        "CREATE USER 'few'@'%' IDENTIFIED BY 's3cr%t'",
        "GRANT SELECT ON mogile.domain TO 'few'@'%'",
    ] {
        root.execute(sql).await?;
    }
    for (user, password, database, domain, why) in [
        (user, "s3cr%t", "mogile", DOMAIN, "correct user and password in the URL"),
        ("noone", "s3cr%t", "mogile", DOMAIN, "correct user and password in the URL"),
        (
            "nobody",
            "s3cr%t",
            "mogile",
            DOMAIN,
            "grant SELECT on the tables `class`, `domain`, `file` and `host`",
        ),
        (
            "few",
            "s3cr%t",
            "mogile",
            DOMAIN,
            "grant SELECT on the tables `class`, `domain`, `file` and `host`",
        ),
        (user, password, "another", DOMAIN, "is this MogileFS's database?"),
        ("root", "root", "absent", DOMAIN, "correct the database's name in the URL"),
        (user, password, "mogile", "PLOS_REPO", "(it has `plos_repo`, `other_domain`): correct"),
    ] {
        let url = server.url_of(user, password, database)?.as_str().parse()?;
        let (class, text) = refusal(url, domain).await;
        assert_eq!(class, ErrorClass::GiveUp, "{text}");
        assert!(text.contains(why), "{text}");
        assert!(!text.contains("s3cr"), "{text}");
        assert!(text.contains(&format!("/{database}`")), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_session_cannot_write() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = server.create_database("mogile").await?;
    create_and_plant(&mut root, FileTable::Schema17, &rows()).await?;
    // Whoever reads this table writes another.
    for sql in [
        "RENAME TABLE file TO stored_file",
        "CREATE TABLE trace (fid bigint unsigned NOT NULL) ENGINE=InnoDB",
        "CREATE FUNCTION traced(fid bigint unsigned) RETURNS bigint unsigned
         DETERMINISTIC MODIFIES SQL DATA
         BEGIN INSERT INTO trace VALUES (fid); RETURN fid; END",
        "CREATE VIEW file AS SELECT traced(fid) AS fid, dmid, dkey, length FROM stored_file",
    ] {
        root.execute(sql).await?;
    }
    let traces = async |session: &mut MySqlConnection| {
        sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM trace").fetch_one(session).await
    };
    let url = server.url_of(MysqlServer::USER, MysqlServer::PASSWORD, "mogile")?;
    let mut writer = MySqlConnection::connect(url.as_str()).await?;
    writer.execute("SELECT fid FROM file LIMIT 1").await?;
    let before = traces(&mut root).await?;
    assert!(before > 0, "the account itself may write");

    let index = MysqlIndex::new(server.url("mogile")?, DOMAIN.to_owned(), Arc::default());
    let refused = index.page(Fid(0), 10).await;
    let Err(IndexError::Refused { why, .. }) = refused else { panic!("written: {refused:?}") };
    assert!(why.contains("READ ONLY"), "{why}");
    assert_eq!(traces(&mut root).await?, before);
    Ok(())
}
