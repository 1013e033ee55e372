//! Accepted files, tried again: a replica may have come back.

use futures_util::{StreamExt, stream};

use super::evidence::Evidence;
use super::step::file_of;
use crate::cleanup::look::Looker;
use crate::cleanup::replicas::ReplicaReader;
use crate::cleanup::witness::Witness;
use crate::ports::{Clock, SourceFiles, SourceIndex};
use crate::{Acceptance, Acceptances, BucketMap, Since, limits};

/// What another look reaches.
#[derive(Clone, Copy)]
pub struct AgainPorts<'a> {
    /// MogileFS's index.
    pub index: &'a dyn SourceIndex,
    /// MogileFS's files.
    pub files: &'a dyn SourceFiles,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Tries every replica of the accepted files whose keys name content, and notes at each acceptance what
/// came of it. A replica of the evidence that cannot be asked now changes nothing.
pub async fn try_again(ports: AgainPorts<'_>, buckets: &BucketMap, accepted: &mut Acceptances) {
    let AgainPorts { index, files, clock } = ports;
    let reader = ReplicaReader::new(files, clock);
    let witness = Witness { looker: Looker { index, files, clock }, reader: &reader };
    let tries = accepted.iter_mut().map(|one| try_one(&witness, buckets, one));
    let mut tries = stream::iter(tries).buffer_unordered(limits::FILES_LOOKED_AT_ONCE);
    while tries.next().await.is_some() {}
}

/// Whether the key of an accepted file names content, so that its replicas can be tried.
#[must_use]
pub fn has_content(one: &Acceptance, buckets: &BucketMap) -> bool {
    one.file.key.as_deref().is_some_and(|key| file_of(one.file.fid, key, buckets).is_some())
}

async fn try_one(witness: &Witness<'_>, buckets: &BucketMap, one: &mut Acceptance) {
    let key = one.file.key.as_deref().unwrap_or_default();
    let Some(file) = file_of(one.file.fid, key, buckets) else { return };
    one.since = match witness.replicas_of(&file).await {
        Ok(replicas) => {
            let evidence = Evidence::of(witness, replicas, Some(file.dkey.sha1)).await;
            let is_new = |replica: &&crate::journal::TriedReplica| {
                !one.has_tried(&replica.replica, replica.device)
            };
            match (&evidence.gives, evidence.not_asked().find(is_new)) {
                (Some(replica), _) => Since::Reappeared(replica.clone()),
                (None, Some(replica)) => Since::Unknown(replica.why.clone()),
                (None, None) => Since::StillLost,
            }
        }
        Err(error) => Since::Unknown(error.to_string()),
    };
}
