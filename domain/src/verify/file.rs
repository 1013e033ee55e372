use super::content::read_whole;
use crate::ports::{Clock, ObjectStore, StoreError};
use crate::retried::retried;
use crate::{Failure, Left, Reason, ReasonKind, Sight, SourceFile, Verification};

/// Looks whether a file's final key holds its content. It reads and never repairs, and it knows
/// nothing of how the content came there.
pub async fn verify_file(
    objects: &dyn ObjectStore,
    clock: &dyn Clock,
    file: &SourceFile,
    run: &str,
) -> Result<Verification, Failure> {
    let at = file.address();
    let salt = file.fid.0;
    let found = retried(clock, salt, || objects.head(&at)).await.map_err(|e| unseen(&e))?;
    let Some(found) = found else {
        let detail = format!("no object at `{at}`");
        return Err(failed(ReasonKind::Missing, &detail, Left::Nothing));
    };
    let (sha1, length, sight) = match found.sha1 {
        Some(sha1) => (sha1, found.length, Sight::Head),
        None => match retried(clock, salt, || read_whole(objects, &at, &found.etag)).await {
            Ok(read) => (read.sha1, read.length, Sight::Download),
            Err(error) => return Err(unseen(&error)),
        },
    };
    if sha1 != file.dkey.sha1 {
        let detail = format!("`{at}` has {length} bytes with SHA-1 {sha1}");
        return Err(failed(ReasonKind::WrongObject, &detail, Left::WrongObject));
    }
    Ok(Verification {
        run: run.to_owned(),
        fid: file.fid,
        sha1,
        bucket: file.bucket.clone(),
        length,
        sight,
        verified_at: clock.now(),
    })
}

/// It could not be looked at: what lies there is not known.
fn unseen(error: &StoreError) -> Failure {
    Failure { reason: Reason::from(error), left: Left::Nothing }
}

fn failed(kind: ReasonKind, detail: &str, left: Left) -> Failure {
    Failure { reason: Reason::new(kind, detail), left }
}
