//! The commands of docs/OPERATING.md.

use std::collections::BTreeSet;

/// The page, as it is compiled into this test.
const PAGE: &str = include_str!("../../../../../docs/OPERATING.md");

/// What a fence may hold; only `sh` has commands.
const KINDS: [&str; 4] = ["sh", "text", "json", "sql"];

/// Every command of the page: each line of its blocks of `sh`, and each of our own commands within a sentence.
pub fn commands() -> BTreeSet<String> {
    let (mut found, mut prose, mut block) = (BTreeSet::new(), String::new(), None);
    let mut line_so_far = String::new();
    for line in PAGE.lines() {
        if let Some(kind) = line.trim_start().strip_prefix("```") {
            assert!(
                block.is_some() || KINDS.contains(&kind),
                "a block of the page is of no kind: `{line}`"
            );
            block = if block.is_some() { None } else { Some(kind) };
        } else if block.is_none() {
            prose += line;
            // A span of code goes on in the next line, and ends with its paragraph.
            prose += if line.is_empty() { "\n" } else { " " };
        } else if block == Some("sh") {
            // What a shell takes for a comment, too.
            line_so_far += line.split_once("  # ").map_or(line, |(command, _)| command).trim();
            if let Some(begun) = line_so_far.strip_suffix('\\') {
                line_so_far = begun.to_owned();
            } else {
                found.insert(std::mem::take(&mut line_so_far));
            }
        }
    }
    assert!(block.is_none() && line_so_far.is_empty(), "the page's last block has no end");
    for paragraph in prose.lines() {
        let spans = paragraph.split('`').skip(1).step_by(2);
        let ours = spans.filter(|span| span.starts_with("mogile2s3 "));
        found.extend(ours.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    found.remove("");
    found
}
