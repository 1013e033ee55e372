//! What `freeze check` prints where the store is not the one that was frozen.

use std::fmt::{self, Write};

use domain::store_state::StoreState;

use crate::report::shell::printable;

/// Says what is another one: the servers by the same names, or else the settings.
pub(super) fn write_settings(
    out: &mut String,
    before: &StoreState,
    now: &StoreState,
) -> fmt::Result {
    let others = now.other_servers_than(before);
    for (server, then, now) in &others {
        let server = printable(server);
        writeln!(out, "\nANOTHER SERVER answers as {server}:\n  then {then}\n  now  {now}")?;
    }
    if !others.is_empty() {
        return writeln!(
            out,
            "  → nothing was compared. After a failover to a replica freeze again: `mogile2s3 freeze --means TEXT`. \
             Where the name leads to several servers, give the name of one of them"
        );
    }
    writeln!(out, "\nThe settings ARE NOT THOSE of the freeze, and nothing was compared:")?;
    for (when, state) in [("then", before), ("now ", now)] {
        let StoreState { domain, buckets, servers, .. } = state;
        let (buckets, servers) = (buckets.join(","), servers.join(", "));
        writeln!(out, "  {when} MOGILE_DOMAIN={domain} BUCKETS={buckets}, databases {servers}")?;
    }
    writeln!(
        out,
        "  → set MOGILE_DOMAIN, BUCKETS and the databases' URLs as they were then, and run this again; or freeze \
         again"
    )
}
