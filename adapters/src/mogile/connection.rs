//! One connection to a tracker: a request is one line, and so is its answer.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest reply that is read, in bytes: twice the size of 500 entries of `list_fids` with the
/// longest keys.
pub(super) const LONGEST_REPLY: u64 = 1024 * 1024;

/// A connection with no request in flight.
pub(super) struct Connection(BufReader<TcpStream>);

/// How the wait for an answer ended.
pub(super) enum Heard {
    /// A whole line came, without its line end here, and the connection may be kept.
    Line(Vec<u8>, Connection),
    /// The connection was closed before a whole line.
    Closed,
    /// [`LONGEST_REPLY`] bytes came without a line end.
    Endless,
    /// No whole line came within the time limit.
    Late,
    /// The connection broke.
    Broken(io::Error),
}

impl Connection {
    /// Connects to a tracker; [`None`] when that takes longer than `limit`.
    pub(super) async fn open(address: &str, limit: Duration) -> io::Result<Option<Self>> {
        let Ok(stream) = timeout(limit, TcpStream::connect(address)).await else {
            return Ok(None);
        };
        let stream = stream?;
        stream.set_nodelay(true)?;
        Ok(Some(Self(BufReader::new(stream))))
    }

    /// Whether the tracker has sent nothing since its last answer and has not closed the
    /// connection. Unasked bytes would be taken for the answer to the next request.
    pub(super) fn is_silent(&self) -> bool {
        let read = self.0.get_ref().try_read(&mut [0]);
        let nothing = read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        nothing && self.0.buffer().is_empty()
    }

    /// Sends one request and reads its answer. The connection is returned only with a whole line:
    /// on any other a late answer would be taken for the next request's.
    pub(super) async fn ask(mut self, request: &str, limit: Duration) -> Heard {
        let exchange = async {
            self.0.write_all(request.as_bytes()).await?;
            let mut line = Vec::new();
            (&mut self.0).take(LONGEST_REPLY).read_until(b'\n', &mut line).await?;
            io::Result::Ok(line)
        };
        let mut line = match timeout(limit, exchange).await {
            Ok(Ok(line)) => line,
            Ok(Err(error)) if is_closed(&error) => return Heard::Closed,
            Ok(Err(error)) => return Heard::Broken(error),
            Err(_) => return Heard::Late,
        };
        if line.pop_if(|last| *last == b'\n').is_none() {
            let endless = line.len() as u64 == LONGEST_REPLY;
            return if endless { Heard::Endless } else { Heard::Closed };
        }
        line.pop_if(|last| *last == b'\r');
        Heard::Line(line, self)
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof
    )
}
