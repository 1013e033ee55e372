//! A server on loopback that says what a script tells it to, whatever it is asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What is said to one request.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    before: Duration,
    pieces: Vec<Vec<u8>>,
    then: Then,
}

/// What follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Then {
    /// The next request.
    #[default]
    Listen,
    /// The connection's orderly end.
    Close,
    /// The connection's end with a reset.
    Reset,
    /// Not a word more.
    Silence,
}

/// Says these bytes.
pub fn say(bytes: impl Into<Vec<u8>>) -> Reply {
    Reply { pieces: vec![bytes.into()], ..Reply::default() }
}

/// Says nothing.
pub fn nothing() -> Reply {
    Reply::default()
}

impl Reply {
    /// Only after a while.
    pub fn after(self, before: Duration) -> Self {
        Self { before, ..self }
    }

    /// And this in a write of its own.
    pub fn and(mut self, piece: impl Into<Vec<u8>>) -> Self {
        self.pieces.push(piece.into());
        self
    }

    pub fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

/// What the server saw.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub requests: Vec<String>,
    pub connections: usize,
    pub most_at_once: usize,
    open: usize,
}

type Script = Arc<dyn Fn(usize, &str) -> Reply + Send + Sync>;

pub struct Scripted {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    _server: JoinSet<()>,
}

impl Scripted {
    /// A server of lines. The script gets the number of the request, from 0, and its text.
    pub async fn tracker(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(b"\n", Arc::new(script)).await
    }

    /// A server of HTTP requests without a body.
    pub async fn node(script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(b"\r\n\r\n", Arc::new(script)).await
    }

    async fn start(end: &'static [u8], script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("bound");
        let seen = Arc::<Mutex<Seen>>::default();
        let mut server = JoinSet::new();
        server.spawn(accept(listener, end, script, Arc::clone(&seen)));
        Self { address, seen, _server: server }
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().expect("no panic holds it").clone()
    }

    pub fn requests(&self) -> usize {
        self.seen().requests.len()
    }
}

async fn accept(listener: TcpListener, end: &'static [u8], script: Script, seen: Arc<Mutex<Seen>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
        connections.spawn(async move {
            note(&seen, |seen| {
                seen.connections += 1;
                seen.open += 1;
                seen.most_at_once = seen.most_at_once.max(seen.open);
            });
            // Its error is a client that went away.
            let _ = converse(stream, end, &script, &seen).await;
            note(&seen, |seen| seen.open -= 1);
        });
    }
}

async fn converse(
    mut stream: TcpStream,
    end: &[u8],
    script: &Script,
    seen: &Mutex<Seen>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let mut request = Vec::new();
        while !request.ends_with(end) {
            request.push(stream.read_u8().await?);
        }
        // Trackers skip blank lines.
        if request.trim_ascii().is_empty() {
            continue;
        }
        let request = String::from_utf8_lossy(&request).into_owned();
        let number = note(seen, |seen| {
            seen.requests.push(request.clone());
            seen.requests.len() - 1
        });
        let reply = script(number, &request);
        tokio::time::sleep(reply.before).await;
        for (n, piece) in reply.pieces.iter().enumerate() {
            if n > 0 {
                // The client reads what there is before more comes.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            stream.write_all(piece).await?;
        }
        match reply.then {
            Then::Listen => {}
            Then::Close => return stream.shutdown().await,
            Then::Reset => return stream.set_zero_linger(),
            Then::Silence => {
                tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
                return Ok(());
            }
        }
    }
}

fn note<T>(seen: &Mutex<Seen>, change: impl FnOnce(&mut Seen) -> T) -> T {
    change(&mut seen.lock().expect("no panic holds it"))
}

/// The `callid` of a tracker's request.
pub fn callid(request: &str) -> &str {
    let (_, behind) = request.split_once("callid=").expect("every request has one");
    behind.split(['&', '\r', '\n']).next().unwrap_or_default()
}

/// An answer of these fields, as a real tracker sends it.
pub fn ok(request: &str, fields: &str) -> Reply {
    let and = if fields.is_empty() { "" } else { "&" };
    say(format!("OK {fields}{and}callid={}\r\n", callid(request)))
}

/// An `ERR` of this code and encoded text, as a real tracker sends it.
pub fn err(request: &str, words: &str) -> Reply {
    say(format!("ERR {words} {}\r\n", callid(request)))
}
