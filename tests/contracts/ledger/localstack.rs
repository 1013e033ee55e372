use std::sync::Arc;

use adapters::calls::Calls;
use adapters::dynamodb::{DynamoFailureLog, DynamoLedger, DynamoVerificationLog};
use tests::containers::{Localstack, engine_answers};
use tests::contract::ends::{LocalstackTable, number, settings_of, text};
use tests::contract::{failure_log, ledger, verification_log};

#[tokio::test]
async fn the_adapters_keep_the_contracts_on_localstack() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let localstack = Localstack::start().await?;
    let config = settings_of(&localstack).await;
    let calls = Arc::new(Calls::default());
    let absent = || "nobody-made-it".to_owned();

    let adapter = |table| DynamoLedger::new(&config, table, calls.clone());
    let table = LocalstackTable::new(&config, "ledger", &[number("fid")]).await?;
    ledger::holds(&adapter("ledger".to_owned()), &table).await;
    ledger::missing_table_is_told(&adapter(absent())).await;

    let adapter = |table| DynamoFailureLog::new(&config, table, calls.clone());
    let table = LocalstackTable::new(&config, "failures", &[number("fid")]).await?;
    failure_log::holds(&adapter("failures".to_owned()), &table).await;
    failure_log::missing_table_is_told(&adapter(absent())).await;

    let adapter = |table| DynamoVerificationLog::new(&config, table, calls.clone());
    LocalstackTable::new(&config, "verifications", &[text("run"), number("fid")]).await?;
    verification_log::holds(&adapter("verifications".to_owned())).await;
    verification_log::missing_table_is_told(&adapter(absent())).await;
    Ok(())
}
