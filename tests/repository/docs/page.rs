//! The pages for readers, and their tables.

use std::path::{Path, PathBuf};

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Every page, with its path from the workspace's folder.
pub fn pages() -> Vec<(PathBuf, String)> {
    let mut pages = Vec::new();
    for folder in ["", "docs", "docker"] {
        for entry in root().join(folder).read_dir().expect("readable").flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = std::fs::read_to_string(&path).expect("readable");
                pages.push((path.strip_prefix(root()).expect("below it").to_owned(), text));
            }
        }
    }
    assert!(pages.len() >= 8, "{pages:?}");
    pages
}

/// A table of a page.
pub struct Table<'a> {
    pub heading: &'a str,
    pub columns: Vec<&'a str>,
    pub rows: Vec<Vec<&'a str>>,
}

impl<'a> Table<'a> {
    pub fn cell(&self, row: &[&'a str], column: &str) -> &'a str {
        let at = self.columns.iter().position(|name| *name == column);
        row[at.unwrap_or_else(|| panic!("{} has no column {column}", self.heading))]
    }

    pub fn column(&self, column: &str) -> impl Iterator<Item = &'a str> {
        self.rows.iter().map(move |row| self.cell(row, column))
    }
}

/// All tables of a page, each under the nearest heading above it.
pub fn tables_of(page: &str) -> Vec<Table<'_>> {
    let (mut tables, mut heading, mut within) = (Vec::<Table<'_>>::new(), "", false);
    for line in page.lines() {
        let Some(row) = line.strip_prefix('|').and_then(|row| row.strip_suffix('|')) else {
            within = false;
            if line.starts_with('#') {
                heading = line.trim_start_matches('#').trim();
            }
            continue;
        };
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        match tables.last_mut().filter(|_| within) {
            None => tables.push(Table { heading, columns: cells, rows: Vec::new() }),
            Some(_) if row.starts_with("---") => {}
            Some(table) => {
                assert_eq!(cells.len(), table.columns.len(), "cells of `{line}`");
                table.rows.push(cells);
            }
        }
        within = true;
    }
    tables
}

/// A cell without the marks of code.
pub fn plain(cell: &str) -> String {
    cell.replace('`', "")
}
