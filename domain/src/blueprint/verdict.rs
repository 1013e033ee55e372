//! What each setting of a thing asks for, given what was found.

/// One setting of a thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<C> {
    /// Its name.
    pub setting: &'static str,
    /// What to do about it.
    pub advice: Advice<C>,
}

/// What to do about a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice<C> {
    /// It is as it must be: how it is.
    Keep(String),
    /// It is to be changed, which harms nobody.
    Change {
        /// What is to be done.
        change: C,
        /// How it is.
        from: String,
        /// How it will be.
        to: String,
    },
    /// It is otherwise, and to change it is impossible or could do harm: what differs, and what an
    /// operator can do.
    Leave(String),
}

impl<C> Verdict<C> {
    pub(super) fn keep(setting: &'static str, how: impl Into<String>) -> Self {
        Self { setting, advice: Advice::Keep(how.into()) }
    }

    pub(super) fn change(
        setting: &'static str,
        change: C,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Self {
        Self { setting, advice: Advice::Change { change, from: from.into(), to: to.into() } }
    }

    pub(super) fn leave(setting: &'static str, why: impl Into<String>) -> Self {
        Self { setting, advice: Advice::Leave(why.into()) }
    }
}

/// One thing of a blueprint: a bucket, a queue, a table.
pub trait Thing: Sync {
    /// How it is found.
    type State: Send + Sync;
    /// What can be done to it.
    type Change: Send + Sync;

    /// Its kind and name: `bucket corpus-prod`.
    fn title(&self) -> String;

    /// What makes it where it is missing. Settings that the creation does not carry are judged and
    /// changed afterwards.
    fn creation(&self) -> Self::Change;

    /// Whether it can be worked with: what was just made may need a while.
    fn is_ready(found: &Self::State) -> bool;

    /// What each setting asks for.
    fn judge(&self, found: &Self::State) -> Vec<Verdict<Self::Change>>;
}
