//! The file of `--allow-broken-before`: a list that an earlier comparison has written.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use domain::BucketMap;
use domain::ports::RowId;
use domain::verify::references::{AllowedBuilder, AllowedReferences, Broken, NamedReference};

use crate::exit::UsageError;

/// A line has at most this number of bytes: its texts are from columns of at most 255 characters.
const LINE_BYTES: u64 = 64 * 1024;

/// The columns of a line.
const COLUMNS: usize = 9;

/// What was read.
pub struct AllowedFile {
    /// The file.
    pub file: PathBuf,
    /// The references that it allows.
    pub allowed: AllowedReferences,
    /// Its lines of references that cannot be allowed.
    pub others: u64,
}

impl AllowedFile {
    /// Reads the file. Memory holds 16 bytes for each of its lines. Errors with the number of a line that
    /// no list has, and where the last line lacks or counts other lines.
    pub fn read(path: &Path, map: &BucketMap) -> Result<Self, UsageError> {
        let shown = path.display();
        let refused = |why: String| UsageError(format!("--allow-broken-before: `{shown}`{why}"));
        let open = File::open(path).and_then(|file| {
            let is_folder = file.metadata()?.is_dir();
            if is_folder { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
        });
        let file = open.map_err(|error| {
            refused(format!(" cannot be read: {error}. Give the file of an earlier --failures"))
        })?;
        let (allowed, others) = read(BufReader::new(file), map).map_err(|(line, why)| {
            refused(format!(
                ", line {line}: {why}. Give the file of an earlier --failures or --list, and nothing else"
            ))
        })?;
        Ok(Self { file: path.to_owned(), allowed, others })
    }
}

/// Errors with the number of a line, and what is wrong with it.
fn read(
    mut lines: impl BufRead,
    map: &BucketMap,
) -> Result<(AllowedReferences, u64), (u64, String)> {
    let mut allowed = AllowedBuilder::new(map);
    let (mut number, mut others, mut last) = (0_u64, 0, None);
    loop {
        let mut line = Vec::new();
        let read = lines.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line);
        read.map_err(|error| (number + 1, format!("it cannot be read: {error}")))?;
        if line.is_empty() {
            break;
        }
        number += 1;
        let wrong = |why: &str| (number, why.to_owned());
        if last.is_some() {
            return Err(wrong("it stands behind the last line of the list"));
        }
        if line.pop() != Some(b'\n') {
            return Err(wrong("it has no end: the file is cut, or is no list"));
        }
        let line = str::from_utf8(&line).map_err(|_| wrong("it is no text of UTF-8"))?;
        if let Some(count) = line.strip_prefix("# ").and_then(|it| it.strip_suffix(" lines")) {
            let count: u64 = count.parse().map_err(|_| wrong("it has no number of lines"))?;
            last = Some(count);
            continue;
        }
        others += u64::from(!allow(&mut allowed, line).map_err(|why| (number, why))?);
    }
    match last {
        None => {
            let why = "the last line, `# … lines`, is missing: the file is cut, or its comparison ended early";
            Err((number + 1, why.to_owned()))
        }
        Some(count) if count + 1 != number => {
            Err((number, format!("it says {count} lines, and {} are before it", number - 1)))
        }
        Some(_) => Ok((allowed.build(), others)),
    }
}

/// Allows what a line names. Returns whether it can be allowed.
fn allow(allowed: &mut AllowedBuilder<'_>, line: &str) -> Result<bool, String> {
    let columns: Vec<_> = line.split('\t').collect();
    let [mark, kind, table, id, bucket, key, uuid, checksum, _detail] = &columns[..] else {
        return Err(format!("it has {} columns, and a list has {COLUMNS}", columns.len()));
    };
    if !["=", "-", "*", "~", "!", "#"].contains(mark) && mark.parse::<u64>().is_err() {
        return Err(format!("`{mark}` is neither a symbol nor a fid"));
    }
    let broken = match *kind {
        "" => None,
        kind => Some(
            kind.parse::<Broken>()
                .map_err(|_| format!("`{kind}` is not what can be wrong with a reference"))?,
        ),
    };
    let table = match *table {
        "objects" => "objects",
        "articleFile" => "articleFile",
        other => return Err(format!("`{other}` is neither `objects` nor `articleFile`")),
    };
    let id = id.parse().map_err(|_| format!("`{id}` is no row's id"))?;
    let [bucket, key, uuid, checksum] = [bucket, key, uuid, checksum].map(|text| Some(*text));
    let (id, detail, fid) = (RowId(id), "", None);
    let name = NamedReference { table, id, bucket, key, uuid, checksum, broken, detail, fid };
    Ok(allowed.add(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "#\tbroken-before\tobjects\t7\trepo\ta key\t\\N\t01\twords\n";
    const NO_ROW: &str = "-\tno-row\tarticleFile\t9\trepo\tkey\tu1\t\twords\n";
    const BROKEN: &str = "12\tbroken-by-migration\tobjects\t8\trepo\tkey\tu2\t02\twords\n";
    const SOUND: &str = "=\t\tobjects\t1\trepo\tkey\tu3\t03\t\n";

    fn taken(text: &str) -> Result<(u64, u64), (u64, String)> {
        let map = BucketMap::parse("repo:corpus", "").expect("a map");
        read(text.as_bytes(), &map).map(|(allowed, others)| (allowed.len(), others))
    }

    #[test]
    fn a_whole_list_allows_what_was_broken_before_and_nothing_else() {
        let list = format!("{BEFORE}{NO_ROW}{BROKEN}{SOUND}# 4 lines\n");
        assert_eq!(taken(&list), Ok((2, 2)));
        assert_eq!(taken("# 0 lines\n"), Ok((0, 0)));
    }

    #[test]
    fn a_list_that_is_cut_or_changed_is_refused_at_its_line() {
        let with = |line: &str| format!("{BEFORE}{line}\n# 2 lines\n");
        let long = "x".repeat(70_000);
        for (list, line, words) in [
            (String::new(), 1, "the last line, `# … lines`, is missing"),
            (BEFORE.to_owned(), 2, "the last line, `# … lines`, is missing"),
            (BEFORE.trim_end().to_owned(), 1, "the file is cut"),
            (format!("{BEFORE}{}", &NO_ROW[..20]), 2, "the file is cut"),
            (format!("{BEFORE}# 1 lines"), 2, "the file is cut"),
            (format!("{BEFORE}# 2 lines\n"), 2, "it says 2 lines, and 1 are before it"),
            (format!("{BEFORE}# x lines\n"), 2, "no number of lines"),
            (format!("# 1 lines\n{BEFORE}"), 2, "behind the last line"),
            (with(""), 2, "it has 1 columns, and a list has 9"),
            (with("7"), 2, "it has 1 columns"),
            (with(&long), 2, "the file is cut"),
            (with(&NO_ROW.trim_end().replace("no-row", "no-rows")), 2, "`no-rows` is not what"),
            (with(&NO_ROW.trim_end().replace("articleFile", "files")), 2, "`files` is neither"),
            (with(&NO_ROW.trim_end().replace("\t9\t", "\tnine\t")), 2, "`nine` is no row's id"),
            (with(&NO_ROW.trim_end().replacen('-', "?", 1)), 2, "`?` is neither a symbol"),
        ] {
            let (at, why) = taken(&list).expect_err(words);
            assert!(at == line && why.contains(words), "{words}: line {at}: {why}");
        }
        let map = BucketMap::parse("repo:corpus", "").expect("a map");
        let (at, why) = read(&b"\xff\n"[..], &map).expect_err("no text");
        assert!(at == 1 && why.contains("UTF-8"), "{why}");
        let refused = AllowedFile::read(Path::new("/no/such"), &map).err().expect("no file").0;
        assert!(
            refused.starts_with("--allow-broken-before: `/no/such` cannot be read"),
            "{refused}"
        );
    }
}
