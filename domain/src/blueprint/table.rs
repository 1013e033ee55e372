use std::fmt;

use super::{Thing, Verdict};

/// A table as it must be: paid by request, with point-in-time recovery and deletion protection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableBlueprint {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: TableKey,
}

/// The key of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableKey {
    /// The hash key.
    pub hash: KeyColumn,
    /// The range key.
    pub range: Option<KeyColumn>,
}

impl fmt::Display for TableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.hash)?;
        self.range.as_ref().map_or(Ok(()), |range| write!(f, " + {range}"))
    }
}

/// One attribute of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: KeyKind,
}

impl fmt::Display for KeyColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.kind)
    }
}

/// What a key's attribute holds, by `DynamoDB`'s letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// A number.
    Number,
    /// A string.
    Text,
    /// Bytes; none of ours.
    Binary,
}

crate::named::named!(KeyKind { Number = "N", Text = "S", Binary = "B" });

/// A table as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches of which none says anything of another"
)]
pub struct TableState {
    /// Whether it takes requests.
    pub active: bool,
    /// Its key.
    pub key: TableKey,
    /// Whether it is paid by request.
    pub on_demand: bool,
    /// Whether it can be had again as it was at any second of the last weeks.
    pub recoverable: bool,
    /// Whether it refuses to be deleted.
    pub protected: bool,
}

/// What can be done to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableChange {
    /// Make it, paid by request and protected.
    Create(TableKey),
    /// Turn point-in-time recovery on.
    MakeRecoverable,
    /// Let it refuse to be deleted.
    Protect,
}

impl Thing for TableBlueprint {
    type State = TableState;
    type Change = TableChange;

    fn title(&self) -> String {
        format!("table {}", self.name)
    }

    fn creation(&self) -> TableChange {
        TableChange::Create(self.key.clone())
    }

    fn is_ready(found: &TableState) -> bool {
        found.active
    }

    fn judge(&self, found: &TableState) -> Vec<Verdict<TableChange>> {
        if found.key != self.key {
            let why = format!(
                "{}, not {}: this is a table for something else; give another name",
                found.key, self.key
            );
            return vec![Verdict::leave("key", why)];
        }
        vec![
            Verdict::keep("key", found.key.to_string()),
            if found.on_demand {
                Verdict::keep("billing", "by request")
            } else {
                let why = "provisioned, not by request: it throttles above what is provisioned, \
                           and costs when nothing is done; see to it that it suffices, or change it";
                Verdict::leave("billing", why)
            },
            switch("point-in-time recovery", found.recoverable, TableChange::MakeRecoverable),
            switch("deletion protection", found.protected, TableChange::Protect),
        ]
    }
}

fn switch(setting: &'static str, is_on: bool, turn_on: TableChange) -> Verdict<TableChange> {
    if is_on {
        Verdict::keep(setting, "on")
    } else {
        Verdict::change(setting, turn_on, "off", "on")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::{Advice, TableNames, tables};

    fn ledger() -> TableBlueprint {
        let names = TableNames {
            ledger: "ledger".to_owned(),
            failures: "failures".to_owned(),
            verifications: "verifications".to_owned(),
            journal: "journal".to_owned(),
        };
        tables(names).remove(0)
    }

    fn found() -> TableState {
        let key = ledger().key;
        TableState { active: true, key, on_demand: true, recoverable: true, protected: true }
    }

    fn kinds(found: &TableState) -> String {
        let verdicts = ledger().judge(found);
        let letter = |verdict: &Verdict<TableChange>| match &verdict.advice {
            Advice::Keep(_) => 'k',
            Advice::Change { .. } => 'c',
            Advice::Leave(_) => 'l',
        };
        verdicts.iter().map(letter).collect()
    }

    #[test]
    fn protection_is_turned_on_and_everything_else_only_told() {
        assert_eq!(kinds(&found()), "kkkk");
        assert_eq!(kinds(&TableState { recoverable: false, ..found() }), "kkck");
        assert_eq!(kinds(&TableState { protected: false, ..found() }), "kkkc");
        assert_eq!(kinds(&TableState { on_demand: false, ..found() }), "klkk");
    }

    #[test]
    fn a_table_with_another_key_is_not_touched_at_all() {
        let hash = KeyColumn { name: "id".to_owned(), kind: KeyKind::Text };
        let key = TableKey { hash, range: None };
        let other = TableState { key, protected: false, recoverable: false, ..found() };
        assert_eq!(kinds(&other), "l");
    }
}
