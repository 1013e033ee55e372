//! Reads the lines of `SHOW GRANTS`: ``GRANT SELECT, INSERT (`a`, `b`) ON `db`.* TO …``, or `REVOKE` for
//! what is taken away in one database (MySQL 8.4 reference, "Partial Revokes").

use std::collections::BTreeSet;

/// All rights in one word.
const ALL: [&str; 2] = ["ALL PRIVILEGES", "ALL"];

/// What an account may do, as its server says it.
#[derive(Debug, Default)]
pub(super) struct Grants {
    lines: Vec<Line>,
    /// Whether one of them gives a role, which hides what it allows.
    has_role: bool,
}

/// One line about rights.
#[derive(Debug)]
struct Line {
    gives: bool,
    /// Each with whether it is for some columns only.
    rights: Vec<(String, bool)>,
    database: String,
    /// Nothing for all tables of the database.
    table: Option<String>,
}

impl Grants {
    /// Reads the lines.
    pub(super) fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut grants = Self::default();
        for line in lines {
            match Line::read(line) {
                Some(line) => grants.lines.push(line),
                None => grants.has_role |= line.starts_with("GRANT ") && !line.contains(" ON "),
            }
        }
        grants
    }

    /// Whether nothing is known of the account.
    pub(super) const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether the account has a role, and may have more rights by it.
    pub(super) const fn has_role(&self) -> bool {
        self.has_role
    }

    /// The rights on anything in a database, in the server's words, each once and in their order.
    pub(super) fn rights_in(&self, database: &str) -> Vec<&str> {
        let mut rights = Vec::new();
        let lines = self.lines.iter().filter(|line| line.gives && line.is_about(database));
        for (right, _) in lines.flat_map(|line| &line.rights) {
            if !rights.contains(&right.as_str()) {
                rights.push(right.as_str());
            }
        }
        rights
    }

    /// Whether the account has a right that is given for the whole server alone.
    pub(super) fn gives_everywhere(&self, right: &str) -> bool {
        let everywhere = |line: &&Line| line.database == "*" && line.table.is_none();
        let lines: Vec<_> = self.lines.iter().filter(everywhere).collect();
        has(&lines, right)
    }

    /// Those of the rights that the account does not have on a whole table, all its columns.
    ///
    /// Of several lines for all tables of a database the server takes the most specific one alone (MySQL
    /// 8.4 reference, "Access Control, Stage 2: Request Verification"). Where it is not clear which one
    /// that is, a right counts that each of them gives.
    pub(super) fn lacks<'a>(
        &self,
        wanted: &[&'a str],
        database: &str,
        table: &str,
    ) -> Vec<&'a str> {
        let covers = |line: &&Line| line.covers(database, table);
        let lines: Vec<_> = self.lines.iter().filter(covers).collect();
        let patterns: BTreeSet<_> =
            lines.iter().filter(|line| line.is_pattern()).map(|line| &*line.database).collect();
        let exact: BTreeSet<_> =
            patterns.iter().copied().filter(|pattern| !has_wildcards(pattern)).collect();
        let patterns = if exact.is_empty() { patterns } else { exact };
        let lacks_by = |pattern: Option<&str>| {
            let counts = |line: &&&Line| !line.is_pattern() || Some(&*line.database) == pattern;
            let lines: Vec<_> = lines.iter().filter(counts).copied().collect();
            wanted.iter().copied().filter(|right| !has(&lines, right)).collect::<Vec<_>>()
        };
        if patterns.is_empty() {
            return lacks_by(None);
        }
        let lacking: Vec<_> =
            patterns.into_iter().flat_map(|pattern| lacks_by(Some(pattern))).collect();
        wanted.iter().copied().filter(|right| lacking.contains(right)).collect()
    }
}

/// Whether these lines together give a right. What is taken away in a database is taken from what is
/// given for all of them.
fn has(lines: &[&Line], right: &str) -> bool {
    let is_about_it = |line: &&&Line| {
        let whole = line.rights.iter().filter(|(_, in_columns)| !in_columns);
        whole.map(|(name, _)| &**name).any(|name| name == right || ALL.contains(&name))
    };
    let mut about_it = lines.iter().filter(is_about_it);
    let is_revoked = about_it.clone().any(|line| !line.gives);
    about_it.any(|line| line.gives && (line.database != "*" || !is_revoked))
}

impl Line {
    fn read(line: &str) -> Option<Self> {
        let (verb, rest) = line.split_once(' ')?;
        let gives = match verb {
            "GRANT" => true,
            "REVOKE" => false,
            _ => return None,
        };
        let (rights, place) = rest.split_once(" ON ")?;
        // A routine is executed, which may write.
        let kinds = ["PROCEDURE ", "FUNCTION ", "PACKAGE BODY ", "PACKAGE "];
        let place = kinds.iter().find_map(|kind| place.strip_prefix(kind)).unwrap_or(place);
        let (database, rest) = name(place)?;
        let (table, _) = name(rest.strip_prefix('.')?)?;
        let table = (table != "*").then_some(table);
        Some(Self { gives, rights: rights_of(rights), database, table })
    }

    /// Whether it is about something in this database.
    fn is_about(&self, database: &str) -> bool {
        match &self.table {
            // Only the name of a database whose tables are all meant is a pattern.
            None => matches(&self.database, database),
            Some(_) => self.database == database,
        }
    }

    /// Whether it gives something for all tables of the databases that its pattern matches.
    fn is_pattern(&self) -> bool {
        self.gives && self.table.is_none() && self.database != "*"
    }

    /// Whether it is about the whole of this table.
    fn covers(&self, database: &str, table: &str) -> bool {
        let is_table = self.table.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(table));
        is_table && self.is_about(database)
    }
}

/// A name and what is behind it: `*`, or a name in the quotes of the session, in which a doubled one
/// stands for one, or as it is where the session quotes nothing.
fn name(text: &str) -> Option<(String, &str)> {
    let Some(quote) = text.chars().next().filter(|first| ['`', '"'].contains(first)) else {
        let end = text.find(['.', ' ']).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let (mut rest, mut name) = (&text[1..], String::new());
    loop {
        let (part, behind) = rest.split_once(quote)?;
        name += part;
        let Some(more) = behind.strip_prefix(quote) else { return Some((name, behind)) };
        name.push(quote);
        rest = more;
    }
}

/// The rights, each with whether columns in brackets stand behind it.
fn rights_of(rights: &str) -> Vec<(String, bool)> {
    let (mut all, mut depth) = (vec![(String::new(), false)], 0_usize);
    for letter in rights.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => all.push((String::new(), false)),
            letter if depth == 0 => {
                if let Some((right, _)) = all.last_mut() {
                    right.push(letter);
                }
            }
            _ => {}
        }
        if let Some((_, in_columns)) = all.last_mut() {
            *in_columns |= depth > 0;
        }
    }
    all.into_iter().map(|(right, in_columns)| (right.trim().to_owned(), in_columns)).collect()
}

/// Whether a pattern of databases may match more than one name.
fn has_wildcards(pattern: &str) -> bool {
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' | '_' => return true,
            '\\' => drop(letters.next()),
            _ => {}
        }
    }
    false
}

/// Whether a pattern of databases is about this one: `%` is any text, `_` any letter, and `\` before one
/// of them takes that away (MySQL 8.4 reference, "GRANT Statement"). `*` is all databases.
fn matches(pattern: &str, name: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let mut letters = pattern.chars();
    // Where each pattern up to here may end in the name.
    let mut ends: BTreeSet<usize> = BTreeSet::from([0]);
    let name: Vec<char> = name.chars().collect();
    while let Some(letter) = letters.next() {
        ends = match letter {
            '%' => {
                let Some(first) = ends.first().copied() else { return false };
                (first..=name.len()).collect()
            }
            '_' => ends.into_iter().filter(|at| *at < name.len()).map(|at| at + 1).collect(),
            letter => {
                let literal = if letter == '\\' { letters.next().unwrap_or('\\') } else { letter };
                let is_next = |at: &usize| name.get(*at) == Some(&literal);
                ends.into_iter().filter(is_next).map(|at| at + 1).collect()
            }
        };
    }
    ends.contains(&name.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_of_a_database_is_a_pattern() {
        for (pattern, name, is_about) in [
            ("*", "repo", true),
            ("repo", "repo", true),
            ("repo", "repos", false),
            ("re%", "repo", true),
            ("%", "repo", true),
            ("%po", "repo", true),
            ("%x%", "repo", false),
            ("re__", "repo", true),
            ("re_", "repo", false),
            ("my_repo", "my_repo", true),
            ("my_repo", "my-repo", true),
            ("my\\_repo", "my_repo", true),
            ("my\\_repo", "my-repo", false),
            ("50\\%", "50%", true),
            ("50\\%", "500", false),
            ("é_", "éa", true),
            ("", "repo", false),
        ] {
            assert_eq!(matches(pattern, name), is_about, "{pattern} {name}");
        }
    }

    #[test]
    fn a_right_counts_where_it_is_for_the_whole_table() {
        const TRIGGER: &[&str] = &["TRIGGER"];
        for (lines, lacking) in [
            (&["GRANT ALL PRIVILEGES ON *.* TO `a`@`%`"][..], &[][..]),
            (&["GRANT ALL PRIVILEGES ON `rhino`.* TO `a`@`%`"], &[]),
            (&["GRANT ALL PRIVILEGES ON `rh_n%`.* TO `a`@`%`"], &[]),
            (&["GRANT ALL PRIVILEGES ON `rh\\_no`.* TO `a`@`%`"], TRIGGER),
            (&["GRANT SELECT, TRIGGER, UPDATE ON `rhino`.`articleFile` TO `a`@`%`"], &[]),
            // The name of a database is no pattern before the name of a table.
            (&["GRANT SELECT, TRIGGER ON `rh%`.`articleFile` TO `a`@`%`"], TRIGGER),
            (&["GRANT TRIGGER ON \"rhino\".\"articleFile\" TO \"a\"@\"%\""], &[]),
            (&["GRANT TRIGGER ON rhino.* TO 'a'@'%'"], &[]),
            (&["GRANT TRIGGER ON `rhi``no`.* TO 'a'@'%'"], TRIGGER),
            (&["GRANT SELECT, TRIGGER ON `rhino`.`other` TO `a`@`%`"], TRIGGER),
            (&["GRANT SELECT, UPDATE ON `rhino`.* TO `a`@`%`"], TRIGGER),
            (&["GRANT SELECT, UPDATE ON `TRIGGER`.* TO `a`@`%`"], TRIGGER),
            (&["GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD 'x'"], TRIGGER),
            (&["GRANT `admin`@`%` TO `a`@`%`"], TRIGGER),
            (&["GRANT TRIGGER (`a`, `b`), SELECT ON `rhino`.`articleFile` TO `a`@`%`"], TRIGGER),
            (
                &["GRANT TRIGGER ON *.* TO `a`@`%`", "REVOKE TRIGGER ON `rhino`.* FROM `a`@`%`"],
                TRIGGER,
            ),
            (&["GRANT TRIGGER ON *.* TO `a`@`%`", "REVOKE TRIGGER ON `b`.* FROM `a`@`%`"], &[]),
            // The more specific one counts alone.
            (
                &["GRANT SELECT ON `rhino`.* TO `a`@`%`", "GRANT ALL ON `rhino%`.* TO `a`@`%`"],
                TRIGGER,
            ),
            (
                &["GRANT TRIGGER ON `rhino`.* TO `a`@`%`", "GRANT SELECT ON `rhino%`.* TO `a`@`%`"],
                &[],
            ),
            (
                &["GRANT SELECT ON `rhi%`.* TO `a`@`%`", "GRANT ALL ON `rhino%`.* TO `a`@`%`"],
                TRIGGER,
            ),
            (&["GRANT TRIGGER ON `rhi%`.* TO `a`@`%`", "GRANT ALL ON `rhino%`.* TO `a`@`%`"], &[]),
            (&["GRANT SELECT ON `rhino`.* TO `a`@`%`", "GRANT TRIGGER ON *.* TO `a`@`%`"], &[]),
            (&[""], TRIGGER),
        ] {
            let grants = Grants::read(lines.iter().copied());
            assert_eq!(grants.lacks(TRIGGER, "rhino", "articleFile"), lacking, "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "GRANT ", "REVOKE ", "SELECT", ", ", "(", ")", " ON ", "`", "``", "\"", ".", "*",
                    "\\", "_", "%", "a", "é", "PROCEDURE ", " TO ",
                ]),
                0..16,
            ),
        ) {
            let line = pieces.concat();
            let grants = Grants::read([line.as_str()]);
            let _ = (grants.rights_in("a"), grants.lacks(&["SELECT"], "a", "a"));
            let _ = matches(&line, "aé%a");
        }
    }
}
