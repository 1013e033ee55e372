//! The file `.env`, read as python-dotenv 1.x reads it with interpolation off
//! (<https://github.com/theskumar/python-dotenv>, `src/dotenv/parser.py`), because s3migrate's files
//! were written for that.
//!
//! It differs where python-dotenv passes over something in silence: a line that is no binding is an
//! error here. A byte order mark is passed over.

mod reader;
mod shell;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fmt, fs, io};

use self::reader::Reader;

/// What a file says. Its values may be secrets, and it has no `Debug` that shows them.
#[derive(Default)]
pub struct DotEnv {
    /// Each variable's last value.
    pub values: BTreeMap<String, String>,
    /// What the author should know, one line each, without any value.
    pub warnings: Vec<String>,
}

/// Why a file is not read. No value is in it.
#[derive(Debug, PartialEq, Eq)]
pub struct DotEnvError(String);

impl fmt::Display for DotEnvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DotEnvError {}

/// The nearest `.env`, in the current folder or above it; an empty one where there is none.
pub fn nearest() -> Result<DotEnv, DotEnvError> {
    let unreadable = |error: io::Error| DotEnvError(format!(".env cannot be read: {error}"));
    let folder = env::current_dir().map_err(unreadable)?;
    let mut paths = folder.ancestors().map(|folder| folder.join(".env"));
    let Some(path): Option<PathBuf> = paths.find(|path| path.is_file()) else {
        return Ok(DotEnv::default());
    };
    let text = fs::read(path).map_err(unreadable)?;
    let Ok(text) = String::from_utf8(text) else {
        return Err(DotEnvError(".env cannot be read: it is not UTF-8".to_owned()));
    };
    parse(&text)
}

/// Reads a file's text.
pub fn parse(text: &str) -> Result<DotEnv, DotEnvError> {
    let mut found = DotEnv::default();
    if text.contains('\r') {
        let what = "has line ends of Windows: a shell takes them as parts of the values";
        found.warnings.push(format!(".env {what}"));
    }
    // As Python opens text files.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader::new(&text);
    let mut lines = BTreeMap::new();
    while let Some(binding) = reader.binding()? {
        let (line, name) = (binding.line, binding.name);
        let mut warn = |what: &str| found.warnings.push(format!(".env line {line}: {what}"));
        let Some(value) = binding.value else {
            warn(&format!("`{name}` has no `=` behind it, and is not set"));
            found.values.remove(name);
            continue;
        };
        if !is_a_name(name) {
            warn(&format!("`{name}` is not a variable's name, and the line is ignored"));
            continue;
        }
        if value.contains('\0') {
            let what = format!(".env line {line}: the value of `{name}` has a NUL character");
            return Err(DotEnvError(what));
        }
        if let Some(before) = lines.insert(name, line) {
            warn(&format!("`{name}` is already set in line {before}; this value is used"));
        }
        if !shell::reads_the_same(binding.original) {
            warn(&format!(
                "a shell reads the value of `{name}` in another way; in single quotes both read the \
                 same, where it has no quote and no backslash"
            ));
        }
        found.values.insert(name.to_owned(), value);
    }
    Ok(found)
}

fn is_a_name(text: &str) -> bool {
    let mut letters = text.chars();
    let is_first = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    letters.next().is_some_and(is_first)
        && letters.all(|letter| is_first(letter) || letter.is_ascii_digit())
}

#[cfg(test)]
mod tests;
