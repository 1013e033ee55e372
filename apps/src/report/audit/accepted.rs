//! What an audit says of accepted files.

use std::fmt::{self, Write};

use domain::audit::AuditSummary;
use domain::summary::Sample;

use crate::report::sample::{is_whole, write_sample};
use crate::report::shell::fids;

/// What is accepted, which acceptances are over, and which may be.
pub fn write_accepted(out: &mut String, summary: &AuditSummary) -> fmt::Result {
    let AuditSummary { accepted, acceptance_ended, acceptance_proven, acceptance_unsure, .. } =
        summary;
    if accepted.files.files + accepted.rejected.files > 0 {
        writeln!(
            out,
            "Accepted by name, which are no findings (`mogile2s3 audit accept --list`):"
        )?;
        for (words, sample) in [
            ("files that no replica gives", &accepted.files),
            ("rows from which no file can be migrated", &accepted.rejected),
        ] {
            if sample.files > 0 {
                write_sample(out, words, sample)?;
            }
        }
    }
    if acceptance_ended.files > 0 {
        writeln!(out, "ACCEPTANCES THAT ARE OVER:")?;
        write_sample(out, "acceptance-ended", acceptance_ended)?;
        writeln!(
            out,
            "    → migrate what a replica gives again. Look at each of the others, and accept it anew where it \
             is still lost:\n\
             \x20     mogile2s3 migrate{}\n\
             \x20     mogile2s3 audit accept --fids {} --reason TEXT",
            only(acceptance_ended),
            fids(&acceptance_ended.first_fids)
        )?;
    }
    if acceptance_proven.files > 0 {
        writeln!(out, "Accepted before and proven since, which are no findings:")?;
        write_sample(out, "acceptance-proven", acceptance_proven)?;
        writeln!(
            out,
            "    → these acceptances are over. To take them out of `mogile2s3 audit accept --list`:\n\
             \x20     mogile2s3 audit accept --end --fids {} --reason 'proven since' --execute",
            fids(&acceptance_proven.first_fids)
        )?;
    }
    if acceptance_unsure.files > 0 {
        writeln!(out, "NOT TRIED AGAIN, so that these acceptances may be over:")?;
        write_sample(out, "acceptance-unsure", acceptance_unsure)?;
        writeln!(
            out,
            "    → start what the words name, or set it, and audit again. Where a replica is lost: `mogile2s3 \
             audit accept --end`, then accept the file anew with all replicas that there are now"
        )?;
    }
    Ok(())
}

/// Only these files, where all of them are named.
fn only(sample: &Sample) -> String {
    if is_whole(sample) { format!(" --fids {}", fids(&sample.first_fids)) } else { String::new() }
}
