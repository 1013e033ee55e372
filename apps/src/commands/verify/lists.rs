//! The lists that are asked for: new ones, or those of the comparison that goes on.

use std::path::Path;

use super::Arguments;
use super::state::StateFile;
use crate::exit::UsageError;
use crate::report::verify::{Form, Lists, VerifyList};

/// Lists that are being written.
pub struct OpenLists {
    list: Option<VerifyList>,
    sums: Option<VerifyList>,
    failures: Option<VerifyList>,
}

impl OpenLists {
    /// Opens them: a list of the state goes on where the state has it, others are new.
    pub fn open(
        arguments: &Arguments,
        directory: &Path,
        state: Option<&StateFile>,
    ) -> Result<Self, UsageError> {
        let open = |form: Form, path: Option<&Path>| {
            let Some(path) = path else { return Ok(None) };
            let list = match state.and_then(|state| state.place(form.flag())) {
                Some(place) => VerifyList::resume(form, path, directory, place),
                None => VerifyList::create(form, path, directory),
            };
            list.map(Some)
        };
        Ok(Self {
            list: open(Form::List, arguments.list.as_deref())?,
            sums: open(Form::Sha1Sums, arguments.sha1sums.as_deref())?,
            failures: open(Form::Failures, arguments.failures.as_deref())?,
        })
    }

    /// All that there are.
    pub fn all(&self) -> Vec<&VerifyList> {
        [&self.list, &self.sums, &self.failures].into_iter().flatten().collect()
    }

    /// Ends them: with their last lines where the comparison has come to its end.
    pub fn finish(self, is_whole: bool) -> Lists {
        let end = |list: Option<VerifyList>| list.map(|list| list.finish(is_whole));
        Lists { list: end(self.list), sha1sums: end(self.sums), failures: end(self.failures) }
    }
}
