//! What a failed statement of a change means for the caller.

use domain::ports::ChangeError;

use super::failure::{DEADLOCK, Failure, LOCK_WAIT_TIMEOUT, Remedy, remedy};
use super::session::Session;

impl Session {
    /// A failure of a statement after which nothing is changed: the server refused it, or the
    /// transaction around it was not committed.
    pub(super) async fn not_changed(&self, failure: Failure) -> ChangeError {
        let at = self.server.at().to_owned();
        let (number, class) = match &failure {
            Failure::Answered { number, class, .. } => (*number, class),
            Failure::Broken(_) => return ChangeError::Unavailable { at, cause: failure.into() },
            Failure::Ended => return ChangeError::SessionLost { at },
        };
        match remedy(number, class, &self.server.database.changing()) {
            Remedy::TryAgain => ChangeError::Unavailable { at, cause: failure.into() },
            Remedy::Change(advice) => {
                ChangeError::Refused { at, why: format!("{failure}: {advice}") }
            }
            Remedy::WaitForHolders => {
                let holders = self.server.holders(&[self.id]).await.unwrap_or_default();
                ChangeError::Blocked { at, why: failure.to_string(), holders }
            }
        }
    }

    /// Commits, or says what is known of it. Only a deadlock and a lock that did not come in time are
    /// known to leave nothing of the transaction: after any other error the caller looks.
    pub(super) async fn committed(&mut self) -> Result<(), ChangeError> {
        let Err(failure) = self.commit().await else { return Ok(()) };
        if matches!(failure.number(), Some(DEADLOCK | LOCK_WAIT_TIMEOUT)) {
            self.roll_back().await;
            return Err(self.not_changed(failure).await);
        }
        self.close();
        Err(ChangeError::Uncertain { at: self.server.at().to_owned(), cause: failure.into() })
    }

    /// A failure of a statement that is no transaction, and that the server may have carried out
    /// although it did not say so. `is_made` looks whether it has.
    pub(super) async fn perhaps_changed(
        &mut self,
        failure: Failure,
        is_made: impl AsyncFnOnce(&mut Self) -> Result<bool, Failure>,
    ) -> Result<(), ChangeError> {
        match failure {
            Failure::Broken(cause) => {
                Err(ChangeError::Uncertain { at: self.server.at().to_owned(), cause })
            }
            Failure::Ended => Err(self.not_changed(failure).await),
            // Before MySQL 8.0 a definition of data can fail behind the change itself.
            Failure::Answered { .. } => match is_made(self).await {
                Ok(true) => {
                    tracing::warn!("changed in `{}` in spite of: {failure}", self.server.at());
                    Ok(())
                }
                Ok(false) => Err(self.not_changed(failure).await),
                Err(unseen) => {
                    let cause = format!("{failure}; and it cannot be looked at: {unseen}").into();
                    Err(ChangeError::Uncertain { at: self.server.at().to_owned(), cause })
                }
            },
        }
    }
}
