//! The systems that do not answer, named on stderr while a command waits for them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::calls::{Calls, Silence, System};
use tokio::task::JoinSet;
use tokio::time;

use super::shell::printable_lines;

/// How often it is looked whether all systems answer.
pub(super) const LOOKED_EVERY: Duration = Duration::from_secs(1);

/// The systems that were reported as silent, and when.
#[derive(Default)]
pub(super) struct Silences(BTreeMap<System, Instant>);

impl Silences {
    /// Returns the lines to print: each silent system once, and once when it answers again.
    pub(super) fn look(&mut self, calls: &Calls) -> Vec<String> {
        self.news(&calls.silent(), |system, told_at| calls.is_answered_since(system, told_at))
    }

    fn news(
        &mut self,
        silent: &[Silence],
        is_answered: impl Fn(System, Instant) -> bool,
    ) -> Vec<String> {
        let now = Instant::now();
        let new = silent.iter().filter(|silence| match self.0.entry(silence.system) {
            Entry::Vacant(place) => {
                place.insert(now);
                true
            }
            Entry::Occupied(_) => false,
        });
        let mut words: Vec<_> = new
            .map(|silence| format!("waiting for {}", printable_lines(&silence.to_string())))
            .collect();
        let is_silent = |system| silent.iter().any(|silence| silence.system == system);
        let is_over = |system: &System, told_at: &mut Instant| {
            !is_silent(*system) && is_answered(*system, *told_at)
        };
        for (system, _) in self.0.extract_if(.., is_over) {
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
        let told = silences.news(&silent, |_, _| false);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("waiting for tracker: no answer"), "{told:?}");
        assert!(!told[0].contains('\u{1b}'), "{told:?}");
        assert_eq!(silences.news(&silent, |_, _| false), Vec::<String>::new());
        assert_eq!(silences.news(&[], |_, _| false), Vec::<String>::new(), "nothing is asked now");
        assert_eq!(silences.news(&[], |_, _| true), ["tracker: answers again"]);
        assert_eq!(silences.news(&silent, |_, _| false).len(), 1);
    }
}
