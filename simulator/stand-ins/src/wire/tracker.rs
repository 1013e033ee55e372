//! A MogileFS tracker on a TCP socket: a line asks, a line answers, as recorded from a real one.
//! The script of faults strikes between the two.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use super::accept::accept;
use crate::fault::{Fault, Faults, Service};
use crate::world::mogile::{MogileFs, Refusal, Tables, text_of};

mod admin;
mod commands;
mod encoding;
#[cfg(test)]
mod golden;
mod line;

use line::{Reply, Request};

/// Longer lines than this end the connection, so that no client can make us hold more. One of 2 MB is
/// answered.
const LINE_LIMIT_BYTES: usize = 4 << 20;

/// Accepts for ever; every request passes the fault script first. Dropping the future closes every
/// connection.
pub async fn serve(listener: TcpListener, mogile: Arc<MogileFs>, faults: Arc<Faults>) {
    let converse = |stream| converse(stream, Arc::clone(&mogile), Arc::clone(&faults));
    accept(listener, converse).await;
}

/// Tables that are kept elsewhere, and that others write, too.
#[async_trait]
pub trait StoredTables: Send + Sync + 'static {
    /// Reads all of them.
    async fn read(&self) -> anyhow::Result<Tables>;

    /// Writes what a command has changed: all of it, or nothing.
    async fn write(&self, before: &Tables, after: &Tables) -> anyhow::Result<()>;
}

/// Accepts for ever, for a tracker whose tables are kept elsewhere. One command at a time reads them, is
/// carried out, and writes what it has changed before it is answered. While they cannot be read or written,
/// each command is answered as the real tracker does without its database.
pub async fn serve_stored(
    listener: TcpListener,
    mogile: Arc<MogileFs>,
    tables: Arc<dyn StoredTables>,
) {
    let turn = Arc::new(Mutex::new(()));
    let converse = |stream: TcpStream| {
        let (mogile, tables, turn) = (Arc::clone(&mogile), Arc::clone(&tables), Arc::clone(&turn));
        async move {
            stream.set_nodelay(true)?;
            let (reader, mut writer) = stream.into_split();
            let mut reader = BufReader::new(reader);
            while let Some(line) = next_line(&mut reader).await? {
                if !line.is_empty() {
                    let request = Request::parse(&line);
                    let turn = turn.lock().await;
                    let reply = answer_stored(&mogile, tables.as_ref(), &request).await;
                    drop(turn);
                    writer.write_all(&reply.render(request.callid())).await?;
                }
            }
            writer.shutdown().await
        }
    };
    accept(listener, converse).await;
}

async fn answer_stored(mogile: &MogileFs, tables: &dyn StoredTables, request: &Request) -> Reply {
    let answered = async {
        let before = tables.read().await?;
        mogile.set_tables(before.clone());
        let reply = commands::answer(mogile, request);
        tables.write(&before, &mogile.tables()).await?;
        anyhow::Ok(reply)
    };
    answered.await.unwrap_or_else(|error| {
        eprintln!("the tracker's tables: {error:#}");
        let (code, text) = (Refusal::Failure.code().to_owned(), Refusal::Failure.text());
        Reply::Err { code, text }
    })
}

/// Whether a connection goes on after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    NextRequest,
    Close,
    /// Stay open, read what comes, say nothing.
    Silence,
}

/// Answers the requests of one connection in their order until either side closes it. An error is
/// a client that went away, which needs no answer.
async fn converse(stream: TcpStream, mogile: Arc<MogileFs>, faults: Arc<Faults>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let _open = faults.connected(Service::Tracker, &stream);
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    while let Some(line) = next_line(&mut reader).await? {
        if line.is_empty() {
            continue;
        }
        let request = Request::parse(&line);
        let target = String::from_utf8_lossy(&line);
        let fault = faults.strike(Service::Tracker, commands::operation(&request), &target);
        match answer(&mut writer, &mogile, &request, fault).await? {
            After::NextRequest => {}
            After::Close => break,
            After::Silence => {
                tokio::io::copy_buf(&mut reader, &mut tokio::io::sink()).await?;
                break;
            }
        }
    }
    writer.shutdown().await
}

/// The next line without its end; `None` at the end of the stream or past the limit. A last line
/// that was never ended is no request.
async fn next_line(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    reader.take(LINE_LIMIT_BYTES as u64).read_until(b'\n', &mut line).await?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    line.pop_if(|last| *last == b'\r');
    Ok(Some(line))
}

/// Carries out one request and the fault that strikes it.
async fn answer(
    writer: &mut OwnedWriteHalf,
    mogile: &MogileFs,
    request: &Request,
    fault: Option<Fault>,
) -> io::Result<After> {
    let whole = || commands::answer(mogile, request).render(request.callid());
    let (sent, after) = match fault {
        // It knows no batches, and no heads.
        None | Some(Fault::Unprocessed { processed: _ } | Fault::Announce(_)) => {
            (whole(), After::NextRequest)
        }
        Some(Fault::RequestLost) => (Vec::new(), After::Close),
        Some(Fault::AnswerLost) => (cut(whole(), 0), After::Close),
        Some(Fault::Hang) => (cut(whole(), 0), After::Silence),
        Some(Fault::Delay(pause)) => {
            let reply = whole();
            tokio::time::sleep(pause).await;
            (reply, After::NextRequest)
        }
        Some(
            Fault::Refuse { status: _, code } | Fault::RefuseInside200 { code, carried_out: _ },
        ) => {
            let text = text_of(&code).to_owned();
            (Reply::Err { code, text }.render(request.callid()), After::NextRequest)
        }
        Some(Fault::TruncateBody(bytes)) => stop_short(whole(), bytes, After::Close),
        Some(Fault::HangInBody(bytes)) => stop_short(whole(), bytes, After::Silence),
        Some(Fault::Trickle(pause)) => {
            for byte in whole() {
                writer.write_all(&[byte]).await?;
                tokio::time::sleep(pause).await;
            }
            (Vec::new(), After::NextRequest)
        }
        Some(Fault::CorruptBody) => {
            let mut reply = whole();
            if let Some(first) = reply.first_mut() {
                *first = first.wrapping_add(1);
            }
            (reply, After::NextRequest)
        }
    };
    writer.write_all(&sent).await?;
    Ok(after)
}

/// The first bytes of a reply, and what follows them; a reply that is not longer stays whole.
fn stop_short(reply: Vec<u8>, bytes: usize, after: After) -> (Vec<u8>, After) {
    if bytes < reply.len() { (cut(reply, bytes), after) } else { (reply, After::NextRequest) }
}

fn cut(mut reply: Vec<u8>, bytes: usize) -> Vec<u8> {
    reply.truncate(bytes);
    reply
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::fault::Rule;
    use crate::world::mogile::{Content, DeviceId, Dmid};

    const PATIENCE: Duration = Duration::from_millis(300);

    struct Tracker {
        mogile: Arc<MogileFs>,
        faults: Arc<Faults>,
        stream: BufReader<TcpStream>,
    }

    /// A tracker with one file of key `k`, and a connection to it.
    async fn tracker() -> Tracker {
        let mogile = Arc::new(MogileFs::default());
        let host = mogile.add_host([127, 0, 0, 1].into(), 7500);
        mogile.add_device(host);
        mogile.add_domain("plos_repo");
        mogile.store(Dmid(1), "k", &Content::from("abc"), &[DeviceId(1)]);
        let faults = Arc::new(Faults::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, Arc::clone(&mogile), Arc::clone(&faults)));
        let stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        Tracker { mogile, faults, stream }
    }

    impl Tracker {
        async fn send(&mut self, bytes: &[u8]) {
            self.stream.get_mut().write_all(bytes).await.unwrap();
        }

        /// A line as it came, or what came before the end.
        async fn line(&mut self) -> String {
            let mut line = Vec::new();
            // A reset connection has ended too.
            let _ = timeout(PATIENCE, self.stream.read_until(b'\n', &mut line)).await;
            String::from_utf8_lossy(&line).into_owned()
        }

        async fn ask(&mut self, line: &str) -> String {
            self.send(format!("{line}\r\n").as_bytes()).await;
            self.line().await
        }

        /// Whether the tracker closes the connection within our patience.
        async fn is_closed(&mut self) -> bool {
            let end = timeout(PATIENCE, self.stream.read_u8()).await;
            matches!(end, Ok(Err(_)))
        }
    }

    const DELETE: &str = "delete domain=plos_repo&key=k";

    /// What came of a `delete` under a fault: the answer, whether it was carried out, and whether
    /// the connection was closed.
    async fn delete_under(fault: Fault) -> (String, bool, bool) {
        let mut tracker = tracker().await;
        tracker.faults.add(Rule::once(Service::Tracker, "delete", "key=k", fault));
        let answer = tracker.ask(DELETE).await;
        (answer, tracker.mogile.row_count() == 0, tracker.is_closed().await)
    }

    #[tokio::test]
    async fn each_fault_takes_effect() {
        let refuse = Fault::Refuse { status: 503, code: "failure".to_owned() };
        for (fault, answer, done, closed) in [
            (Fault::RequestLost, "", false, true),
            (Fault::AnswerLost, "", true, true),
            (Fault::Hang, "", true, false),
            (refuse, "ERR failure Operation+failed\r\n", false, false),
            (Fault::TruncateBody(2), "OK", true, true),
            (Fault::TruncateBody(99), "OK \r\n", true, false),
            (Fault::HangInBody(1), "O", true, false),
            (Fault::CorruptBody, "PK \r\n", true, false),
        ] {
            let wanted = (answer.to_owned(), done, closed);
            assert_eq!(delete_under(fault.clone()).await, wanted, "{fault:?}");
        }
    }

    #[tokio::test]
    async fn a_delay_and_a_trickle_take_their_time() {
        let pause = Duration::from_millis(20);
        for (fault, least) in [(Fault::Delay(pause), pause), (Fault::Trickle(pause), pause * 4)] {
            let mut tracker = tracker().await;
            tracker.faults.add(Rule::always(Service::Tracker, fault));
            let started = Instant::now();
            assert_eq!(tracker.ask("noop").await, "OK \r\n");
            assert!(started.elapsed() >= least);
            assert_eq!(tracker.ask("noop").await, "OK \r\n");
        }
    }

    #[tokio::test]
    async fn requests_are_counted_by_command_and_garbage_by_one_name() {
        let mut tracker = tracker().await;
        for line in ["noop", "NOOP", "frobnicate", "frobnicate2", "???", "!version"] {
            tracker.ask(line).await;
        }
        tracker.line().await;
        let counts = tracker.faults.counts();
        let counted = |name: &str| counts.get(&(Service::Tracker, name.to_owned())).copied();
        assert_eq!((counted("noop"), counted("unknown")), (Some(2), Some(3)));
        assert_eq!((counted("!version"), counts.len()), (Some(1), 3));
    }

    #[tokio::test]
    async fn lines_end_in_either_way_and_blank_ones_are_skipped() {
        let mut tracker = tracker().await;
        tracker.send(b"\r\n\n\nnoop\nnoop callid=7\r\n\r\nNoOp\r\nno").await;
        assert_eq!(tracker.line().await, "OK \r\n");
        assert_eq!(tracker.line().await, "OK callid=7\r\n");
        assert_eq!(tracker.line().await, "OK \r\n");
        assert_eq!(tracker.line().await, "", "a line without its end waits for it");
        tracker.send(b"op\n").await;
        assert_eq!(tracker.line().await, "OK \r\n");
    }

    #[tokio::test]
    async fn garbage_is_answered_or_closed_and_harms_nobody() {
        let mut tracker = tracker().await;
        for garbage in [&b"\xff\xfe\xfd\n"[..], b" \n", b"%\n", b"=&=&\n", b"\0\n", b"\r\r\n"] {
            tracker.send(garbage).await;
            assert_eq!(tracker.line().await, "ERR unknown_command Unknown+server+command\r\n");
        }
        for line in ["get_paths %ZZ=%&&=&domain=%", "list_fids from=x&to=-99999999999999999999"] {
            assert_ne!(tracker.ask(line).await, "", "{line}");
        }
        tracker.send(&vec![b'x'; LINE_LIMIT_BYTES + 1]).await;
        assert!(tracker.is_closed().await);
        assert_eq!(tracker.mogile.row_count(), 1);
    }

    #[tokio::test]
    async fn admin_commands_answer_many_lines() {
        let mut tracker = tracker().await;
        assert_eq!(tracker.ask("!version").await, "2.73\r\n");
        assert_eq!(tracker.line().await, ".\r\n");
        let mut line = tracker.ask("!nonsense").await;
        while line != ".\r\n" {
            assert!(line.ends_with("\r\n"), "{line:?}");
            line = tracker.line().await;
        }
        assert_eq!(tracker.ask("noop").await, "OK \r\n");
    }
}
