//! A client of MogileFS as an uploader is one: the tracker's protocol by lines, and HTTP for the bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A tracker.
#[derive(Clone)]
pub struct Mogile {
    /// `host:port`.
    pub address: String,
}

/// The values of an answer by their names.
type Answer = BTreeMap<String, String>;

impl Mogile {
    /// Uploads a file. Returns its fid, which is the next one where none is given.
    pub async fn store(
        &self,
        domain: &str,
        key: &str,
        fid: Option<u64>,
        bytes: &Bytes,
    ) -> anyhow::Result<u64> {
        let fid = fid.map_or_else(String::new, |fid| fid.to_string());
        let open = [("domain", domain), ("key", key), ("fid", &fid)];
        let opened = self.ask("create_open", &open).await?;
        let value = |name: &str| opened.get(name).with_context(|| format!("`{name}` is missing"));
        let (fid, path, device) = (value("fid")?, value("path")?, value("devid")?);
        put(path, bytes).await?;
        let size = bytes.len().to_string();
        let close = [
            ("domain", domain),
            ("key", key),
            ("fid", fid),
            ("devid", device),
            ("path", path),
            ("size", &size),
        ];
        self.ask("create_close", &close).await?;
        Ok(fid.parse()?)
    }

    /// Reads a file from its first replica.
    pub async fn read(&self, domain: &str, key: &str) -> anyhow::Result<Bytes> {
        let paths = [("domain", domain), ("key", key), ("noverify", "1")];
        let paths = self.ask("get_paths", &paths).await?;
        let path = paths.get("path1").context("no replica")?;
        get(path).await?.context("the replica is not there")
    }

    /// Asks for something. A refusal is an error.
    pub async fn ask(&self, command: &str, arguments: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let pairs: Vec<_> =
            arguments.iter().map(|(name, it)| format!("{name}={}", encode(it))).collect();
        let asked = async {
            let mut stream = BufReader::new(TcpStream::connect(&self.address).await?);
            let line = format!("{command} {}\r\n", pairs.join("&"));
            stream.get_mut().write_all(line.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_line(&mut answer).await?;
            anyhow::Ok(answer)
        };
        let answer = timeout(PATIENCE, asked).await.context("the tracker does not answer")??;
        let Some(values) = answer.trim_end().strip_prefix("OK") else {
            bail!("the tracker refused `{command} {}`: {}", pairs.join("&"), answer.trim_end());
        };
        let pairs = values.trim_start().split('&').filter_map(|pair| pair.split_once('='));
        Ok(pairs.map(|(name, value)| (name.to_owned(), decode(value))).collect())
    }

    /// Waits until it takes requests.
    pub async fn answers(&self) -> anyhow::Result<()> {
        let mut tries = 1;
        while let Err(error) = self.ask("get_domains", &[]).await {
            ensure!(tries < 100, "the tracker does not come up: {error:#}");
            tries += 1;
            sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }
}

/// Puts the bytes of a replica.
async fn put(url: &str, bytes: &Bytes) -> anyhow::Result<()> {
    let (status, _) = request("PUT", url, bytes).await?;
    ensure!((200..300).contains(&status), "PUT `{url}`: status {status}");
    Ok(())
}

/// The bytes of a replica, where there is one.
pub async fn get(url: &str) -> anyhow::Result<Option<Bytes>> {
    match request("GET", url, &Bytes::new()).await? {
        (200, bytes) => Ok(Some(bytes)),
        (404, _) => Ok(None),
        (status, _) => bail!("GET `{url}`: status {status}"),
    }
}

/// Takes a replica away.
pub async fn delete(url: &str) -> anyhow::Result<()> {
    let (status, _) = request("DELETE", url, &Bytes::new()).await?;
    ensure!((200..300).contains(&status), "DELETE `{url}`: status {status}");
    Ok(())
}

/// One request on a connection of its own.
async fn request(method: &str, url: &str, bytes: &Bytes) -> anyhow::Result<(u16, Bytes)> {
    let rest = url.strip_prefix("http://").with_context(|| format!("the URL `{url}`"))?;
    let (host, path) = rest.split_once('/').context("a URL with a path")?;
    let exchange = async {
        let mut stream = TcpStream::connect(host).await?;
        let head = format!(
            "{method} /{path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            bytes.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(bytes).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        anyhow::Ok(answer)
    };
    let answer = timeout(PATIENCE, exchange).await;
    let answer = answer.with_context(|| format!("{method} `{url}`: no answer"))??;
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").context("an answer's head")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = Bytes::from(answer).slice(end + 4..);
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    ensure!(length.is_none_or(|it| it == body.len()), "{method} `{url}`: the body broke off");
    Ok((status.context("an answer's status")?, body))
}

fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' | b':' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        let hex = others.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
