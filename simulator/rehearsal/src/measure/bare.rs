//! The bare loop: the requests that move the files, through the same clients as ours and as many
//! at once, and nothing else: no tracker, no index, no listing, no hash, no condition, no ledger.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use adapters::s3;
use anyhow::Context;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

/// The command, hidden behind [`super::MEASURED`].
pub const COMMAND: &str = "bare";

/// What is to be done for one file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// Where its content is.
    pub from: From,
    /// The S3 bucket that it goes to.
    pub bucket: String,
    /// Its final key.
    pub key: String,
}

/// Where a content is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum From {
    /// On a storage node: GET, PUT.
    Node(String),
    /// At this key of the same bucket: COPY.
    Intermediary(String),
}

/// Carries out the orders that come on stdin, so many at once.
pub(super) fn main(arguments: &[OsString]) -> ExitCode {
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[OsString]) -> anyhow::Result<()> {
    let concurrency = arguments.first().and_then(|number| number.to_str()?.parse().ok());
    let concurrency = concurrency.context("how many at once?")?;
    let orders: Vec<Order> = serde_json::from_reader(std::io::stdin().lock())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(runtime.spawn(async move {
        let config = adapters::aws::load(None).await;
        let bare = Bare { s3: s3::client(&config), nodes: Nodes::default() };
        let bare = &bare;
        let carried_out = stream::iter(orders)
            .map(|order| async move { bare.carry_out(&order).await })
            .buffer_unordered(concurrency)
            .try_collect::<()>();
        carried_out.await
    }))?
}

struct Bare {
    s3: Client,
    nodes: Nodes,
}

impl Bare {
    async fn carry_out(&self, order: &Order) -> anyhow::Result<()> {
        match &order.from {
            From::Node(url) => {
                let content = self.nodes.get(url).await.with_context(|| url.clone())?;
                let put = self.s3.put_object().bucket(&order.bucket).key(&order.key);
                let put = put.body(ByteStream::from(content));
                // Ours streams and cannot sign what has not come yet.
                put.customize().disable_payload_signing().send().await?;
            }
            From::Intermediary(key) => {
                let copy = self.s3.copy_object().bucket(&order.bucket).key(&order.key);
                copy.copy_source(format!("{}/{key}", order.bucket)).send().await?;
            }
        }
        Ok(())
    }
}

/// Kept connections, by node.
#[derive(Default)]
struct Nodes(Mutex<BTreeMap<String, Vec<SendRequest<Empty<Bytes>>>>>);

impl Nodes {
    async fn get(&self, url: &str) -> anyhow::Result<Bytes> {
        let uri: Uri = url.parse()?;
        let node = uri.authority().context("a URL without a host")?.as_str();
        let mut connection = match self.take(node) {
            Some(kept) => kept,
            None => connect(node).await?,
        };
        connection.ready().await?;
        let request = Request::get(uri.path())
            .header(header::HOST, node)
            .header(header::CONNECTION, "keep-alive")
            .body(Empty::new())?;
        let content = connection.send_request(request).await?.into_body().collect().await?;
        self.keep(node, connection);
        Ok(content.to_bytes())
    }

    fn take(&self, node: &str) -> Option<SendRequest<Empty<Bytes>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(node)?.pop()
    }

    fn keep(&self, node: &str, connection: SendRequest<Empty<Bytes>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.get_mut(node) {
            Some(kept) => kept.push(connection),
            None => drop(kept.insert(node.to_owned(), vec![connection])),
        }
    }
}

async fn connect(node: &str) -> anyhow::Result<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(node).await?;
    stream.set_nodelay(true)?;
    let (sender, driver) = handshake(TokioIo::new(stream)).await?;
    // It ends with its connection; an error of it is that of the request.
    tokio::spawn(driver);
    Ok(sender)
}
