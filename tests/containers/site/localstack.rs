use std::collections::BTreeSet;
use std::time::Duration;

use adapters::clock::SystemClock;
use adapters::site::AwsSite;
use domain::blueprint::{
    AccessProfile, Blueprint, Entry, Outcome, QueueChoices, Queues, TableNames, buckets, tables,
};
use domain::provision::provision;
use domain::{S3Bucket, limits};
use tests::containers::{Localstack, engine_answers};
use tests::contract::ends::settings_of;

fn blueprint(profile: AccessProfile) -> Blueprint {
    let name = S3Bucket::new(profile.name()).expect("a name");
    let jobs = format!("jobs-{profile}");
    let choices = QueueChoices {
        dead_letters: Queues::dead_letters_beside(&jobs),
        jobs,
        function_time: limits::FUNCTION_TIME,
    };
    let ledger = format!("ledger-{profile}");
    let names = TableNames {
        failures: TableNames::failures_beside(&ledger),
        verifications: TableNames::verifications_beside(&ledger),
        journal: TableNames::journal_beside(&ledger),
        ledger,
    };
    Blueprint {
        buckets: buckets([&name], profile, limits::ABORT_UPLOADS_AFTER_DAYS, false, "us-east-1"),
        queues: Some(Queues::new(choices)),
        tables: tables(names),
    }
}

fn outcomes(entries: &[Entry]) -> BTreeSet<Outcome> {
    entries.iter().map(|entry| entry.outcome).collect()
}

#[tokio::test]
async fn a_second_run_finds_what_the_first_made_on_localstack() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let localstack = Localstack::start().await?;
    let config = settings_of(&localstack).await;
    let site = AwsSite::new(&config, std::sync::Arc::default());
    for &profile in AccessProfile::ALL {
        let blueprint = blueprint(profile);
        let planned = provision(&site, &SystemClock, &blueprint, true).await.entries;
        assert_eq!(outcomes(&planned), BTreeSet::from([Outcome::WouldMake]), "{planned:#?}");

        let made = provision(&site, &SystemClock, &blueprint, false).await;
        let trouble = made.entries.iter().filter(|entry| entry.outcome.is_trouble());
        assert_eq!(trouble.collect::<Vec<_>>(), Vec::<&Entry>::new(), "{profile}");
        assert!(made.jobs_url.is_some_and(|url| url.ends_with(&format!("jobs-{profile}"))));

        let mut found = provision(&site, &SystemClock, &blueprint, false).await.entries;
        // Its DynamoDB tells no deletion protection, however often that is turned on.
        found.retain(|entry| entry.setting != Some("deletion protection"));
        assert_eq!(outcomes(&found), BTreeSet::from([Outcome::Found]), "{found:#?}");
    }
    // A longer function asks for a longer invisibility.
    let mut longer = blueprint(AccessProfile::Private);
    longer.queues.as_mut().expect("queues").jobs.visibility =
        Some(limits::visibility(Duration::from_mins(5)));
    let raised = provision(&site, &SystemClock, &longer, false).await.entries;
    let changed = raised.iter().filter(|entry| entry.outcome == Outcome::Changed);
    let changed: BTreeSet<_> = changed.map(|entry| entry.setting).collect();
    let wanted = BTreeSet::from([Some("visibility"), Some("deletion protection")]);
    assert_eq!(changed, wanted, "{raised:#?}");
    Ok(())
}
