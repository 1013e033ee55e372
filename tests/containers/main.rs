//! Real servers in containers, and the container harness itself.

#[cfg(feature = "containers")]
mod client_changes;
#[cfg(feature = "containers")]
mod client_databases;
#[cfg(feature = "containers")]
mod cutover_measured;
#[cfg(feature = "containers")]
mod key_changes;
#[cfg(feature = "containers")]
mod mogile_database;
#[cfg(feature = "containers")]
mod mysql_index;
#[cfg(feature = "containers")]
mod site;

#[cfg(not(feature = "containers"))]
#[test]
fn containers_that_are_required_are_not_left_out() {
    use std::io::Write;

    let required = std::env::var_os("REQUIRE_CONTAINERS").is_some_and(|value| value == "1");
    assert!(!required, "REQUIRE_CONTAINERS=1 needs the feature `containers`");
    // Not by `eprintln!`, which a test that passes swallows.
    let line = "SKIPPED: the tests on real servers, which the feature `containers` adds";
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(feature = "containers")]
#[tokio::test]
async fn localstack_answers_on_the_port_that_it_was_given() -> anyhow::Result<()> {
    use anyhow::Context;
    use tests::containers::{Localstack, engine_answers};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    if !engine_answers().await? {
        return Ok(());
    }
    let localstack = Localstack::start().await?;
    let endpoint = localstack.endpoint();
    let address = endpoint.strip_prefix("http://").context("an address")?;
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /_localstack/health HTTP/1.0\r\nHost: localhost\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    for part in [" 200 ", "s3", "sqs", "dynamodb"] {
        assert!(answer.contains(part), "{answer}");
    }
    Ok(())
}
