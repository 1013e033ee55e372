//! The file that an export of a journal is: a line an entry, and behind them a line that says which
//! entry is the last one.

use serde::Deserialize;

use super::{Chain, ChainFault, Head, StoredEntry, StoredHead};

/// The line that ends an export.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ExportEnd {
    /// The migration; [`None`] in exports of programs that did not write it.
    pub migration: Option<String>,
    /// The last entry, as the journal named it.
    #[serde(deserialize_with = "present")]
    pub head: Option<Head>,
    /// Whether the journal was not as it was written.
    pub differs: bool,
    /// Whether something was not read.
    pub incomplete: bool,
    /// The number of an entry. The line that ends an export has none.
    sequence: Option<serde_json::Value>,
}

/// One line of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportLine {
    /// An entry.
    Entry(StoredEntry),
    /// The line that ends it.
    End(ExportEnd),
    /// Something else.
    Unreadable {
        /// What is wrong with it.
        why: String,
    },
}

/// Checks an export: give it the lines in their order.
#[derive(Debug, Default)]
pub struct ExportChain {
    chain: Chain,
    lines: u64,
    entries: u64,
    /// Lines since the last entry that cannot be read.
    unreadable: u64,
    end: Option<ExportEnd>,
    is_more: bool,
}

/// A place at which an export is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportFault {
    /// A fault of the journal that it shows.
    #[error(transparent)]
    Chain(#[from] ChainFault),
    /// A line is no entry.
    #[error("line {line} cannot be read as an entry: {why}")]
    Unreadable {
        /// The number of the line.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The line that ends an export is missing.
    #[error(
        "the last line, which names the last entry, is missing: entries behind entry {last} may be \
         missing, too"
    )]
    NoEnd {
        /// The last entry that is there.
        last: u64,
    },
    /// Lines follow on the one that ends an export.
    #[error("more lines follow on the one that names the last entry")]
    More,
    /// The last line names another migration than the entries.
    #[error("the last line is of the migration `{end}`, and the entries are of `{entries}`")]
    OtherMigration {
        /// The migration of the last line.
        end: String,
        /// The migration of the entries.
        entries: String,
    },
    /// The journal was damaged already.
    #[error("its last line says that the journal was damaged when it was exported")]
    Damaged,
}

impl ExportLine {
    /// Reads a line.
    #[must_use]
    pub fn parse(line: String) -> Self {
        if let Ok(end) = serde_json::from_str::<ExportEnd>(&line)
            && end.sequence.is_none()
        {
            return Self::End(end);
        }
        match StoredEntry::of_line(line) {
            Ok(entry) => Self::Entry(entry),
            Err(error) => Self::Unreadable { why: error.to_string() },
        }
    }
}

impl ExportChain {
    /// Follows the export by one line. Returns what is wrong with it.
    pub fn follow(&mut self, line: ExportLine) -> Vec<ExportFault> {
        self.lines += 1;
        if self.end.is_some() {
            // Once is enough.
            let is_first = !std::mem::replace(&mut self.is_more, true);
            return is_first.then_some(ExportFault::More).into_iter().collect();
        }
        match line {
            ExportLine::Entry(entry) => {
                self.entries += 1;
                let unreadable = std::mem::take(&mut self.unreadable);
                // What cannot be read is there, and a fault already. It may be in several lines.
                let is_there = |fault: &ChainFault| matches!(fault, ChainFault::Missing { first, last } if last - first < unreadable);
                let faults = self.chain.follow(&entry).1.into_iter();
                faults.filter(|fault| !is_there(fault)).map(ExportFault::Chain).collect()
            }
            ExportLine::End(end) => {
                self.end = Some(end);
                Vec::new()
            }
            ExportLine::Unreadable { why } => {
                self.entries += 1;
                self.unreadable += 1;
                vec![ExportFault::Unreadable { line: self.lines, why }]
            }
        }
    }

    /// Ends the export. Returns what is wrong with its end.
    #[must_use]
    pub fn end(&self) -> Vec<ExportFault> {
        let last = self.chain.last();
        let Some(end) = &self.end else {
            let last = last.map_or(0, |last| last.sequence);
            return vec![ExportFault::NoEnd { last }];
        };
        let head = StoredHead::from(end.head.clone());
        let mut faults: Vec<_> =
            self.chain.end(&head).map(ExportFault::Chain).into_iter().collect();
        if let (Some(end), Some(entries)) = (&end.migration, self.chain.migration())
            && end != entries
        {
            let (end, entries) = (end.clone(), entries.to_owned());
            faults.push(ExportFault::OtherMigration { end, entries });
        }
        if end.differs || end.incomplete {
            faults.push(ExportFault::Damaged);
        }
        faults
    }

    /// The entries up to now, and lines that should be some.
    #[must_use]
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// The last entry, as the last line names it.
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        self.end.as_ref()?.head.as_ref()
    }

    /// The migration, where a line names it.
    #[must_use]
    pub fn migration(&self) -> Option<&str> {
        let of_end = || self.end.as_ref()?.migration.as_deref();
        self.chain.migration().or_else(of_end)
    }
}

/// A field that must be there, also where it is null.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Head>, D::Error> {
    Option::deserialize(from)
}

#[cfg(test)]
mod tests {
    use super::super::tests::written;
    use super::*;

    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_line_that_ends_an_export_is_no_other_line() {
        let end = format!(
            r#"{{"migration":"ledger","head":{{"sequence":1,"hash":"{HASH}"}},"exit_code":0,"incomplete":false,"differs":false}}"#
        );
        let is_end = |line: &str| matches!(ExportLine::parse(line.to_owned()), ExportLine::End(_));
        assert!(is_end(&end));
        // Of a program that did not write the migration, and of one that writes more.
        assert!(is_end(&end.replace(r#""migration":"ledger","#, "")));
        assert!(is_end(&end.replace(r#""differs""#, r#""seconds":1,"differs""#)));
        for other in [
            r#"{"head":null}"#.to_owned(),
            r#"{"differs":false,"incomplete":false}"#.to_owned(),
            end.replace("\"head\"", "\"tail\""),
            end.replace(HASH, "beef"),
            end.replace("false}", "0}"),
            // What somebody has put into an entry.
            end.replace(r#""migration""#, r#""sequence":1,"migration""#),
            end.replace(r#""migration""#, r#""sequence":"1","migration""#),
            "null".to_owned(),
            String::new(),
        ] {
            assert!(!is_end(&other), "{other}");
        }
    }

    /// Nothing else is wrong with it: what cannot be read is not missing, too.
    #[test]
    fn an_entry_in_several_lines_is_lines_that_cannot_be_read() {
        let (all, head) = written(4);
        for (at, breaks, expected) in [(0, 1, 2), (1, 1, 2), (2, 2, 3), (3, 1, 2)] {
            let mut lines: Vec<_> = all.iter().map(|entry| entry.line.clone()).collect();
            for place in 0..breaks {
                lines[at].insert(1 + place * 9, '\n');
            }
            let mut chain = ExportChain::default();
            let lines = lines.join("\n");
            let parsed = lines.lines().map(|line| ExportLine::parse(line.to_owned()));
            let faults: Vec<_> = parsed.flat_map(|line| chain.follow(line)).collect();
            let is_unreadable =
                |fault: &ExportFault| matches!(fault, ExportFault::Unreadable { .. });
            assert!(faults.iter().all(is_unreadable), "{faults:?}");
            assert_eq!(faults.len(), expected, "{faults:?}");
        }
        // An entry that is missing beside it is.
        let mut chain = ExportChain::default();
        let none = || ExportLine::Unreadable { why: "no JSON".to_owned() };
        let entry = |at: usize| ExportLine::Entry(all[at].clone());
        let lines = [entry(0), none(), entry(3)];
        let faults: Vec<_> = lines.into_iter().flat_map(|line| chain.follow(line)).collect();
        let missing = ExportFault::Chain(ChainFault::Missing { first: 2, last: 3 });
        assert!(faults.contains(&missing), "{faults:?} {head:?}");
    }

    #[test]
    fn an_export_is_checked_with_what_its_last_line_says() {
        let (all, head) = written(3);
        let end = |differs, migration: Option<&str>| {
            let migration = migration.map(str::to_owned);
            ExportLine::End(ExportEnd {
                migration,
                head: head.clone(),
                differs,
                incomplete: false,
                sequence: None,
            })
        };
        let faults = |count: usize, ends: &[ExportLine]| {
            let mut chain = ExportChain::default();
            let entries = all.iter().take(count).cloned().map(ExportLine::Entry);
            let lines = entries.chain(ends.iter().cloned());
            let mut faults: Vec<_> = lines.flat_map(|line| chain.follow(line)).collect();
            faults.extend(chain.end());
            faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        let good = || end(false, Some("ledger"));
        let none = ExportLine::Unreadable { why: "no JSON".to_owned() };
        for (count, ends, said) in [
            (3, vec![good()], ""),
            (3, vec![end(false, None)], ""),
            (
                3,
                vec![end(true, None)],
                "its last line says that the journal was damaged when it was exported",
            ),
            (
                3,
                vec![end(false, Some("led"))],
                "the last line is of the migration `led`, and the entries are of `ledger`",
            ),
            (
                3,
                vec![good(), none.clone(), good()],
                "more lines follow on the one that names the last entry",
            ),
            (2, vec![good()], "entry 3 is missing"),
            (3, vec![none, good()], "line 4 cannot be read as an entry: no JSON"),
            (
                3,
                vec![],
                "the last line, which names the last entry, is missing: entries behind entry 3 may be missing, too",
            ),
        ] {
            assert_eq!(faults(count, &ends), said);
        }
    }
}
