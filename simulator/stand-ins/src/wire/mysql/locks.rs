//! The locks of `GET_LOCK`, each held by one session until it gives it back or its connection ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::refusal::Refusal;

/// Letters of a name (MySQL 8.4 reference, "Locking Functions").
const LONGEST_NAME: usize = 64;

/// Who holds which lock.
#[derive(Debug, Default)]
pub struct Locks(Mutex<BTreeMap<String, Held>>);

/// A lock that is held.
#[derive(Debug)]
struct Held {
    connection: u32,
    /// How often its session has taken it: it must give it back as often.
    times: u32,
}

impl Locks {
    /// Whether the session has it now. Nobody waits for another to give it back.
    pub fn take(&self, name: &str, connection: u32) -> Result<bool, Refusal> {
        let name = checked(name)?;
        let mut locks = self.locks();
        let held = locks.entry(name).or_insert(Held { connection, times: 0 });
        let is_ours = held.connection == connection;
        held.times += u32::from(is_ours);
        Ok(is_ours)
    }

    /// Whether the session has given it back; nothing where nobody holds it.
    pub fn give_back(&self, name: &str, connection: u32) -> Result<Option<bool>, Refusal> {
        let name = checked(name)?;
        let mut locks = self.locks();
        let Some(held) = locks.get_mut(&name) else { return Ok(None) };
        if held.connection != connection {
            return Ok(Some(false));
        }
        held.times -= 1;
        if held.times == 0 {
            locks.remove(&name);
        }
        Ok(Some(true))
    }

    /// Whether nobody holds it.
    pub fn is_free(&self, name: &str) -> Result<bool, Refusal> {
        Ok(!self.locks().contains_key(&checked(name)?))
    }

    /// Gives back all that a session holds.
    pub fn end(&self, connection: u32) {
        self.locks().retain(|_, held| held.connection != connection);
    }

    fn locks(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name without its case.
fn checked(name: &str) -> Result<String, Refusal> {
    if (1..=LONGEST_NAME).contains(&name.chars().count()) {
        return Ok(name.to_lowercase());
    }
    Err(Refusal::new(3057, format!("Incorrect user-level lock name '{name}'.")))
}
