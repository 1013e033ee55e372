//! Settings that are missing or cannot be used, and what is not looked at for want of them.

use domain::Check;
use serde::Serialize;

use crate::exit::UsageError;

/// A system that is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unseen {
    /// Its name, as the checks call it.
    pub subject: String,
    /// The setting that is wrong, in the words of its error.
    pub why: String,
}

/// The settings that are missing or cannot be used, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct WrongSettings {
    errors: Vec<String>,
    unseen: Vec<Unseen>,
}

impl WrongSettings {
    /// Notes what is wrong with a setting, once.
    pub(crate) fn note(&mut self, error: UsageError) {
        let UsageError(error) = error;
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Notes it, and that this system is not looked at.
    pub(crate) fn miss(&mut self, subject: &str, error: UsageError) {
        let unseen = Unseen { subject: subject.to_owned(), why: first_words(&error.0) };
        if !self.unseen.contains(&unseen) {
            self.unseen.push(unseen);
        }
        self.note(error);
    }

    /// What the settings of this system give; nothing where one of them is wrong.
    pub(crate) fn take<T>(&mut self, subject: &str, given: Result<T, UsageError>) -> Option<T> {
        given.map_err(|error| self.miss(subject, error)).ok()
    }

    /// All of it as one error; [`Ok`] where nothing is wrong.
    pub(crate) fn into_result(self) -> Result<(), UsageError> {
        UsageError::all(self.errors.into_iter().map(UsageError).collect())
    }

    /// A check of each setting that is wrong, or of all together.
    pub(crate) fn into_checks(self) -> (Vec<Check>, Vec<Unseen>) {
        let (subject, fact) = (SETTINGS, "those that are needed are there and can be used");
        if self.errors.is_empty() {
            let detail = "what may be left out is in docs/SETTINGS.md";
            return (vec![Check::good(subject, fact, detail)], self.unseen);
        }
        let bad = |error| Check::bad(subject, fact, error);
        (self.errors.into_iter().map(bad).collect(), self.unseen)
    }
}

/// The subject of the checks of settings.
pub(crate) const SETTINGS: &str = "settings";

/// What is wrong, without what to do about it.
fn first_words(error: &str) -> String {
    let end = error.find(": give ").or_else(|| error.find(": set ")).unwrap_or(error.len());
    error[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use domain::Health;

    use super::*;

    fn error(text: &str) -> UsageError {
        UsageError(text.to_owned())
    }

    #[test]
    fn a_setting_is_named_once_and_each_system_that_needs_it_too() {
        let mut wrong = WrongSettings::default();
        assert_eq!(wrong.take("index", Ok(7)), Some(7));
        let missing = || error("DYNAMODB_TABLE is not set: give the name of the ledger's table");
        assert_eq!(wrong.take::<()>("ledger", Err(missing())), None);
        assert_eq!(wrong.take::<()>("failures", Err(missing())), None);
        wrong.miss("failures", missing());
        wrong.note(error("BUCKETS: `x` is not `old:new`"));
        let (checks, unseen) = wrong.into_checks();
        let details: Vec<_> = checks.iter().map(|check| (check.health, &*check.detail)).collect();
        let ledger = "DYNAMODB_TABLE is not set: give the name of the ledger's table";
        assert_eq!(
            details,
            [(Health::Bad, ledger), (Health::Bad, "BUCKETS: `x` is not `old:new`")]
        );
        let of = |subject: &str| Unseen {
            subject: subject.to_owned(),
            why: "DYNAMODB_TABLE is not set".to_owned(),
        };
        assert_eq!(unseen, [of("ledger"), of("failures")]);
    }

    #[test]
    fn settings_that_are_there_are_one_good_check() {
        let (checks, unseen) = WrongSettings::default().into_checks();
        assert_eq!((checks.len(), checks[0].health, unseen.len()), (1, Health::Good, 0));
        assert!(WrongSettings::default().into_result().is_ok());
    }
}
