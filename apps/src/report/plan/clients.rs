//! What the databases of the clients show to be wrong.

use domain::doctor::{RhinoRows, TypesPlanned};

use super::super::shell::printable;

/// Buckets that no setting names, and databases of another store.
pub(super) fn of_clients(types: Option<&TypesPlanned>, rhino: Option<&RhinoRows>) -> Vec<String> {
    let mut hazards = Vec::new();
    hazards.extend(types.into_iter().flat_map(|types| &types.unmapped_buckets).map(|bucket| {
        format!(
            "contentrepo has a bucket `{}`, which neither BUCKETS nor IGNORE_BUCKETS names",
            printable(bucket)
        )
    }));
    hazards.extend(types.and_then(foreign_content_repo));
    hazards.extend(rhino.into_iter().flat_map(|rows| &rows.unmapped).map(|(bucket, rows)| {
        format!(
            "{rows} rows of rhino are in bucket `{}`, which neither BUCKETS nor IGNORE_BUCKETS names: \
             they stop the cut-over",
            printable(bucket)
        )
    }));
    hazards.extend(rhino.filter(|rows| rows.of_store == 0).map(|_| {
        "no row of rhino is in a bucket of BUCKETS, by its old name or its new one: is it the rhino of \
         this store? Correct RHINO_DATABASE_URL"
            .to_owned()
    }));
    hazards
}

/// What shows that this is the contentrepo of another store, or of none.
fn foreign_content_repo(types: &TypesPlanned) -> Option<String> {
    let what = match (types.rows, types.buckets_of_store) {
        (0, _) => "contentrepo's database has no object that refers to content",
        (_, 0) => "contentrepo has no bucket of BUCKETS, by its old name or its new one",
        _ => return None,
    };
    Some(format!("{what}: is it the contentrepo of this store? Correct CONTENTREPO_DATABASE_URL"))
}
