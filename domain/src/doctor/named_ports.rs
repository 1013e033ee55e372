use std::sync::Arc;

use crate::ports::{Clock, FailureLog, Ledger, ObjectStore, Ports, SourceFiles, SourceIndex};

/// The ports that a migration uses, as far as the settings name their systems.
#[derive(Clone)]
pub struct NamedPorts {
    /// The index of MogileFS.
    pub index: Option<Arc<dyn SourceIndex>>,
    /// The files of MogileFS.
    pub files: Option<Arc<dyn SourceFiles>>,
    /// The object store, S3.
    pub objects: Option<Arc<dyn ObjectStore>>,
    /// The ledger of proven files.
    pub ledger: Option<Arc<dyn Ledger>>,
    /// The failures of files.
    pub failures: Option<Arc<dyn FailureLog>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl From<&Ports> for NamedPorts {
    fn from(ports: &Ports) -> Self {
        let Ports { index, files, objects, ledger, failures, clock } = ports.clone();
        Self {
            index: Some(index),
            files: Some(files),
            objects: Some(objects),
            ledger: Some(ledger),
            failures: Some(failures),
            clock,
        }
    }
}
