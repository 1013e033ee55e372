use std::sync::Arc;

use adapters::calls::Calls;
use adapters::dynamodb::DynamoLedger;
use tests::containers::{Localstack, engine_answers};
use tests::contract::ends::{LocalstackTable, settings_of};
use tests::contract::ledger::{holds, missing_table_is_told};

#[tokio::test]
async fn the_adapter_keeps_the_contract_on_localstack() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let localstack = Localstack::start().await?;
    let config = settings_of(&localstack).await;
    let calls = Arc::new(Calls::default());
    let ledger = |table: &str| DynamoLedger::new(&config, table.to_owned(), calls.clone());
    holds(&LocalstackTable::new(Arc::new(ledger("ledger")), &config, "ledger").await?).await;
    missing_table_is_told(&ledger("nobody-made-it")).await;
    Ok(())
}
