//! Lists of fids, as operators give them: in a flag, or in a file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use roaring::RoaringTreemap;

use crate::exit::UsageError;

/// The most fids of one range: all that MogileFS's own column for them can hold.
const RANGE_FIDS: u64 = 1 << 32;

/// As much of a line is looked at. A detail behind the fid may be longer; a fid is not.
const LINE_BYTES: u64 = 64 * 1024;

/// Fids as a flag takes them: ascending, what follows one another as a range.
#[must_use]
pub fn in_ranges(fids: &RoaringTreemap) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for fid in fids {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == fid => *last = fid,
            _ => ranges.push((fid, fid)),
        }
    }
    let texts: Vec<_> = ranges
        .into_iter()
        .map(
            |(first, last)| {
                if first == last { first.to_string() } else { format!("{first}-{last}") }
            },
        )
        .collect();
    texts.join(",")
}

/// Fids, named one by one or in ranges.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FidList {
    each: RoaringTreemap,
    ranges: RoaringTreemap,
}

impl FidList {
    /// Reads the value of a flag: fids and ranges of them as `7,9-12`, or `@FILE`, a file as
    /// [`read`](Self::read) takes it.
    pub fn parse(flag: &str, value: &str) -> Result<Self, UsageError> {
        if let Some(file) = value.strip_prefix('@') {
            return Self::read(flag, Path::new(file));
        }
        let mut list = Self::default();
        list.add(value).map_err(|why| UsageError(format!("{flag}: {why}")))?;
        Ok(list)
    }

    /// Reads a file of fids and ranges, one a line. What follows the first blank or tab on a line
    /// is left out, so that a list of failures or the output of `mogile2s3 fids` will do; so are
    /// empty lines, and what begins with `#`.
    pub fn read(flag: &str, path: &Path) -> Result<Self, UsageError> {
        let shown = path.display();
        let file = File::open(path).and_then(|file| {
            let is_folder = file.metadata()?.is_dir();
            if is_folder { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
        });
        let unread = |error| UsageError(format!("{flag}: `{shown}` cannot be read: {error}"));
        let file = file.map_err(unread)?;
        Self::of_lines(BufReader::new(file))
            .map_err(|(line, why)| UsageError(format!("{flag}: `{shown}`, line {line}: {why}")))
    }

    /// All fids.
    #[must_use]
    pub fn all(&self) -> RoaringTreemap {
        &self.each | &self.ranges
    }

    /// Those that came in ranges alone.
    #[must_use]
    pub fn in_ranges(&self) -> RoaringTreemap {
        &self.ranges - &self.each
    }

    /// Whether it names none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.each.is_empty() && self.ranges.is_empty()
    }

    fn of_lines(mut lines: impl BufRead) -> Result<Self, (u64, String)> {
        let (mut list, mut line) = (Self::default(), Vec::new());
        for number in 1.. {
            line.clear();
            let unread = |error: io::Error| (number, error.to_string());
            let read = lines.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line);
            if read.map_err(unread)? == 0 {
                break;
            }
            let is_cut = line.len() as u64 == LINE_BYTES && !line.ends_with(b"\n");
            if is_cut {
                lines.skip_until(b'\n').map_err(unread)?;
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_start();
            if text.starts_with('#') || text.is_empty() && !is_cut {
                continue;
            }
            let (entry, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            // Behind a fid there may be a long detail, but not a long row of fids.
            if is_cut && !rest.trim_start().starts_with(|next: char| next.is_ascii_alphabetic()) {
                return Err((
                    number,
                    "it is too long: expected one fid or range a line".to_owned(),
                ));
            }
            list.add(entry).map_err(|why| (number, why))?;
        }
        Ok(list)
    }

    /// Adds fids and ranges, separated by commas.
    fn add(&mut self, entries: &str) -> Result<(), String> {
        for entry in entries.split(',').map(str::trim) {
            match entry.split_once('-') {
                None => {
                    self.each.insert(fid(entry)?);
                }
                Some((first, last)) => {
                    let (first, last) = (fid(first)?, fid(last)?);
                    if first > last {
                        return Err(format!("`{entry}` runs backwards"));
                    }
                    if last - first >= RANGE_FIDS {
                        return Err(format!("`{entry}` has more than {RANGE_FIDS} fids"));
                    }
                    self.ranges.insert_range(first..=last);
                }
            }
        }
        Ok(())
    }
}

fn fid(text: &str) -> Result<u64, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fid = text.parse().ok().filter(|fid| digits && *fid > 0);
    fid.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        format!("`{shown}` is no fid: expected a number from 1, or a range of them as 9-12")
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn fids(list: &FidList) -> (Vec<u64>, Vec<u64>) {
        (list.all().iter().collect(), list.in_ranges().iter().collect())
    }

    #[test]
    fn fids_and_ranges_in_a_flag() {
        for (value, all, in_ranges) in [
            ("7", &[7][..], &[][..]),
            ("7,9-12", &[7, 9, 10, 11, 12], &[9, 10, 11, 12]),
            (" 7 , 9-9 ", &[7, 9], &[9]),
            ("10,9-11,7,7", &[7, 9, 10, 11], &[9, 11]),
            ("18446744073709551615", &[u64::MAX], &[]),
            (
                "18446744073709551614-18446744073709551615",
                &[u64::MAX - 1, u64::MAX],
                &[u64::MAX - 1, u64::MAX],
            ),
        ] {
            let list = FidList::parse("--fids", value).expect(value);
            assert_eq!(fids(&list), (all.to_vec(), in_ranges.to_vec()), "{value}");
        }
    }

    #[test]
    fn the_widest_range_is_small_in_memory() {
        let list = FidList::parse("--fids", "1-4294967296").expect("as many as there can be");
        assert_eq!(list.all().len(), 1 << 32);
        assert!(list.all().serialized_size() < 2 * 1024 * 1024);
    }

    #[test]
    fn what_is_no_list_is_refused_with_what_is_wrong() {
        for (value, words) in [
            ("", "`` is no fid"),
            ("7,", "`` is no fid"),
            ("0", "`0` is no fid"),
            ("7;8", "`7;8` is no fid"),
            ("+7", "`+7` is no fid"),
            ("-7", "`` is no fid"),
            ("9-7", "`9-7` runs backwards"),
            ("1-2-3", "`2-3` is no fid"),
            ("18446744073709551616", "is no fid"),
            ("1-18446744073709551615", "more than 4294967296 fids"),
            ("failures.tsv", "`failures.tsv` is no fid"),
        ] {
            let error = FidList::parse("--fids", value).expect_err(value).0;
            assert!(error.starts_with("--fids: ") && error.contains(words), "{value}: {error}");
        }
    }

    #[test]
    fn the_first_word_of_each_line_of_a_file() {
        let text = "# fid\treason\n7\tno-replica\tkey\tat 9\n\n  9-10 and more\r\n11,13\n#5\n8";
        let list = FidList::of_lines(text.as_bytes()).expect("a list");
        assert_eq!(fids(&list).0, [7, 8, 9, 10, 11, 13]);
    }

    #[test]
    fn a_detail_may_be_of_any_length() {
        let detail = "x".repeat(200_000);
        let text = format!("7\tno-replica\tkey\t{detail}\n#finding\t9\t{detail}\n8\tdenied\n");
        let list = FidList::of_lines(text.as_bytes()).expect("a list");
        assert_eq!(fids(&list).0, [7, 8]);
    }

    #[test]
    fn errors_name_the_file_and_the_line() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        writeln!(file, "7\n\nsix of them\n8").expect("written");
        let path = file.path().display();
        let error = FidList::parse("--fids", &format!("@{path}")).expect_err("a word").0;
        assert!(error.contains(&format!("`{path}`, line 3: `six` is no fid")), "{error}");

        let error = FidList::read("--exclude-file", Path::new("/no/such/file")).expect_err("none");
        assert!(error.0.starts_with("--exclude-file: `/no/such/file` cannot be read: "));
        let error = FidList::read("--exclude-file", Path::new("/")).expect_err("a folder").0;
        assert!(error.contains("`/` cannot be read"), "{error}");

        for long in ["7".repeat(100_000), " ".repeat(100_000), "7 ".repeat(50_000)] {
            let (line, why) = FidList::of_lines(long.as_bytes()).expect_err("too long");
            assert_eq!(
                (line, why.as_str()),
                (1, "it is too long: expected one fid or range a line")
            );
        }
    }
}
