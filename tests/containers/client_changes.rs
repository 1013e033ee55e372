//! [`domain::ports::ContentRepoChanges`] and [`domain::ports::RhinoChanges`] on a real server.

use std::sync::Arc;

use adapters::calls::Calls;
use adapters::mysql::{MysqlContentRepoChanges, MysqlRhinoChanges};
use tests::containers::client_tables::{
    TEXTS, create_content_repo, create_rhino, plant_rhino, set_default,
};
use tests::containers::{MysqlServer, engine_answers};
use tests::contract::client_changes::{content_repo_changes_hold, rhino_changes_hold};
use tests::planted_clients::article_files;

mod blocked;

#[tokio::test]
async fn the_contracts_are_kept_with_every_character_set() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    for (number, text) in TEXTS.into_iter().enumerate() {
        let calls = Arc::new(Calls::default());
        let name = format!("repo{number}");
        let mut root = server.create_database(&name).await?;
        set_default(&mut root, text).await?;
        create_content_repo(&mut root).await?;
        let changes = MysqlContentRepoChanges::new(server.url(&name)?, calls.clone());
        let is_blind = text.collation.ends_with("_ci");
        content_repo_changes_hold(&changes, &mut root, is_blind).await;

        let name = format!("rhino{number}");
        let mut root = server.create_database(&name).await?;
        set_default(&mut root, text).await?;
        create_rhino(&mut root).await?;
        plant_rhino(&mut root, &article_files()).await?;
        let changes = MysqlRhinoChanges::new(server.url(&name)?, calls.clone());
        rhino_changes_hold(&changes, &mut root).await;
    }
    Ok(())
}
