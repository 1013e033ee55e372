use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use domain::ObjectAddress;
use domain::audit::WithdrawnObject;
use indicatif::HumanCount;
use serde::Serialize;

use crate::exit::UsageError;
use crate::report::shell::printable;

/// A file with a line for each object whose content is withdrawn: bucket/key, fid and SHA-1, separated by
/// tabs. The last line says whether they are all.
pub struct WithdrawnList {
    path: PathBuf,
    file: File,
}

/// What became of the file.
#[derive(Debug, Serialize)]
pub struct WithdrawnEnd {
    /// Where it is.
    pub file: PathBuf,
    /// Its number of objects.
    pub objects: u64,
    /// Why they are not all, or may not all be withdrawn.
    pub incomplete: Option<String>,
    /// Why the file could not be written to its end.
    pub trouble: Option<String>,
}

impl WithdrawnList {
    /// Makes the file. One that is there and not empty stays as it is, and is an error.
    pub fn create(path: &Path) -> Result<Self, UsageError> {
        let shown = path.display();
        let refused = |why: &dyn fmt::Display| UsageError(format!("--withdrawn: `{shown}` {why}"));
        let open = OpenOptions::new().create(true).append(true).open(path);
        let file = open.map_err(|error| refused(&format!("cannot be written: {error}")))?;
        if file.metadata().is_ok_and(|file| file.is_file() && file.len() > 0) {
            return Err(refused(&"has lines already: name another file, or move it away"));
        }
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes the objects, and the last line. Where they may not be all, or not all withdrawn, that line is
    /// the only one: nothing can be deleted by it.
    pub fn write(
        self,
        objects: &BTreeMap<ObjectAddress, WithdrawnObject>,
        incomplete: Option<String>,
    ) -> WithdrawnEnd {
        let none = BTreeMap::new();
        let objects = if incomplete.is_some() { &none } else { objects };
        let mut out = BufWriter::new(self.file);
        let mut write = || -> io::Result<()> {
            for (ObjectAddress { bucket, key }, WithdrawnObject { fid, sha1 }) in objects {
                writeln!(out, "{bucket}/{key}\t{fid}\t{sha1}")?;
            }
            match &incomplete {
                None => writeln!(out, "# complete: {} objects", objects.len())?,
                Some(why) => writeln!(out, "# NOT COMPLETE: {}", printable(why))?,
            }
            out.flush()
        };
        let trouble = write().err().map(|error| error.to_string());
        let objects = objects.len() as u64;
        WithdrawnEnd { file: self.path, objects, incomplete, trouble }
    }
}

impl WithdrawnEnd {
    /// `other_domains` are the rows of other MogileFS domains.
    pub(super) fn report(&self, out: &mut String, other_domains: u64) -> fmt::Result {
        let Self { file, objects, incomplete, trouble } = self;
        let (objects, file) = (HumanCount(*objects), file.display());
        if let Some(why) = trouble {
            return writeln!(
                out,
                "THE LIST {file} IS NOT COMPLETE: {}\n  → mend that, move the file away, and audit again",
                printable(why)
            );
        }
        match incomplete {
            None => {
                writeln!(out, "All {objects} objects of withdrawn content are in {file}.")?;
                if other_domains == 0 {
                    return Ok(());
                }
                writeln!(
                    out,
                    "  {} rows of other MogileFS domains were looked at, too: none has the fid or the SHA-1 of one \
                     of them, in whatever bucket.",
                    HumanCount(other_domains)
                )
            }
            Some(why) => writeln!(
                out,
                "THE LIST {file} IS NOT COMPLETE: {}. Delete nothing by it\n  → mend that, move the file away, and \
                 audit again",
                printable(why)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Fid, ObjectKey, S3Bucket, Sha1};

    use super::*;

    #[test]
    fn a_list_that_is_not_complete_names_no_object() {
        let folder = tempfile::tempdir().expect("a folder");
        let sha1 = Sha1::of(b"gone");
        let bucket = S3Bucket::new("corpus").expect("a name");
        let at = ObjectAddress { bucket, key: ObjectKey::of_content(&sha1) };
        let objects = BTreeMap::from([(at, WithdrawnObject { fid: Fid(7), sha1 })]);
        let line = format!("corpus/{sha1}\t7\t{sha1}\n");
        for (name, why, expected) in [
            ("whole", None, format!("{line}# complete: 1 objects\n")),
            ("not", Some("odd"), "# NOT COMPLETE: odd\n".to_owned()),
        ] {
            let path = folder.path().join(name);
            let list = WithdrawnList::create(&path).expect("a new file");
            let end = list.write(&objects, why.map(str::to_owned));
            assert_eq!(std::fs::read_to_string(&path).expect("written"), expected);
            assert_eq!((end.objects, end.trouble), (u64::from(why.is_none()), None));
        }
    }
}
