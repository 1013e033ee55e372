use std::sync::Arc;

use adapters::dynamodb::DynamoJournal;
use tests::containers::{Localstack, engine_answers};
use tests::contract::ends::{LocalstackTable, number, settings_of, text};
use tests::contract::journal::{holds, missing_table_is_told};

#[tokio::test]
async fn the_adapter_keeps_the_contract_on_localstack() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let localstack = Localstack::start().await?;
    let config = settings_of(&localstack).await;
    let journal = |table: &str, migration: &str| {
        DynamoJournal::new(&config, table.to_owned(), migration.to_owned(), Arc::default())
    };
    let keys = [text("migration"), number("sequence")];
    let table = LocalstackTable::new(&config, "journal", &keys).await?;
    holds(&journal("journal", "ledger"), &journal("journal", "other"), &table).await;
    missing_table_is_told(&journal("nobody-made-it", "ledger")).await;
    Ok(())
}
