//! Keys that differ only in case: how far they were looked for.

use std::fmt::{self, Write};

use domain::doctor::KeysAlike;
use indicatif::HumanCount;

/// Says what was not looked at. Pairs that were found are hazards.
pub(super) fn write_alike(
    out: &mut String,
    alike: &KeysAlike,
    unread: Option<&str>,
) -> fmt::Result {
    let KeysAlike { candidates, looked_up, by_key, .. } = *alike;
    let left = candidates - looked_up.min(candidates);
    if let Some(why) = unread {
        return writeln!(
            out,
            "KEYS THAT DIFFER ONLY IN CASE ARE NOT ALL LOOKED FOR: {why}\n  → {} of {} keys are left. `mogile2s3 \
             doctor` checks the database. Then run this again",
            HumanCount(left),
            HumanCount(candidates)
        );
    }
    if left == 0 {
        return Ok(());
    }
    let why = if by_key {
        "more are not looked up"
    } else {
        "MOGILE_DATABASE_URL is not set, and trackers find a key only as it is written"
    };
    writeln!(
        out,
        "Of {} keys with capitals where none are expected {} were looked up in small letters: {why}. Any of the \
         others may differ only in case from another key.",
        HumanCount(candidates),
        HumanCount(looked_up)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_looked_at_is_said() {
        let said = |candidates, looked_up, unread: Option<&str>| {
            let by_key = looked_up > 0;
            let alike = KeysAlike { candidates, looked_up, by_key, ..KeysAlike::default() };
            let mut said = String::new();
            write_alike(&mut said, &alike, unread).expect("a string takes it");
            said
        };
        assert_eq!((said(0, 0, None), said(5, 5, None)), (String::new(), String::new()));
        let more = said(1_500, 1_000, None);
        assert!(more.starts_with("Of 1,500 keys") && more.contains("1,000 were looked"), "{more}");
        assert!(said(3, 0, None).contains("MOGILE_DATABASE_URL is not set"));
        let unread = said(3, 1, Some("no answer"));
        assert!(unread.contains("no answer") && unread.contains("2 of 3 keys"), "{unread}");
    }
}
