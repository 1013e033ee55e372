//! The definition of an index, as `SHOW CREATE TABLE` has it in one line.

use domain::ports::IndexDefinition;

/// The index on the bucket names.
pub(super) const NAME: &str = "bucketName_index";

/// The line about the index, where the table has one. It may be one that [`is_definition`] does not
/// understand.
pub(super) fn find(create_table: &str) -> Option<IndexDefinition> {
    let lines = create_table.lines().map(str::trim);
    let mut lines = lines.filter(|line| behind_name(line).is_some());
    lines.next().map(|line| IndexDefinition(line.strip_suffix(',').unwrap_or(line).to_owned()))
}

/// Whether the text defines the index and is nothing more, so that it may stand in an `ALTER TABLE`: it
/// may come from a journal.
pub(super) fn is_definition(text: &str) -> bool {
    behind_name(text).and_then(columns).is_some_and(are_options)
}

/// Whether the index can be made again from its definition.
pub(super) fn can_return(IndexDefinition(definition): &IndexDefinition) -> bool {
    is_definition(definition)
}

/// What is behind the name, where the text begins as the index's definition does.
fn behind_name(text: &str) -> Option<&str> {
    let kinds = ["", "UNIQUE ", "FULLTEXT ", "SPATIAL "];
    kinds.iter().find_map(|kind| {
        text.strip_prefix(kind)?.strip_prefix("KEY `")?.strip_prefix(NAME)?.strip_prefix("` ")
    })
}

/// What is behind the columns: names in backticks, each perhaps with a length and an order.
fn columns(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix('(')?;
    loop {
        rest = quoted(rest, '`')?;
        if let Some(length) = rest.strip_prefix('(') {
            rest = number(length)?.strip_prefix(')')?;
        }
        rest = rest.strip_prefix(" DESC").unwrap_or(rest);
        match rest.strip_prefix(',') {
            Some(next) => rest = next.strip_prefix(' ').unwrap_or(next),
            None => return rest.strip_prefix(')'),
        }
    }
}

/// Whether these are options of an index that change nothing else.
fn are_options(mut rest: &str) -> bool {
    const WORDS: [&str; 6] = [
        "USING BTREE",
        "USING HASH",
        "/*!80000 INVISIBLE */",
        "IGNORED",
        "VISIBLE",
        "/*!80000 VISIBLE */",
    ];
    while let Some(option) = rest.strip_prefix(' ') {
        let next = WORDS.iter().find_map(|word| option.strip_prefix(word));
        let next = next.or_else(|| option.strip_prefix("KEY_BLOCK_SIZE=").and_then(number));
        let next = next.or_else(|| option.strip_prefix("COMMENT ").and_then(comment));
        match next {
            Some(next) => rest = next,
            None => return false,
        }
    }
    rest.is_empty()
}

/// What is behind a comment. One with a backslash is refused: what it hides depends on the session.
fn comment(text: &str) -> Option<&str> {
    let rest = quoted(text, '\'')?;
    (!text[..text.len() - rest.len()].contains('\\')).then_some(rest)
}

/// What is behind a text in quotes, in which a doubled quote stands for one.
fn quoted(text: &str, quote: char) -> Option<&str> {
    let mut rest = text.strip_prefix(quote)?;
    loop {
        let (_, behind) = rest.split_once(quote)?;
        match behind.strip_prefix(quote) {
            Some(more) => rest = more,
            None => return Some(behind),
        }
    }
}

fn number(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_index_is_found_as_servers_show_it() {
        for definition in [
            "KEY `bucketName_index` (`bucketName`)",
            "UNIQUE KEY `bucketName_index` (`bucketName`)",
            "KEY `bucketName_index` (`bucketName`(191) DESC,`fileId`) USING BTREE",
            "KEY `bucketName_index` (`bucketName`) KEY_BLOCK_SIZE=4 COMMENT 'it''s, a (name)'",
            "KEY `bucketName_index` (`a``b`) /*!80000 INVISIBLE */",
        ] {
            for end in [",", ""] {
                let table = format!(
                    "CREATE TABLE `articleFile` (\n  `bucketName` varchar(255),\n  \
                     KEY `other` (`bucketName`),\n  {definition}{end}\n) ENGINE=InnoDB"
                );
                assert_eq!(find(&table), Some(IndexDefinition(definition.to_owned())), "{table}");
            }
        }
        let table =
            "CREATE TABLE `articleFile` (\n  `x` int COMMENT 'KEY `bucketName_index` (`x`)'\n)";
        assert_eq!(find(table), None);
    }

    #[test]
    fn an_index_that_is_not_understood_is_there() {
        for definition in [
            "KEY `bucketName_index` (`bucketName`) COMMENT 'a\\\\b'",
            "KEY `bucketName_index` ((lower(`bucketName`)))",
            "FULLTEXT KEY `bucketName_index` (`bucketName`) /*!50100 WITH PARSER `ngram` */ ",
        ] {
            let table = format!("CREATE TABLE `articleFile` (\n  {definition},\n) ENGINE=InnoDB");
            let found = find(&table).map(|IndexDefinition(line)| line);
            assert_eq!(found.as_deref(), Some(definition), "{table}");
            assert!(!is_definition(definition), "{definition}");
        }
    }

    #[test]
    fn what_is_more_than_an_index_is_refused() {
        for text in [
            "",
            "KEY `other` (`bucketName`)",
            "KEY `bucketName_index` (`bucketName`), DROP COLUMN `bucketName`",
            "KEY `bucketName_index` (`bucketName`) COMMENT 'x', DROP COLUMN `bucketName`",
            "KEY `bucketName_index` (`bucketName`) COMMENT '\\', DROP COLUMN x -- '",
            "KEY `bucketName_index` (`bucketName`); DROP TABLE articleFile",
            "KEY `bucketName_index` (`bucketName`) /*!50000 , DROP COLUMN x */",
            "KEY `bucketName_index` (bucketName)",
            "KEY `bucketName_index` ()",
            "KEY `bucketName_index` (`bucketName`",
            "KEY `bucketName_index` (`bucketName`())",
            "KEY `bucketName_index` (`bucketName`) ",
            "COLUMN `bucketName_index` (`bucketName`)",
        ] {
            assert!(!is_definition(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "KEY `bucketName_index` (", "`a`", "`", ")", "(", "9", ",", " COMMENT '", "'",
                    "\\", " DESC", " USING BTREE", "é",
                ]),
                0..12,
            ),
        ) {
            let text = pieces.concat();
            let _ = (is_definition(&text), find(&text));
        }
    }
}
