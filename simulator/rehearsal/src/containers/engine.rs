//! The container engine: what is started on it, and that nothing of it stays.

use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use anyhow::{Context, bail};
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{ContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};
use tokio::time::{sleep, timeout};

/// An engine that is there answers within this.
const PING: Duration = Duration::from_secs(10);

/// From nothing to ready, on a busy machine; pulling the image comes before.
const STARTUP: Duration = Duration::from_mins(3);

/// How often a container is begun on another port, where something took the first one meanwhile.
const PORT_TRIES: usize = 5;

/// The label of every container; its value names the rehearsal.
pub const LABEL: &str = "mogile2s3.rehearsal";

/// An engine that answers, and the names of what one rehearsal starts on it.
#[derive(Clone)]
pub struct Engine {
    docker: Docker,
    name: String,
}

/// A container that runs.
pub struct Running {
    // Taken away by the sweep alone: so that it can stay.
    container: ManuallyDrop<ContainerAsync<GenericImage>>,
    /// Its port on 127.0.0.1. It stays the same when the container is started again.
    pub port: u16,
}

impl Running {
    /// Stops it at once, as a kill does.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.container.stop_with_timeout(Some(0)).await.context("stopping a container")
    }

    /// Starts it again, with the files that it had.
    pub async fn start(&self) -> anyhow::Result<()> {
        self.container.start().await.context("starting a container again")
    }

    /// Freezes its processes.
    pub async fn pause(&self) -> anyhow::Result<()> {
        self.container.pause().await.context("pausing a container")
    }

    /// Lets its processes go on.
    pub async fn unpause(&self) -> anyhow::Result<()> {
        self.container.unpause().await.context("resuming a container")
    }
}

/// What a container is made of.
pub struct Recipe {
    /// Its name in the network.
    pub role: &'static str,
    /// The image.
    pub image: GenericImage,
    /// The port that it serves.
    pub port: u16,
    /// When it is up.
    pub ready: WaitFor,
    /// Its environment.
    pub environment: Vec<(&'static str, String)>,
}

/// No container engine answers.
#[derive(Debug, thiserror::Error)]
#[error(
    "no container engine answers ({why}), and `--world containers` runs its servers there: start Docker or Podman, \
     or name its socket by DOCKER_HOST=unix:///path/docker.sock. `rehearse` without `--world` needs no engine"
)]
pub struct NoEngine {
    why: String,
}

impl Engine {
    /// Finds the engine. The error says what to start.
    pub async fn find() -> anyhow::Result<Self> {
        let ping = async {
            let docker = docker_client_instance().await?;
            docker.ping().await?;
            anyhow::Ok(docker)
        };
        let docker = match timeout(PING, ping).await {
            Ok(Ok(docker)) => docker,
            Ok(Err(error)) => bail!(NoEngine { why: format!("{error:#}") }),
            Err(_) => {
                bail!(NoEngine { why: format!("no answer within {} s", PING.as_secs()) })
            }
        };
        let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
        let id = id.simple().to_string();
        Ok(Self { docker, name: format!("mogile2s3-{}", id.get(..12).unwrap_or(&id)) })
    }

    /// The label of its containers, with its value.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{LABEL}={}", self.name)
    }

    /// What removes everything of this rehearsal, for people.
    #[must_use]
    pub fn removal(&self) -> String {
        let name = &self.name;
        format!(
            "docker ps --all --quiet --filter label={LABEL}={name} | xargs --no-run-if-empty docker rm --force \
             --volumes; docker network rm {name}"
        )
    }

    /// The host name of a container, for the others.
    #[must_use]
    pub fn host_of(&self, role: &str) -> String {
        format!("{}-{role}", self.name)
    }

    /// Starts a container on a port of 127.0.0.1 and waits until it says that it is ready. A container may be
    /// changed before it starts.
    pub async fn start(
        &self,
        recipe: &Recipe,
        change: impl Fn(ContainerRequest<GenericImage>) -> ContainerRequest<GenericImage>,
    ) -> anyhow::Result<Running> {
        let mut tries = 1;
        loop {
            let port = free_port()?;
            let request = change(self.request(recipe, port));
            match request.start().await {
                Ok(container) => {
                    return Ok(Running { container: ManuallyDrop::new(container), port });
                }
                Err(error) if tries < PORT_TRIES && is_port_taken(&error.to_string()) => {
                    tries += 1;
                    self.remove(recipe.role).await?;
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("starting `{}`", recipe.role));
                }
            }
        }
    }

    fn request(&self, recipe: &Recipe, port: u16) -> ContainerRequest<GenericImage> {
        let inside = ContainerPort::Tcp(recipe.port);
        let image = recipe.image.clone().with_wait_for(recipe.ready.clone());
        let request = ContainerRequest::from(image)
            .with_mapped_port(port, inside)
            .with_network(self.name.as_str())
            .with_container_name(self.host_of(recipe.role))
            .with_label(LABEL, self.name.as_str())
            .with_startup_timeout(STARTUP)
            // The passwords of this world are no secrets: only this machine may reach it.
            .with_host_config_modifier(|host| {
                let ports = host.port_bindings.iter_mut().flat_map(HashMap::values_mut);
                for binding in ports.flatten().flatten() {
                    binding.host_ip = Some(Ipv4Addr::LOCALHOST.to_string());
                }
            });
        let environment = recipe.environment.iter();
        environment
            .fold(request, |request, (name, value)| request.with_env_var(*name, value.as_str()))
    }

    /// Removes every container of this rehearsal with its volumes, and the network. What was still being
    /// created when the rehearsal ended is waited for.
    pub async fn sweep(&self) -> anyhow::Result<()> {
        let (mut quiet, mut left) = (0, None);
        for _ in 0..20 {
            let found = self.containers().await?;
            quiet = if found.is_empty() { quiet + 1 } else { 0 };
            if quiet == 2 {
                left = None;
                break;
            }
            for id in found {
                // One that cannot be removed now keeps no other one.
                if let Err(error) = self.remove(&id).await {
                    left = Some(error);
                }
            }
            sleep(Duration::from_millis(200)).await;
        }
        if let Some(error) = left {
            return Err(error);
        }
        match self.docker.remove_network(&self.name).await {
            Ok(()) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(error).context("removing the network"),
        }
    }

    async fn containers(&self) -> anyhow::Result<Vec<String>> {
        let filters = HashMap::from([("label", vec![self.label()])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = self.docker.list_containers(Some(options)).await;
        Ok(found.context("listing containers")?.into_iter().filter_map(|it| it.id).collect())
    }

    /// Removes a container by its role or id. One that is not there, or is being removed, is no error.
    async fn remove(&self, container: &str) -> anyhow::Result<()> {
        let name = self.host_of(container);
        let container = if container.len() == 64 { container } else { &name };
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.docker.remove_container(container, Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(error).context("removing a container"),
        }
    }
}

fn is_missing(error: &testcontainers::bollard::errors::Error) -> bool {
    use testcontainers::bollard::errors::Error::DockerResponseServerError;
    matches!(error, DockerResponseServerError { status_code: 404 | 409, .. })
}

/// The words of Docker's and Podman's engine.
fn is_port_taken(error: &str) -> bool {
    ["port is already allocated", "address already in use"].iter().any(|it| error.contains(it))
}

/// A port that is free now.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr()?.port())
}

/// The image that an environment variable names, or else this one.
pub fn image(variable: &str, default: &str) -> GenericImage {
    let image = std::env::var(variable).ok().filter(|image| !image.trim().is_empty());
    let image = image.as_deref().unwrap_or(default);
    // A colon before the last slash is a registry's port.
    match image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        Some((name, tag)) => GenericImage::new(name, tag),
        None => GenericImage::new(image, "latest"),
    }
}
