//! The systems that do not answer, named on stderr while a command waits for them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use adapters::calls::{Calls, Silence, System};
use tokio::task::JoinSet;
use tokio::time;

use super::shell::printable_lines;

/// How often it is looked whether all systems answer.
pub(super) const LOOKED_EVERY: Duration = Duration::from_secs(1);

/// The systems that were reported as silent.
#[derive(Default)]
pub(super) struct Silences(BTreeSet<System>);

impl Silences {
    /// Returns the lines to print: each silent system once, and once when it answers again.
    pub(super) fn look(&mut self, calls: &Calls) -> Vec<String> {
        self.news(&calls.silent(), |system| calls.is_answered(system))
    }

    fn news(&mut self, silent: &[Silence], is_answered: impl Fn(System) -> bool) -> Vec<String> {
        let new = silent.iter().filter(|silence| self.0.insert(silence.system));
        let mut words: Vec<_> = new
            .map(|silence| format!("waiting for {}", printable_lines(&silence.to_string())))
            .collect();
        let is_silent = |system| silent.iter().any(|silence| silence.system == system);
        for system in self.0.extract_if(.., |system| !is_silent(*system) && is_answered(*system)) {
            words.push(format!("{system}: answers again"));
        }
        words
    }
}

/// Names silent systems on stderr until it is dropped: for commands that draw no progress.
pub struct SilenceTeller {
    _telling: JoinSet<()>,
}

impl SilenceTeller {
    /// Begins to look.
    #[must_use]
    pub fn start(calls: &Arc<Calls>) -> Self {
        let (calls, mut telling) = (Arc::clone(calls), JoinSet::new());
        telling.spawn(async move {
            let mut silences = Silences::default();
            loop {
                time::sleep(LOOKED_EVERY).await;
                for words in silences.look(&calls) {
                    eprintln!("{words}");
                }
            }
        });
        Self { _telling: telling }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_system_is_told_once_and_once_when_it_answers_again() {
        let what = "no answer\u{1b} to noop for 9 s".to_owned();
        let silent = [Silence { system: System::Tracker, what }];
        let mut silences = Silences::default();
        let told = silences.news(&silent, |_| false);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("waiting for tracker: no answer"), "{told:?}");
        assert!(!told[0].contains('\u{1b}'), "{told:?}");
        assert_eq!(silences.news(&silent, |_| false), Vec::<String>::new());
        assert_eq!(silences.news(&[], |_| false), Vec::<String>::new(), "nothing is asked now");
        assert_eq!(silences.news(&[], |_| true), ["tracker: answers again"]);
        assert_eq!(silences.news(&silent, |_| false).len(), 1);
    }
}
