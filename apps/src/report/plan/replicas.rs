//! Which files MogileFS has not replicated as often as their storage class asks for.

use std::fmt::{self, Write};

use domain::doctor::Census;

use crate::report::sample::write_sample;
use crate::report::shell::printable;

/// They are among the files that are to be migrated. Each can be read, so they are no finding.
pub(super) fn write_below_mindevcount(out: &mut String, census: &Census) -> fmt::Result {
    if let Some(below) = census.below_mindevcount.as_ref().filter(|below| below.files > 0) {
        writeln!(
            out,
            "Of the files to be migrated, those that MogileFS has not replicated enough:"
        )?;
        write_sample(out, "with fewer replicas than the mindevcount of their class", below)?;
        writeln!(
            out,
            "    → They can still be read. Replication has not finished, or a device is lost: let MogileFS \
             replicate them, check with `mogadm fsck start`, and run this again before the large run"
        )?;
    }
    if census.unknown_class.files > 0 {
        writeln!(
            out,
            "Of the files to be migrated, those whose class their domain does not have:"
        )?;
        write_sample(out, "of an unknown class", &census.unknown_class)?;
        writeln!(
            out,
            "    → MogileFS does not replicate them, and the trackers do not list them. Register the class \
             with `mogadm class add`, or give the rows another class in the database"
        )?;
    }
    if let Some(why) = &census.classes_unread {
        writeln!(
            out,
            "FILES WITH FEWER REPLICAS THAN THE MINDEVCOUNT OF THEIR CLASS ARE NOT COUNTED: {}\n  → correct \
             that, then run this again. The other counts do not depend on it",
            printable(why)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::Fid;
    use domain::summary::Sample;

    use super::*;

    #[test]
    fn files_with_too_few_replicas_are_named() {
        let said = |census: &Census| {
            let mut said = String::new();
            write_below_mindevcount(&mut said, census).expect("a string takes it");
            said
        };
        assert_eq!(said(&Census::default()), "");
        let read = Census { below_mindevcount: Some(Sample::default()), ..Census::default() };
        assert_eq!(said(&read), "");
        let sample = |words: &str| {
            let mut sample = Sample::default();
            for fid in [3, 9] {
                sample.add(Fid(fid), words);
            }
            sample
        };
        let below_mindevcount = Some(sample("ab-repo (class 0: 1 of 2 replicas)"));
        let unknown_class = sample("ab-repo (class 9)");
        let told = said(&Census { below_mindevcount, unknown_class, ..Census::default() });
        for words in [
            "  2 with fewer replicas than the mindevcount of their class: fids 3, 9\n    ab-repo (class 0: 1",
            "let MogileFS replicate them, check with `mogadm fsck start`, and run this again before",
            "  2 of an unknown class: fids 3, 9\n    ab-repo (class 9)\n",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
        let classes_unread = Some("SELECT command denied".to_owned());
        let told = said(&Census { classes_unread, ..Census::default() });
        let words =
            "ARE NOT COUNTED: SELECT command denied\n  → correct that, then run this again.";
        assert!(told.contains(words), "{told}");
    }
}
