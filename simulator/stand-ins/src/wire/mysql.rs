//! A MySQL server on a TCP socket, written by hand: the packets, the login, a closed list of
//! statements, MogileFS's tables, which are the world's own, and its clients' databases in `SQLite`.
//!
//! What it proves: that our statements, sessions and prepared statements are understood, what a client
//! does when a connection breaks at any byte or an error comes, that a transaction is whole or not
//! there, and that any other client reads the same rows. What it does not prove: anything of `InnoDB`'s
//! locks and isolation, of DDL that runs beside other statements, of the optimizer and its choice of
//! indexes, of grants, of TLS. Tests on real servers do (`tests/containers/`). Never assert blocking or
//! timing on this one.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::accept::accept;
use crate::fault::{Fault, Faults, Service};
use crate::world::databases::Databases;
use crate::world::mogile::MogileFs;

mod answer;
mod command;
mod locks;
mod login;
mod options;
mod packet;
mod refusal;
mod session;
mod sessions;
mod sql;
mod stored;
mod tables;
#[cfg(test)]
mod tests;
mod value;

use answer::{Answer, Context};
use command::Command;
use locks::Locks;
use login::{Login, Nonce};
use packet::{PacketError, Packets};
use refusal::Refusal;
use session::Session;
use sessions::Sessions;

pub use options::ServerOptions;
pub use tables::DATABASE;

/// A login must be done by then: the server's default `connect_timeout`.
const LOGIN_WITHIN: Duration = Duration::from_secs(10);

/// The server: whom it lets in, and whose tables it shows.
#[derive(Debug)]
pub struct MysqlServer {
    user: String,
    password: String,
    mogile: Arc<MogileFs>,
    databases: Option<Arc<Databases>>,
    options: Mutex<ServerOptions>,
    locks: Locks,
    sessions: Sessions,
    last_connection: AtomicU32,
}

impl MysqlServer {
    /// Lets this user in with this password.
    #[must_use]
    pub fn new(mogile: Arc<MogileFs>, user: &str, password: &str) -> Self {
        let (user, password) = (user.to_owned(), password.to_owned());
        let (databases, locks, last_connection) = (None, Locks::default(), AtomicU32::new(0));
        let (sessions, options) = (Sessions::default(), Mutex::default());
        Self { user, password, mogile, databases, options, locks, sessions, last_connection }
    }

    /// Shows the databases of MogileFS's clients too.
    #[must_use]
    pub fn with_databases(mut self, databases: Arc<Databases>) -> Self {
        self.databases = Some(databases);
        self
    }

    /// Changes how it is set up, from the next statement on.
    pub fn configure(&self, change: impl FnOnce(&mut ServerOptions)) {
        change(&mut self.options.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Ends a session, as `KILL` does on a server: what it has not committed is taken back, and its locks are free.
    /// Whether there is such a session. Returns before it has ended.
    pub fn kill(&self, session: u32) -> bool {
        self.sessions.kill(session)
    }

    fn options(&self) -> ServerOptions {
        self.options.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Error 1045 for whoever is not the user or has another password.
    fn admit(&self, login: &Login, nonce: &Nonce, scramble: &[u8]) -> Result<(), Refusal> {
        if login.user == self.user && scramble == nonce.scramble(&self.password) {
            return Ok(());
        }
        let with = if scramble.is_empty() { "NO" } else { "YES" };
        let user = &login.user;
        let text = format!("Access denied for user '{user}'@'127.0.0.1' (using password: {with})");
        Err(Refusal::new(1045, text))
    }
}

/// Accepts for ever; every login and every command passes the fault script first. Dropping the future
/// closes every connection.
pub async fn serve(listener: TcpListener, server: Arc<MysqlServer>, faults: Arc<Faults>) {
    let converse = |stream| converse(stream, Arc::clone(&server), Arc::clone(&faults));
    accept(listener, converse).await;
}

/// Whether a connection goes on after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    NextCommand,
    Close,
    /// Stay open, read what comes, say nothing.
    Silence,
}

/// Answers one client until either side closes the connection. An error is a client that went away,
/// which needs no answer.
async fn converse(
    stream: TcpStream,
    server: Arc<MysqlServer>,
    faults: Arc<Faults>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let _open = faults.connected(Service::Mysql, &stream);
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let login = log_in(&mut reader, &mut writer, &server, &faults);
    let Ok(session) = timeout(LOGIN_WITHIN, login).await else { return Ok(()) };
    // It is held as long as the connection, silent or not: so are the locks of its transaction.
    let (mut after, mut session) = session?;
    if let (After::NextCommand, Some(session)) = (after, &mut session) {
        let ended = session.listed.ended();
        after = tokio::select! {
            after = answer_commands(&mut reader, &mut writer, session, &faults) => after?,
            () = ended.notified() => After::Close,
        };
    }
    if after == After::Silence {
        tokio::io::copy_buf(&mut reader, &mut tokio::io::sink()).await?;
    }
    writer.shutdown().await
}

/// Greets, reads the login and answers it. Without a session the connection has ended, or is silent.
async fn log_in<'a>(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut OwnedWriteHalf,
    server: &'a MysqlServer,
    faults: &Faults,
) -> io::Result<(After, Option<Session<'a>>)> {
    const CLOSED: (After, Option<Session<'_>>) = (After::Close, None);
    let connection = server.last_connection.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
    let nonce = Nonce::random();
    send(writer, 0, &nonce.greeting(connection)).await?;
    let Some(payload) = next_packet(reader, writer, 1).await? else { return Ok(CLOSED) };
    let login = match Login::read(&payload) {
        Ok(login) => login,
        Err(refusal) => {
            writer.write_all(&refused(refusal, 2)).await?;
            return Ok(CLOSED);
        }
    };
    let (mut scramble, mut sequence) = (login.scramble.clone(), 2);
    if login.plugin.as_deref() != Some(login::PLUGIN) {
        send(writer, sequence, &nonce.switch()).await?;
        let Some(payload) = next_packet(reader, writer, 3).await? else { return Ok(CLOSED) };
        (scramble, sequence) = (payload, 4);
    }
    let fault = faults.strike(Service::Mysql, "CONNECT", &login.user);
    let mut session = None;
    let whole = || {
        let admitted = server.admit(&login, &nonce, &scramble);
        match admitted.and_then(|()| Session::new(server, connection, login)) {
            Ok(new) => {
                let context = new.context();
                session = Some(new);
                let mut packets = Packets::from_number(sequence);
                packets.push(&login::PASSWORD_IS_RIGHT);
                let ok = Answer::DONE.write(context, sequence.wrapping_add(1));
                [packets.into_bytes(), ok].concat()
            }
            Err(refusal) => refused(refusal, sequence),
        }
    };
    let after = answer(writer, fault, sequence, whole).await?;
    Ok((after, session))
}

/// Answers commands in their order until the client goes away.
async fn answer_commands(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut OwnedWriteHalf,
    session: &mut Session<'_>,
    faults: &Faults,
) -> io::Result<After> {
    while let Some(payload) = next_packet(reader, writer, 0).await? {
        let command = match Command::read(&payload) {
            Ok(command) => command,
            Err(refusal) => {
                writer.write_all(&refused(refusal, 1)).await?;
                continue;
            }
        };
        match command {
            Command::Quit => break,
            Command::Close(_) | Command::LongData(_) => {
                session.carry_out(command);
                continue;
            }
            Command::InitDb(_)
            | Command::Query(_)
            | Command::Ping
            | Command::ResetConnection
            | Command::Prepare(_)
            | Command::Execute { .. }
            | Command::Reset(_) => {}
        }
        let (operation, target) = session.classify(&command);
        let fault = faults.strike(Service::Mysql, &operation, &target);
        if matches!(fault, Some(Fault::Refuse { status: session::DEADLOCK, .. })) {
            // There is nothing to say of a failure here: the answer is an error anyway.
            let _ = session.roll_back();
        }
        let whole = || {
            let answer = session.carry_out(command);
            answer.map_or_else(Vec::new, |answer| answer.write(session.context(), 1))
        };
        match answer(writer, fault, 1, whole).await? {
            After::NextCommand => {}
            after @ (After::Close | After::Silence) => return Ok(after),
        }
    }
    Ok(After::Close)
}

/// The next packet of a client. What is none is answered with an error, and the connection ends:
/// where the next packet begins is not known.
async fn next_packet(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut OwnedWriteHalf,
    sequence: u8,
) -> io::Result<Option<Vec<u8>>> {
    let (number, text) = match packet::read(reader, sequence).await {
        Ok(payload) => return Ok(payload),
        Err(PacketError::Io(error)) => return Err(error),
        Err(ref error @ PacketError::OutOfOrder { .. }) => (1156, error.to_string()),
        Err(ref error @ PacketError::TooLarge) => (1153, error.to_string()),
        Err(ref error @ PacketError::Late) => (1159, error.to_string()),
    };
    let refusal = refused(Refusal::new(number, text), sequence.wrapping_add(1));
    writer.write_all(&refusal).await?;
    Ok(None)
}

async fn send(writer: &mut OwnedWriteHalf, sequence: u8, payload: &[u8]) -> io::Result<()> {
    let mut packets = Packets::from_number(sequence);
    packets.push(payload);
    writer.write_all(&packets.into_bytes()).await
}

/// An error as an answer. It tells nothing of the session.
fn refused(refusal: Refusal, sequence: u8) -> Vec<u8> {
    let context = Context { deprecate_eof: true, in_transaction: false, autocommit: true };
    Answer::Refused(refusal).write(context, sequence)
}

/// Carries out what `whole` does, and the fault that strikes it.
async fn answer(
    writer: &mut OwnedWriteHalf,
    fault: Option<Fault>,
    sequence: u8,
    whole: impl FnOnce() -> Vec<u8>,
) -> io::Result<After> {
    let (sent, after) = match fault {
        // It knows no batches, and no heads.
        None | Some(Fault::Unprocessed { processed: _ } | Fault::Announce(_)) => {
            (whole(), After::NextCommand)
        }
        Some(Fault::RequestLost) => (Vec::new(), After::Close),
        Some(Fault::AnswerLost) => stop_short(whole(), 0, After::Close),
        Some(Fault::Hang) => stop_short(whole(), 0, After::Silence),
        Some(Fault::Delay(pause)) => {
            let answer = whole();
            tokio::time::sleep(pause).await;
            (answer, After::NextCommand)
        }
        Some(Fault::Refuse { status, code }) => {
            (refused(Refusal::new(status, code), sequence), After::NextCommand)
        }
        Some(Fault::RefuseInside200 { code, carried_out }) => {
            if carried_out {
                whole();
            }
            (refused(Refusal::new(1105, code), sequence), After::NextCommand)
        }
        Some(Fault::TruncateBody(bytes)) => stop_short(whole(), bytes, After::Close),
        Some(Fault::HangInBody(bytes)) => stop_short(whole(), bytes, After::Silence),
        Some(Fault::Trickle(pause)) => {
            for byte in whole() {
                writer.write_all(&[byte]).await?;
                tokio::time::sleep(pause).await;
            }
            (Vec::new(), After::NextCommand)
        }
        Some(Fault::CorruptBody) => {
            let mut answer = whole();
            // Behind the packet's head.
            if let Some(first) = answer.get_mut(4) {
                *first = first.wrapping_add(1);
            }
            (answer, After::NextCommand)
        }
    };
    writer.write_all(&sent).await?;
    Ok(after)
}

/// The first bytes of an answer, and what follows them; an answer that is not longer stays whole.
fn stop_short(mut answer: Vec<u8>, bytes: usize, after: After) -> (Vec<u8>, After) {
    if bytes >= answer.len() {
        return (answer, After::NextCommand);
    }
    answer.truncate(bytes);
    (answer, after)
}
