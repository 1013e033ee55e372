use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use adapters::calls::{Calls, System};
use adapters::mysql::MysqlIndex;
use domain::ports::{IndexError, RowPage, SourceIndex};
use domain::retry::{Classed, ErrorClass};
use domain::{Fid, IndexRow, limits};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Executor};
use tests::containers::{FileTable, MysqlServer, create_and_plant, engine_answers};
use tests::planted::{DOMAIN, rows};
use tokio::time::sleep;

/// Sessions killed while rows are paged.
const KILLS: usize = 20;

/// Outcomes every session of the index's account, and says how many there were.
async fn kill_all(root: &mut MySqlConnection) -> anyhow::Result<usize> {
    let sql = "SELECT CAST(id AS UNSIGNED) FROM information_schema.processlist WHERE user = ?";
    let ids: Vec<u64> =
        sqlx::query_scalar(sql).bind(MysqlServer::USER).fetch_all(&mut *root).await?;
    for id in &ids {
        // It may have ended by itself.
        let _ = root.execute(AssertSqlSafe(format!("KILL CONNECTION {id}"))).await;
    }
    Ok(ids.len())
}

/// A page, asked for as often as a run of the migration would.
async fn page(index: &MysqlIndex, after: Fid) -> Result<RowPage, IndexError> {
    for _ in 1..limits::ATTEMPTS {
        match index.page(after, 10).await {
            Err(error) if error.class() == ErrorClass::Retry => sleep(limits::BACKOFF_FIRST).await,
            answer => return answer,
        }
    }
    index.page(after, 10).await
}

/// All rows; counts the pages.
async fn all_rows(index: &MysqlIndex, pages: &Cell<usize>) -> Result<Vec<IndexRow>, IndexError> {
    let (mut all, mut after) = (Vec::new(), Fid(0));
    loop {
        let page = page(index, after).await?;
        pages.set(pages.get() + 1);
        all.extend(page.rows);
        let Some(next) = page.next else { return Ok(all) };
        after = next;
    }
}

#[tokio::test]
async fn sessions_killed_while_they_page_change_nothing() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = server.create_database("mogile").await?;
    create_and_plant(&mut root, FileTable::Schema17, &rows()).await?;
    let calls = Arc::new(Calls::default());
    let index = MysqlIndex::new(server.url("mogile")?, DOMAIN.to_owned(), calls);
    let (killed, pages) = (Cell::new(0), Cell::new(0));
    let undisturbed = all_rows(&index, &pages).await?;

    // Between two kills a page is answered: on a slow machine the kills would otherwise come faster
    // than sessions are made, and all attempts at one page be killed.
    let kills = async {
        while killed.get() < KILLS {
            let before = pages.get();
            killed.set(killed.get() + kill_all(&mut root).await?);
            while killed.get() < KILLS && pages.get() == before {
                sleep(Duration::from_millis(1)).await;
            }
            sleep(Duration::from_millis(killed.get() as u64 % 7)).await;
        }
        anyhow::Ok(())
    };
    let rounds = async {
        while killed.get() < KILLS {
            let rows = all_rows(&index, &pages).await?;
            assert!(rows == undisturbed, "after {} kills", killed.get());
        }
        anyhow::Ok(())
    };
    tokio::try_join!(kills, rounds)?;
    Ok(())
}

#[tokio::test]
async fn a_session_killed_in_a_query_fails_so_that_it_is_asked_again() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = server.create_database("mogile").await?;
    create_and_plant(&mut root, FileTable::Schema17, &rows()).await?;
    let calls = Arc::new(Calls::default());
    let index = MysqlIndex::new(server.url("mogile")?, DOMAIN.to_owned(), calls.clone());
    let undisturbed = index.page(Fid(0), 10).await?;

    // The page waits for the lock until it is killed; the kept session first, then a new one.
    let mut locker = server.root("mogile").await?;
    locker.execute("LOCK TABLES file WRITE").await?;
    let kills = async {
        loop {
            wait_for_query(&mut root).await?;
            kill_all(&mut root).await?;
        }
    };
    let refused: anyhow::Result<_> = tokio::select! {
        answer = index.page(Fid(0), 10) => Ok(answer),
        failed = kills => failed,
    };
    let error = refused?.expect_err("nobody answered");
    assert!(matches!(error, IndexError::Unavailable { .. }), "{error:?}");
    assert_eq!(calls.all()[&(System::Mysql, "page")].failed, 1);

    locker.execute("UNLOCK TABLES").await?;
    assert_eq!(page(&index, Fid(0)).await?, undisturbed);
    Ok(())
}

/// Waits until a session of the index's account waits for the lock.
async fn wait_for_query(root: &mut MySqlConnection) -> anyhow::Result<()> {
    let sql = "SELECT COUNT(*) FROM information_schema.processlist \
               WHERE user = ? AND state LIKE 'Waiting for table%'";
    for _ in 0..500 {
        let waiting: i64 =
            sqlx::query_scalar(sql).bind(MysqlServer::USER).fetch_one(&mut *root).await?;
        if waiting > 0 {
            return Ok(());
        }
        sleep(Duration::from_millis(10)).await;
    }
    anyhow::bail!("no session waits for the lock")
}
