//! Changes of bucket names in the clients' databases that are under way.

use std::fmt::{self, Write};

use domain::journal::{ClientDatabase, Direction};
use serde::Serialize;

use crate::report::cutover::command;

/// A change of bucket names that was begun and is not at its end.
#[derive(Debug, Serialize)]
pub struct CutoverUnderWay {
    /// Whose.
    pub database: ClientDatabase,
    /// Which way.
    pub direction: Direction,
    /// The number of the journal's entry that began it.
    pub entry: u64,
    /// Whether rhino's index on the bucket names is missing; [`None`] where the journal alone says that it may
    /// be.
    pub index_missing: Option<bool>,
}

impl CutoverUnderWay {
    pub(super) fn write(&self, out: &mut String) -> fmt::Result {
        let Self { database, direction, entry, index_missing } = self;
        writeln!(
            out,
            "UNDER WAY: entry {entry} of the journal began to change {database}'s bucket names, and no entry says \
             that it is done"
        )?;
        if *database == ClientDatabase::Rhino {
            writeln!(
                out,
                "  {}",
                match index_missing {
                    Some(true) => "the index bucketName_index is MISSING: reads by bucket are slow",
                    Some(false) => "the index bucketName_index is there",
                    None =>
                        "the index bucketName_index may be missing: set RHINO_DATABASE_URL to see",
                }
            )?;
        }
        writeln!(out, "  → {} --execute", command(*database, *direction))
    }
}
