//! What the replicas of a file give, and what S3 has of it.

use futures_util::{StreamExt, stream};

use super::plan::RefusalKind;
use crate::cleanup::witness::{NOT_NAMED, NamedReplica, Witness};
use crate::journal::{Found, TriedReplica};
use crate::ports::{Clock, ObjectStore, StoreError};
use crate::retried::retried;
use crate::verify::read_whole;
use crate::{
    IntermediaryForm, ObjectAddress, ObjectKey, Reason, Sha1, SourceError, SourceFile, Stopped,
    limits,
};

/// What came of every replica.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Those that do not give the content.
    pub(super) tried: Vec<TriedReplica>,
    /// The name of one that does.
    pub(super) gives: Option<String>,
}

impl Evidence {
    /// Tries every replica. `wanted` is the SHA-1 of the content; where the key names none, no replica
    /// gives it.
    pub(super) async fn of(
        witness: &Witness<'_>,
        replicas: Vec<NamedReplica>,
        wanted: Option<Sha1>,
    ) -> Self {
        let mut evidence = Self::default();
        let reads = stream::iter(replicas).map(|replica| read(witness, replica, wanted));
        let mut reads = reads.buffered(limits::REPLICAS_AT_ONCE);
        while let Some(read) = reads.next().await {
            match read {
                Ok(name) => {
                    evidence.gives.get_or_insert(name);
                }
                Err(tried) => evidence.tried.push(tried),
            }
        }
        evidence
    }

    /// Those that could not be asked.
    pub(super) fn not_asked(&self) -> impl Iterator<Item = &TriedReplica> {
        self.tried.iter().filter(|tried| tried.found == Found::NotAsked)
    }
}

/// The name of a replica that gives the content; or what it gives instead.
async fn read(
    witness: &Witness<'_>,
    NamedReplica { name: replica, device, at, .. }: NamedReplica,
    wanted: Option<Sha1>,
) -> Result<String, TriedReplica> {
    let content = match at {
        Some(Ok(at)) => witness.reader.digests_of(&at).await,
        Some(Err(refused)) => Err(refused),
        None => {
            let (at, why) = (replica.clone(), NOT_NAMED.to_owned());
            Err(SourceError::NotAsked { at, why, by_settings: false })
        }
    };
    let (found, why) = match content {
        Ok(digests) if Some(digests.sha1) == wanted => return Ok(replica),
        Ok(digests) => {
            let why = format!("it has {} bytes with SHA-1 {}", digests.length, digests.sha1);
            (Found::OtherContent, why)
        }
        Err(error) => (found_of(&error), error.to_string()),
    };
    let why = why[..why.floor_char_boundary(limits::EVIDENCE_BYTES)].to_owned();
    Err(TriedReplica { replica, device, found, why })
}

/// Only a storage node that says that it does not have the file, or that gives less than it announces, has
/// answered. Any other refusal may be a matter of its settings.
fn found_of(error: &SourceError) -> Found {
    match error {
        SourceError::Refused { why, .. } if ["404", "410"].iter().any(|it| why.starts_with(it)) => {
            Found::NotThere
        }
        SourceError::WrongLength { .. } | SourceError::WrongContent { .. } => Found::NotThere,
        SourceError::Refused { .. }
        | SourceError::UnknownKey { .. }
        | SourceError::Unreachable { .. }
        | SourceError::Uncertain { .. }
        | SourceError::Busy { .. }
        | SourceError::BadAnswer { .. }
        | SourceError::NotAsked { .. }
        | SourceError::Unjudged { .. } => Found::NotAsked,
    }
}

/// What S3 has of a file.
pub(super) enum InS3 {
    Nothing,
    /// The content, at this address.
    Content(ObjectAddress),
    /// An object that cannot be looked at.
    Unseen(String),
}

/// Looks at the final key of a file and at its intermediaries.
pub(super) async fn in_s3(
    objects: &dyn ObjectStore,
    clock: &dyn Clock,
    file: &SourceFile,
) -> Result<InS3, Stopped> {
    let bucket = &file.bucket;
    let raw = |form| ObjectAddress {
        bucket: bucket.clone(),
        key: ObjectKey::intermediary(file.fid, form),
    };
    let places =
        [file.address(), raw(IntermediaryForm::Plain), raw(IntermediaryForm::LeadingSlash)];
    for at in places {
        match sha1_of(objects, clock, file.fid.0, &at).await {
            Ok(sha1) if sha1 == Some(file.dkey.sha1) => return Ok(InS3::Content(at)),
            Ok(_) => {}
            Err(
                error @ (StoreError::Denied { .. }
                | StoreError::Refused { .. }
                | StoreError::Occupied(_)
                | StoreError::NoSuchKey(_)),
            ) => return Ok(InS3::Unseen(error.to_string())),
            Err(error) => return Err(Stopped::Trouble(Reason::from(&error))),
        }
    }
    Ok(InS3::Nothing)
}

/// The SHA-1 of an object, by what is stored with it or by its bytes; [`None`] where there is none.
async fn sha1_of(
    objects: &dyn ObjectStore,
    clock: &dyn Clock,
    salt: u64,
    at: &ObjectAddress,
) -> Result<Option<Sha1>, StoreError> {
    let Some(found) = retried(clock, salt, || objects.head(at)).await? else { return Ok(None) };
    if found.sha1.is_some() {
        return Ok(found.sha1);
    }
    let digests = retried(clock, salt, || read_whole(objects, at, &found.etag)).await?;
    Ok(Some(digests.sha1))
}

impl InS3 {
    /// Why the file is not accepted, where S3 has something of it.
    pub(super) fn refusal(self) -> Option<(RefusalKind, String)> {
        match self {
            Self::Nothing => None,
            Self::Content(at) => {
                Some((RefusalKind::ContentInS3, format!("`{at}` has its content")))
            }
            Self::Unseen(why) => Some((RefusalKind::ObjectNotSeen, why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_the_node_is_evidence() {
        let at = || "http://10.0.0.7:7500/dev1/0/000/000/0000000001.fid".to_owned();
        let refused = |why: &str| SourceError::Refused { at: at(), why: why.to_owned() };
        for (error, found) in [
            (refused("404 Not Found"), Found::NotThere),
            (refused("410 Gone"), Found::NotThere),
            (refused("403 Forbidden"), Found::NotAsked),
            (refused("401 Unauthorized"), Found::NotAsked),
            (SourceError::Busy { at: at(), why: "503".to_owned() }, Found::NotAsked),
            (SourceError::BadAnswer { at: at(), why: "301".to_owned() }, Found::NotAsked),
            (SourceError::Unreachable { at: at(), cause: "refused".into() }, Found::NotAsked),
            (
                SourceError::NotAsked { at: at(), why: "no node".to_owned(), by_settings: true },
                Found::NotAsked,
            ),
        ] {
            assert_eq!(found_of(&error), found, "{error}");
        }
    }
}
