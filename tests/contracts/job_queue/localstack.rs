use std::sync::Arc;

use adapters::calls::Calls;
use adapters::sqs::SqsJobQueue;
use domain::ports::QueueRole;
use tests::containers::{Localstack, engine_answers};
use tests::contract::ends::{LocalstackPost, settings_of};
use tests::contract::job_queue::{holds, missing_queue_is_told};

#[tokio::test]
async fn the_adapter_keeps_the_contract_on_localstack() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let localstack = Localstack::start().await?;
    let config = settings_of(&localstack).await;
    let post = LocalstackPost::new(&config, "contract").await?;
    // Its URLs name a host that cannot be reached from here, and yet it is.
    assert!(!post.url().starts_with(&localstack.endpoint()), "{}", post.url());
    holds(&post).await;
    let absent = post.url().replace("/contract", "/nobody-made-it").parse()?;
    let absent = SqsJobQueue::new(&config, absent, QueueRole::Jobs, Arc::new(Calls::default()));
    missing_queue_is_told(&absent, "nobody-made-it").await;
    Ok(())
}
