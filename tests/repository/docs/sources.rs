//! The sources, as pages about what is printed are compared with them.

use std::fs;
use std::path::PathBuf;

use super::page::root;

/// The Rust files below some folders, with their texts.
pub(super) fn sources(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut folders: Vec<_> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("readable");
                files.push((path, text));
            }
        }
    }
    files
}

/// A source with its texts as they are printed: in one line, with `…` for what is filled in, and
/// without the marks of code.
pub(super) fn as_printed(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut lines = source.split("\\\n");
    text.push_str(lines.next().unwrap_or_default());
    lines.for_each(|line| text.push_str(line.trim_start()));
    let text = text.replace('`', "");
    let mut parts = text.split('{');
    let mut printed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('}') {
            Some((filled, rest)) if !filled.contains(char::is_whitespace) => {
                printed.push('…');
                printed.push_str(rest);
            }
            _ => {
                printed.push('{');
                printed.push_str(part);
            }
        }
    }
    printed
}
