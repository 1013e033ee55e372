//! [`domain::ports::ContentRepoChanges`] and [`domain::ports::RhinoChanges`] on a real server.

use std::sync::Arc;
use std::time::Duration;

use adapters::calls::Calls;
use adapters::mysql::{ChangeTimes, MysqlContentRepoChanges, MysqlRhinoChanges};
use sqlx::mysql::MySqlConnection;
use tests::containers::client_tables::{TEXTS, new_content_repo, new_rhino, plant_rhino};
use tests::containers::{MysqlServer, engine_answers};
use tests::contract::client_changes::{content_repo_changes_hold, rhino_changes_hold};
use tests::planted_clients::article_files;

mod blocked;
mod cut_off;
mod cutover;
mod tables;

/// How long our statements wait for others.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// Production's times but for that.
fn times() -> ChangeTimes {
    ChangeTimes { lock_wait: LOCK_WAIT, ..ChangeTimes::default() }
}

/// A new database of rhino with its rows.
async fn rhino(server: &MysqlServer) -> anyhow::Result<(MySqlConnection, MysqlRhinoChanges)> {
    let mut root = new_rhino(server, "rhino", TEXTS[0]).await?;
    plant_rhino(&mut root, &article_files()).await?;
    let changes = MysqlRhinoChanges::new(server.url("rhino")?, Arc::default());
    Ok((root, changes.with_times(times())))
}

#[tokio::test]
async fn the_contracts_are_kept_with_every_character_set() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    for (number, text) in TEXTS.into_iter().enumerate() {
        let calls = Arc::new(Calls::default());
        let name = format!("repo{number}");
        let mut root = new_content_repo(&server, &name, text).await?;
        let changes = MysqlContentRepoChanges::new(server.url(&name)?, calls.clone());
        let is_blind = text.collation.ends_with("_ci");
        content_repo_changes_hold(&changes, &mut root, is_blind).await;

        let name = format!("rhino{number}");
        let mut root = new_rhino(&server, &name, text).await?;
        plant_rhino(&mut root, &article_files()).await?;
        let changes = MysqlRhinoChanges::new(server.url(&name)?, calls.clone());
        rhino_changes_hold(&changes, &mut root).await;
    }
    Ok(())
}
