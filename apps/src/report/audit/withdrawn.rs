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

    /// Writes the objects, and the last line.
    pub fn write(
        self,
        objects: &BTreeMap<ObjectAddress, WithdrawnObject>,
        incomplete: Option<String>,
    ) -> WithdrawnEnd {
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
    pub(super) fn report(&self, out: &mut String) -> fmt::Result {
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
            None => writeln!(out, "All {objects} objects of withdrawn content are in {file}."),
            Some(why) => writeln!(
                out,
                "THE LIST {file} IS NOT COMPLETE: {}. Delete nothing by it\n  → mend that, move the file away, and \
                 audit again",
                printable(why)
            ),
        }
    }
}
