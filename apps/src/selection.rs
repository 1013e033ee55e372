//! Which files a command selects: the flags that `migrate` and `enqueue` share.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use domain::migrate::{Among, Selection};
use domain::{Fid, S3Bucket};

use crate::exit::UsageError;
use crate::fid_list::FidList;
use crate::report::quoted;

/// Which files are taken.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Files")]
pub struct SelectionArguments {
    /// Select the files without a proven ledger record (the default)
    #[arg(long, conflicts_with = "again")]
    pub pending: bool,

    /// Select all files, also the proven ones
    #[arg(long)]
    pub again: bool,

    /// Select only these fids: `7,9-12`, or `@FILE` with one fid or range a line. Text after the
    /// first blank or tab of a line is ignored, so that FILE can be one that `--failures` wrote
    #[arg(long, value_name = "LIST")]
    pub fids: Option<String>,

    /// Exclude the fids in this file, which has the form of a `--fids` file
    #[arg(long, value_name = "FILE")]
    pub exclude_file: Option<PathBuf>,

    /// Migrate the files again that are proven in this S3 bucket, to which BUCKETS takes them no
    /// longer. Without this flag more than 1,000 such files, or 1 %, count as an error in BUCKETS
    #[arg(long, value_name = "BUCKET")]
    pub moved_from: Vec<String>,
}

impl SelectionArguments {
    /// The buckets that files may have moved from.
    pub fn moved_from(&self) -> Result<BTreeSet<S3Bucket>, UsageError> {
        let bucket = |name: &String| {
            S3Bucket::new(name).ok_or_else(|| {
                let how = S3Bucket::how_to_write(name);
                UsageError(format!("--moved-from: `{name}` is not the name of an S3 bucket: {how}"))
            })
        };
        self.moved_from.iter().map(bucket).collect()
    }

    /// Whether it leaves out files by their fids.
    #[must_use]
    pub const fn takes_a_part(&self) -> bool {
        self.fids.is_some() || self.exclude_file.is_some()
    }

    /// The selection's flags that the next command needs too, whichever fids it takes.
    #[must_use]
    pub fn flags(&self) -> String {
        let again = if self.again { " --again" } else { "" };
        let moved =
            self.moved_from.iter().map(|bucket| format!(" --moved-from {}", quoted(bucket)));
        let excluded = self.exclude_file.as_ref();
        let excluded =
            excluded.map(|file| format!(" --exclude-file {}", quoted(&file.to_string_lossy())));
        format!("{again}{}{}", moved.collect::<String>(), excluded.unwrap_or_default())
    }

    /// The fids of this selection, as the next command needs them that takes the same.
    #[must_use]
    pub fn fids_flag(&self) -> String {
        self.fids.as_ref().map(|fids| format!(" --fids {}", quoted(fids))).unwrap_or_default()
    }

    /// What is asked for. Reads the files.
    pub fn selection(&self) -> Result<Selection, UsageError> {
        let among = if self.again { Among::Again } else { Among::Pending };
        let mut selection = Selection { among, from: Fid(0), ..Selection::default() };
        if let Some(fids) = &self.fids {
            let list = FidList::parse("--fids", fids)?;
            if list.is_empty() {
                return Err(UsageError(format!(
                    "--fids: `{fids}` has no fid, so nothing was done"
                )));
            }
            selection.in_ranges = list.in_ranges();
            selection.only = Some(list.all());
        }
        if let Some(file) = &self.exclude_file {
            selection.without = FidList::read("--exclude-file", file)?.all();
        }
        Ok(selection)
    }
}
