//! Which files a command takes: the flags that `migrate` and `enqueue` share.

use std::path::PathBuf;

use clap::Args;
use domain::Fid;
use domain::steps::{Among, Selection};

use crate::exit::UsageError;
use crate::fid_list::FidList;

/// Which files are taken.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Files")]
pub struct SelectionArguments {
    /// Take the files without a proven ledger record (the default)
    #[arg(long, conflicts_with = "again")]
    pub pending: bool,

    /// Take all files, also those that are proven
    #[arg(long)]
    pub again: bool,

    /// Take these alone: fids and ranges as `7,9-12`, or `@FILE` with one a line; what follows the
    /// first blank or tab on a line is left out, so that a list of failures will do
    #[arg(long, value_name = "LIST")]
    pub fids: Option<String>,

    /// Leave out the fids in this file, in the form of a `--fids` file
    #[arg(long, value_name = "FILE")]
    pub exclude_file: Option<PathBuf>,
}

impl SelectionArguments {
    /// What is asked for. Reads the files.
    pub fn selection(&self) -> Result<Selection, UsageError> {
        let among = if self.again { Among::Again } else { Among::Pending };
        let mut selection = Selection { among, from: Fid(0), ..Selection::default() };
        if let Some(fids) = &self.fids {
            let list = FidList::parse("--fids", fids)?;
            if list.is_empty() {
                return Err(UsageError(format!("--fids: `{fids}` names no fid: nothing to do")));
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
