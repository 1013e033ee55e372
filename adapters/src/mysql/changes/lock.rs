//! The lock of all operators: one session on a database holds it.

use domain::Sha1;
use domain::ports::{ChangeError, ServerSession};

use super::failure::Failure;
use super::server::Server;
use super::session::Session;
use super::statement::Statement;
use crate::mysql::columns::optional;

/// Letters of a lock's name (MySQL 8.4 reference, "Locking Functions").
const LOCK_NAME_LETTERS: usize = 64;

impl Session {
    /// Takes the lock of all operators, which stays as long as the session.
    pub(super) async fn lock(&mut self) -> Result<(), ChangeError> {
        let name = self.server.lock_name();
        self.wants_lock = true;
        let take = Statement::new("lock", "SELECT GET_LOCK(?, 0) AS taken").text(&name);
        let rows = match self.rows(&take).await {
            Ok(rows) => rows,
            Err(failure) => return Err(self.not_changed(failure).await),
        };
        if matches!(rows.first().map(|row| optional(row, "taken")), Some(Ok(Some(1)))) {
            return Ok(());
        }
        let at = self.server.at().to_owned();
        match self.lock_holder().await {
            Ok(Some(holder)) => Err(ChangeError::Locked { at, holder }),
            Ok(None) => {
                let cause = format!("the server did not give the lock `{name}`").into();
                Err(ChangeError::Unavailable { at, cause })
            }
            Err(failure) => Err(self.not_changed(failure).await),
        }
    }

    /// Who holds the lock, as far as the account may see it.
    async fn lock_holder(&mut self) -> Result<Option<ServerSession>, Failure> {
        let Some(id) = self.lock_owner().await?.1 else { return Ok(None) };
        let unseen = ServerSession { id, ..ServerSession::default() };
        let processes = self.processes().await?.into_iter().map(|(session, _)| session);
        Ok(Some(processes.into_iter().find(|session| session.id == id).unwrap_or(unseen)))
    }

    /// The number of this session, and that of the one that holds the lock.
    async fn lock_owner(&mut self) -> Result<(Option<u64>, Option<u64>), Failure> {
        let sql = "SELECT CONNECTION_ID() AS session, IS_USED_LOCK(?) AS holder";
        let rows =
            self.rows(&Statement::new("look at lock", sql).text(self.server.lock_name())).await?;
        let Some(row) = rows.first() else { return Ok((None, None)) };
        Ok((Self::read(optional(row, "session"))?, Self::read(optional(row, "holder"))?))
    }

    /// Makes sure that this session still holds the lock: something between here and the server may
    /// have given us another session.
    pub(super) async fn still_holds_lock(&mut self) -> Result<(), Failure> {
        let ours = Some(self.id);
        if self.lock_owner().await? == (ours, ours) {
            return Ok(());
        }
        self.close();
        Err(Failure::Ended)
    }
}

impl Server {
    /// `mogile2s3:<database>`, or where that is too long a digest in the database's place.
    pub(super) fn lock_name(&self) -> String {
        lock_name(self.url.options().get_database().unwrap_or_default())
    }
}

fn lock_name(database: &str) -> String {
    let name = format!("mogile2s3:{database}");
    if name.chars().count() <= LOCK_NAME_LETTERS {
        return name;
    }
    format!("mogile2s3:{}", Sha1::of(database.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_a_name_that_every_server_takes() {
        assert_eq!(lock_name("rhino"), "mogile2s3:rhino");
        assert_eq!(lock_name(&"r".repeat(54)), format!("mogile2s3:{}", "r".repeat(54)));
        let long = ["r", "s"].map(|letter| lock_name(&letter.repeat(55)));
        assert_ne!(long[0], long[1]);
        assert_eq!(long[0].len(), 50);
    }
}
