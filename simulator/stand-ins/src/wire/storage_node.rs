//! The HTTP server of one MogileFS storage host: the replicas on its devices, by path.
//!
//! As recorded from real ones it answers as HTTP/1.0 with `Connection: keep-alive`, calls
//! everything `text/plain`, and knows no length but that on its disk.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, Stream};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::Frame;
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use super::listener::{self, Backend, Body, full};
use crate::fault::{Faults, Service};
use crate::world::mogile::{Chunks, Content, DeviceId, Fid, HostId, MogileFs, parse_fid_path};

mod disk;
mod range;

use range::Asked;

/// An upload is held in memory whole, so this is the largest.
const PUT_LIMIT_BYTES: usize = 256 << 20;

/// So long a real node keeps a connection on which nothing is asked.
const IDLE_LIMIT: Duration = Duration::from_secs(31);

/// Accepts for ever; every request passes the fault script first. Dropping the future closes every
/// connection.
pub async fn serve(
    listener: TcpListener,
    mogile: Arc<MogileFs>,
    host: HostId,
    faults: Arc<Faults>,
) {
    let node = StorageNode { mogile, host, folder: None };
    listener::serve(listener, Arc::new(node), faults).await;
}

/// The same without faults, for a node that keeps its replicas in a folder and serves those that it finds there:
/// they are still there after a restart.
pub async fn serve_folder(
    listener: TcpListener,
    mogile: Arc<MogileFs>,
    host: HostId,
    folder: PathBuf,
) -> io::Result<()> {
    disk::load(&mogile, &folder)?;
    let node = StorageNode { mogile, host, folder: Some(folder) };
    listener::serve(listener, Arc::new(node), Arc::default()).await;
    Ok(())
}

struct StorageNode {
    mogile: Arc<MogileFs>,
    host: HostId,
    /// Where the replicas are, when not in memory.
    folder: Option<PathBuf>,
}

impl Backend for StorageNode {
    fn service(&self) -> Service {
        Service::StorageNode
    }

    fn idle_limit(&self) -> Option<Duration> {
        Some(IDLE_LIMIT)
    }

    fn classify(&self, head: &http::request::Parts) -> (String, String) {
        // Not the client's own invention, which would grow the counts.
        let known = METHODS.iter().find(|known| **known == head.method.as_str());
        (known.copied().unwrap_or("unknown").to_owned(), head.uri.path().to_owned())
    }

    fn refusal(&self, status: u16, code: &str) -> Response<Body> {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        text(status, code.to_owned())
    }

    fn call(&self, request: Request<Incoming>) -> BoxFuture<'_, io::Result<Response<Body>>> {
        Box::pin(async move {
            let stays = keeps_alive(request.version(), request.headers());
            let mut response = self.respond(request).await?;
            if !stays {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok(response)
        })
    }
}

const METHODS: [&str; 5] = ["GET", "HEAD", "PUT", "DELETE", "MKCOL"];

impl StorageNode {
    async fn respond(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let path = request.uri().path();
        match request.method().as_str() {
            "GET" | "HEAD" => self.get(request.method(), path, request.headers()),
            "PUT" => self.put(request).await,
            "DELETE" => Ok(self.delete(path)),
            // Directories come into being with what is put into them.
            "MKCOL" => Ok(status(StatusCode::CREATED)),
            _ => Ok(status(StatusCode::METHOD_NOT_ALLOWED)),
        }
    }

    /// The replica of a path on a device of this host.
    fn place(&self, path: &str) -> Option<(Fid, DeviceId)> {
        let (device, fid) = parse_fid_path(path)?;
        (self.mogile.host_of(device)? == self.host).then_some((fid, device))
    }

    fn get(&self, method: &Method, path: &str, headers: &HeaderMap) -> io::Result<Response<Body>> {
        let replica = self.place(path).and_then(|(fid, device)| self.mogile.replica(fid, device));
        let Some(content) = replica else {
            return Ok(status(StatusCode::NOT_FOUND));
        };
        let length = content.length();
        let asked = match headers.get(header::RANGE).and_then(|range| range.to_str().ok()) {
            Some(range) => Asked::parse(range, length),
            None => Asked::Whole,
        };
        let (code, range, content_range) = match asked {
            Asked::Whole => (StatusCode::OK, 0..length, None),
            Asked::Part(part) => {
                let shown = format!("bytes {}-{}/{length}", part.start(), part.end());
                (StatusCode::PARTIAL_CONTENT, *part.start()..part.end() + 1, Some(shown))
            }
            Asked::Nothing => {
                let shown = format!("bytes */{length}");
                (StatusCode::RANGE_NOT_SATISFIABLE, 0..0, Some(shown))
            }
        };
        let promised = range.end - range.start;
        let body =
            if method == Method::HEAD { full(Bytes::new()) } else { streamed(&content, range)? };
        let mut response = answer(code, promised, body);
        if let Some(shown) = content_range.and_then(|shown| HeaderValue::try_from(shown).ok()) {
            response.headers_mut().insert(header::CONTENT_RANGE, shown);
        }
        Ok(response)
    }

    async fn put(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let place = self.place(request.uri().path());
        // Read in any case: a client that is still sending does not hear the answer.
        let body = Limited::new(request.into_body(), PUT_LIMIT_BYTES).collect().await;
        let Some((fid, device)) = place else {
            return Ok(status(StatusCode::NOT_FOUND));
        };
        let bytes = body.map_err(io::Error::other)?.to_bytes();
        let content = match &self.folder {
            Some(folder) => disk::keep(folder, fid, device, &bytes)?,
            None => Content::Bytes(bytes),
        };
        self.mogile.set_replica(fid, device, content);
        Ok(status(StatusCode::OK))
    }

    fn delete(&self, path: &str) -> Response<Body> {
        match self.place(path).and_then(|(fid, device)| self.mogile.remove_replica(fid, device)) {
            Some(content) => {
                if let (Some(_), Content::File { path, .. }) = (&self.folder, content) {
                    // One that is gone already is no error.
                    let _ = std::fs::remove_file(path);
                }
                status(StatusCode::NO_CONTENT)
            }
            None => status(StatusCode::NOT_FOUND),
        }
    }
}

/// Whether the client leaves the connection open: by default only from HTTP/1.1 on.
fn keeps_alive(version: Version, headers: &HeaderMap) -> bool {
    let connection = headers.get(header::CONNECTION).and_then(|value| value.to_str().ok());
    match connection {
        Some(wish) if wish.eq_ignore_ascii_case("close") => false,
        Some(wish) if wish.eq_ignore_ascii_case("keep-alive") => true,
        _ => version >= Version::HTTP_11,
    }
}

/// A body that is read chunk by chunk as the client takes it.
fn streamed(content: &Content, range: Range<u64>) -> io::Result<Body> {
    let chunks = content.chunks(range)?;
    Ok(if chunks.may_block() {
        StreamBody::new(from_disk(chunks)).boxed_unsync()
    } else {
        StreamBody::new(stream::iter(chunks.map(|chunk| chunk.map(Frame::data)))).boxed_unsync()
    })
}

/// Each chunk is read on a thread that may wait for the disk.
fn from_disk(chunks: Chunks) -> impl Stream<Item = io::Result<Frame<Bytes>>> {
    stream::try_unfold(chunks, |mut chunks| async move {
        let read = tokio::task::spawn_blocking(move || (chunks.next(), chunks)).await;
        let (chunk, chunks) = read.map_err(io::Error::other)?;
        Ok(chunk.transpose()?.map(|chunk| (Frame::data(chunk), chunks)))
    })
}

/// An answer without content but its own reason.
fn status(code: StatusCode) -> Response<Body> {
    let reason =
        if code == StatusCode::NO_CONTENT { "" } else { code.canonical_reason().unwrap_or("") };
    text(code, reason)
}

fn text(code: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let body = body.into();
    answer(code, body.len() as u64, full(body))
}

fn answer(code: StatusCode, length: u64, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    *response.version_mut() = Version::HTTP_10;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    if code != StatusCode::NO_CONTENT {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    response
}

#[cfg(test)]
mod tests;
