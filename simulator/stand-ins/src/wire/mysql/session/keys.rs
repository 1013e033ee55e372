//! Changes of MogileFS's keys: what is not committed is seen by nobody.

use super::Session;
use crate::wire::mysql::answer::Answer;
use crate::wire::mysql::refusal::Refusal;
use crate::wire::mysql::sql::Update;
use crate::wire::mysql::tables::changes_of;
use crate::wire::mysql::value::Value;

impl Session<'_> {
    /// Changes keys, at the commit of the transaction or at once.
    pub(super) fn change_keys(
        &mut self,
        sql: &str,
        update: &Update,
        parameters: &[Value],
    ) -> Result<Answer, Refusal> {
        self.require_writable()?;
        let changes = changes_of(update, parameters, &self.server.mogile);
        let changes = changes.ok_or_else(|| Refusal::not_on_the_list(sql))??;
        let rows = changes.len() as u64;
        self.keys.extend(changes);
        self.context.in_transaction |= !self.context.autocommit;
        if !self.context.in_transaction {
            self.commit_keys()?;
        }
        Ok(Answer::Done { rows, last_id: 0 })
    }

    pub(super) fn commit_keys(&mut self) -> Result<(), Refusal> {
        let keys = std::mem::take(&mut self.keys);
        keys.iter().try_for_each(|change| change.apply(&self.server.mogile))
    }
}
