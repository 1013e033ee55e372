//! Sessions of ours that the server still has when they are gone on our side.

use std::time::Duration;

use adapters::mysql::{ChangeTimes, DatabaseUrl, MysqlRhinoChanges};
use domain::ports::{ChangeError, RhinoChanges, RhinoSession};
use sqlx::Executor;
use tests::containers::{MysqlServer, engine_answers};
use tests::contract::client_changes::{ALL, files, name_changes};
use tests::cut_connections::{Cut, cut_at};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::{LOCK_WAIT, rhino};

/// The lock, within the time that a server takes to end a session that was killed.
async fn locked(changes: &MysqlRhinoChanges) -> anyhow::Result<Box<dyn RhinoSession>> {
    for _ in 0..100 {
        match changes.lock().await {
            Err(ChangeError::Locked { .. }) => sleep(Duration::from_millis(50)).await,
            locked => return Ok(locked?),
        }
    }
    anyhow::bail!("a session that is gone keeps the lock")
}

#[tokio::test]
async fn a_session_that_is_cut_off_keeps_no_lock() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let (mut root, direct) = rhino(&server).await?;
    let before = files(&mut root).await;
    let relay = TcpListener::bind("127.0.0.1:0").await?;
    let mut url = server.url_of(MysqlServer::USER, MysqlServer::PASSWORD, "rhino")?;
    let address = format!("127.0.0.1:{}", url.port().expect("a port")).parse()?;
    url.set_port(Some(relay.local_addr()?.port())).expect("a port");
    url.set_query(Some("ssl-mode=disabled"));
    let task = tokio::spawn(cut_at(relay, address, b"UPDATE articleFile", Cut::Client));
    let url: DatabaseUrl = url.as_str().parse()?;
    let changes = MysqlRhinoChanges::new(url, std::sync::Arc::default());

    let mut session = changes.lock().await?;
    let names = name_changes(&[("corpus", "c")]);
    let error = session.rename_buckets(ALL, &names, &[]).await.expect_err("it is cut off");
    assert!(matches!(error, ChangeError::Unavailable { .. }), "{error:?}");
    let lost = session.rename_buckets(ALL, &names, &[]).await.expect_err("it has no lock");
    assert!(matches!(lost, ChangeError::SessionLost { .. }), "{lost:?}");
    // The server does not know that nobody is there.
    locked(&direct).await?;
    assert_eq!(files(&mut root).await, before);
    task.abort();
    Ok(())
}

#[tokio::test]
async fn a_statement_that_comes_too_late_is_ended_with_its_session() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let (mut root, direct) = rhino(&server).await?;
    let before = files(&mut root).await;
    let changes = MysqlRhinoChanges::new(server.url("rhino")?, std::sync::Arc::default());
    // It would wait for longer than we do.
    let changes = changes.with_times(ChangeTimes {
        request: Duration::from_secs(2),
        change: LOCK_WAIT,
        lock_wait: LOCK_WAIT * 60,
        ..ChangeTimes::default()
    });
    let mut session = changes.lock().await?;
    let mut holder = server.root("rhino").await?;
    holder.execute("START TRANSACTION").await?;
    holder.execute("UPDATE articleFile SET fileSize = 1").await?;
    let names = name_changes(&[("corpus", "c")]);
    let error = session.rename_buckets(ALL, &names, &[]).await.expect_err("it is held");
    assert!(matches!(error, ChangeError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("no answer within 1 s"), "{error}");
    // It waits for nothing any more: it would change the rows once it could.
    locked(&direct).await?;
    holder.execute("ROLLBACK").await?;
    assert_eq!(files(&mut root).await, before);
    Ok(())
}
