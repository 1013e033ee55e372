//! What a stock contentrepo accepts today and S3 does not.

use std::fmt::{self, Write};

use domain::doctor::{NamedObjects, TypesPlanned};
use indicatif::HumanCount;

use super::super::shell::printable;

/// Writes each kind that there is.
pub(super) fn write_refused(out: &mut String, types: &TypesPlanned) -> fmt::Result {
    for (named, what, means) in [
        (
            &types.long_fields,
            "objects of contentrepo have fields of more than 2 KB together",
            "after the cut-over a stock contentrepo cannot write such objects: it sends all fields as \
             metadata, and S3 refuses them. Reads are not concerned",
        ),
        (
            &types.non_ascii_fields,
            "objects of contentrepo have a field that is not ASCII",
            "after the cut-over a stock contentrepo cannot write such objects: it sends all fields as \
             metadata, and S3 refuses them. Reads are not concerned",
        ),
        (
            &types.without_size,
            "objects of contentrepo have no size, or one of 2 GiB and more",
            "its column holds no larger size, so nobody can compare it with the object in S3",
        ),
    ] {
        let NamedObjects { objects, first } = named;
        if *objects == 0 {
            continue;
        }
        writeln!(out, "{} {what}: {means}.", HumanCount(*objects))?;
        let more = if *objects > first.len() as u64 { " …" } else { "" };
        let first: Vec<_> = first.iter().map(|name| printable(name)).collect();
        writeln!(out, "  {}{more}", first.join(", "))?;
    }
    Ok(())
}
