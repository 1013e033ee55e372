//! Real servers in containers. Image names come from the environment, ports are whatever the
//! engine maps, and everything is reached at 127.0.0.1: an engine asked for its own address may
//! name one that only containers can reach.

pub mod client_tables;
mod localstack;
mod mogile_tables;
mod mysql;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{ContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

pub use localstack::Localstack;
pub use mogile_tables::{FileTable, HOST, TEMPFILE, create_and_plant};
pub use mysql::MysqlServer;

/// An engine that is there answers within this.
const PING: Duration = Duration::from_secs(10);

/// From nothing to ready, on a busy machine; pulling the image comes before.
const STARTUP: Duration = Duration::from_mins(3);

/// How many servers run at the same time: more of them answer too late on two cores, however many tests
/// wait for something else meanwhile. A test takes one server, so none waits for itself.
static SERVERS: Semaphore = Semaphore::const_new(3);

/// Whether a container engine answers. Where none does, the test should end at once: this has said
/// so on standard error; with `REQUIRE_CONTAINERS=1` it is an error instead.
pub async fn engine_answers() -> anyhow::Result<bool> {
    let ping = async { anyhow::Ok(docker_client_instance().await?.ping().await?) };
    let why = match timeout(PING, ping).await {
        Ok(Ok(_)) => return Ok(true),
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => format!("no answer within {} s", PING.as_secs()),
    };
    if are_required() {
        bail!("REQUIRE_CONTAINERS=1, and no container engine answers: {why}");
    }
    say(&format!("SKIPPED: this test needs a container engine, and none answers ({why})"));
    Ok(false)
}

/// Whether `REQUIRE_CONTAINERS=1` is set.
#[must_use]
pub fn are_required() -> bool {
    std::env::var_os("REQUIRE_CONTAINERS").is_some_and(|value| value == "1")
}

/// Writes a line where it is seen: what is printed by a test that passes is swallowed.
pub fn say(line: &str) {
    // A closed standard error is no reason to fail a test.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The image that an environment variable names, or else this one.
fn image(variable: &str, default: &str) -> GenericImage {
    let image = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    // A colon before the last slash is a registry's port.
    match image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        Some((name, tag)) => GenericImage::new(name, tag),
        None => GenericImage::new(image.as_str(), "latest"),
    }
}

/// A container, gone when dropped.
struct Running {
    /// The port on 127.0.0.1.
    port: u16,
    // Dropped first: the next one starts when this one is gone.
    _container: ContainerAsync<GenericImage>,
    _permit: SemaphorePermit<'static>,
}

/// Starts a container and waits until it says that it is ready.
async fn start(
    image: GenericImage,
    port: ContainerPort,
    ready: WaitFor,
    environment: &[(&str, &str)],
) -> anyhow::Result<Running> {
    let permit = SERVERS.acquire().await?;
    let image = image.with_exposed_port(port).with_wait_for(ready);
    let request = environment
        .iter()
        .fold(ContainerRequest::from(image), |request, (name, value)| {
            request.with_env_var(*name, *value)
        })
        .with_startup_timeout(STARTUP);
    let container = request.start().await.context("starting a container")?;
    let port = container.get_host_port_ipv4(port).await.context("its mapped port")?;
    Ok(Running { port, _container: container, _permit: permit })
}
