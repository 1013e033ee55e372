use super::examine::not_seen;
use crate::ports::{KeyChanges, SourceIndex};
use crate::retry::{Classed, ErrorClass};
use crate::{Check, Fid, Health};

/// The subject of checks on MogileFS's database as one that is changed.
pub const KEY_CHANGES: &str = "MogileFS's database for changes";

/// Rows of the index from which keys are taken.
const ROWS: usize = 100;

/// Keys that are compared.
const KEYS_COMPARED: usize = 5;

/// Checks the database in which `rekey` changes keys: is it the one that the index is read from, and would
/// it take a change? It writes nothing.
pub async fn examine_key_changes(changes: &dyn KeyChanges, index: &dyn SourceIndex) -> Vec<Check> {
    let keys = examine_keys(changes, index).await;
    let is_another = |check: &Check| matches!(check.health, Health::Bad | Health::Unreachable);
    if keys.as_ref().is_some_and(is_another) {
        return keys.into_iter().collect();
    }
    let fact = "a key can be changed there";
    let can_be_changed = match changes.hindrance().await {
        Ok(None) => {
            let detail =
                "the account has SELECT, UPDATE and TRIGGER on `file`; nothing was written";
            Check::good(KEY_CHANGES, fact, detail)
        }
        Ok(Some(why)) => refused(fact, &why),
        Err(error) if error.class() == ErrorClass::Retry => not_seen(KEY_CHANGES, fact, &error),
        Err(error) => refused(fact, &error.to_string()),
    };
    keys.into_iter().chain([can_be_changed]).collect()
}

/// Only keys that are wrong need it, and trackers can rename, too.
fn refused(fact: &str, why: &str) -> Check {
    let until_then = "Until then `rekey --execute` is refused; with --via-tracker it is not";
    Check::caution(KEY_CHANGES, fact, format!("{why}. {until_then}"))
}

/// Compares a few keys. Nothing is said where the index cannot be read: other checks say that.
async fn examine_keys(changes: &dyn KeyChanges, index: &dyn SourceIndex) -> Option<Check> {
    let fact = "it has the keys of the index under the same fids";
    let page = index.page(Fid(0), ROWS).await.ok()?;
    let step = (page.rows.len() / KEYS_COMPARED).max(1);
    let (mut compared, mut differing) = (0, Vec::new());
    for row in page.rows.into_iter().step_by(step).take(KEYS_COMPARED) {
        let there = match changes.key_of(row.fid).await {
            Ok(there) => there,
            Err(error) => return Some(not_seen(KEY_CHANGES, fact, &error)),
        };
        compared += 1;
        if there != row.dkey {
            let key = |key: Option<String>| key.map_or("none".to_owned(), |it| format!("`{it}`"));
            let (here, there) = (key(row.dkey), key(there));
            differing.push(format!("fid {} has the key {here} here, and {there} there", row.fid));
        }
    }
    let Some(first) = differing.first() else {
        let detail = format!("{compared} keys compared");
        return (compared > 0).then(|| Check::good(KEY_CHANGES, fact, detail));
    };
    let detail = format!("{} of {compared} keys differ; {first}", differing.len());
    // A file may be deleted or stored again meanwhile.
    if differing.len() == 1 && compared > 1 {
        return Some(Check::caution(KEY_CHANGES, fact, detail));
    }
    Some(Check::bad(KEY_CHANGES, fact, detail))
}
