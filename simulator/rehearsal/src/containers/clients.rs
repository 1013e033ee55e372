//! contentrepo and rhino beside the containers, in this process: neither has an image.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context;
use sqlx::mysql::MySqlPool;
use stand_ins::embedded::{BUCKETS, rhino_settings};
use stand_ins::fault::Faults;
use stand_ins::wire::content_repo::{ContentRepoBackend, ROOT};
use stand_ins::wire::listener::{self, Backend};
use stand_ins::wire::rhino::{Rhino, RhinoBackend};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::content_repo::ServedRepo;
use super::mogile::Mogile;

/// Both clients, gone when dropped.
pub struct Clients {
    repo: Arc<ServedRepo>,
    /// The URL of contentrepo's API.
    pub repo_url: String,
    rhino: Arc<Rhino>,
    /// rhino's URL.
    pub rhino_url: String,
    #[expect(dead_code, reason = "dropping it ends the services")]
    services: JoinSet<()>,
}

impl Clients {
    /// Starts both as they are before the cut-over.
    pub async fn start(
        database: MySqlPool,
        s3: aws_sdk_s3::Client,
        mogile: Mogile,
    ) -> anyhow::Result<Self> {
        let mut services = JoinSet::new();
        let repo = ServedRepo::new(database, s3, mogile);
        let backend = Arc::new(ContentRepoBackend::new(repo.clone()));
        let repo_url = format!("{}{ROOT}", serve(&mut services, backend).await?);
        let rhino = Arc::new(Rhino::start(rhino_settings(&repo_url)));
        let backend = Arc::new(RhinoBackend::new(rhino.clone()));
        let rhino_url = serve(&mut services, backend).await?;
        Ok(Self { repo, repo_url, rhino, rhino_url, services })
    }

    /// Starts both again as they are behind the cut-over, or before it.
    pub fn restart(&self, on_s3: bool) {
        self.repo.restart(on_s3);
        self.rhino.restart(|settings| {
            let [corpus, editorial] =
                BUCKETS.map(|(old, new)| if on_s3 { new } else { old }.to_owned());
            settings.corpus.bucket = corpus;
            if let Some(endpoint) = &mut settings.editorial {
                endpoint.bucket = editorial;
            }
        });
    }
}

async fn serve<B: Backend>(services: &mut JoinSet<()>, backend: Arc<B>) -> anyhow::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.context("listening on a loopback port")?;
    let address = listener.local_addr()?;
    services.spawn(listener::serve(listener, backend, Arc::new(Faults::default())));
    Ok(format!("http://{address}"))
}
